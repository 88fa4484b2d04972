"""What the keeper answers on its control socket when it is asked how the system is."""

import msgspec

from holdfast.app.monitor import Monitor
from holdfast.faces import Live, ObjectivesView
from holdfast.telemetry.tally import Tallied, Tallies, without_exemplars


class ObjectiveState(msgspec.Struct, frozen=True):
    """``left`` is the part of the budget that is left, None where nothing was counted."""

    id: str
    state: str
    left: float | None


class Painted(msgspec.Struct, frozen=True, kw_only=True):
    """What ``picture.Picture`` is read from."""

    system: str
    blueprint: str
    trouble: str | None
    live: Live
    tallied: tuple[Tallied, ...]
    dropped: dict[str, int]
    objectives: tuple[ObjectiveState, ...]
    anomalies: tuple[str, ...]


def painted(monitor: Monitor, tallies: Tallies, objectives: ObjectivesView | None) -> msgspec.Raw:
    """The system at this moment. Calls that have ended are in the history, and left out."""
    blueprint = monitor.blueprint()
    found = Painted(
        system=blueprint.name,
        blueprint=blueprint.digest,
        trouble=monitor.trouble(),
        live=msgspec.structs.replace(monitor.live(), recent=()),
        tallied=tuple(map(without_exemplars, tallies.tallied())),
        dropped=tallies.dropped(),
        objectives=_states(objectives),
        anomalies=_anomalies(objectives),
    )
    return msgspec.Raw(msgspec.json.encode(found))


def _states(objectives: ObjectivesView | None) -> tuple[ObjectiveState, ...]:
    standings = objectives.standings() if objectives is not None else ()
    return tuple(ObjectiveState(each.id, each.state, each.left) for each in standings)


def _anomalies(objectives: ObjectivesView | None) -> tuple[str, ...]:
    found = objectives.anomalies() if objectives is not None else ()
    return tuple(
        f"{each.measure} of {each.relationship} is {each.direction} what is usual"
        for each in found
        if each.until is None
    )
