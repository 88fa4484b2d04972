"""Writes docs/reference/limits.md: every bound, with its value read from the code.

python tools/generate_limits_reference.py          write it
python tools/generate_limits_reference.py --check  say whether it is up to date
"""

import ast
import importlib
from dataclasses import fields
from pathlib import Path

from reference_pages import REFERENCE, ROOT, note, settle, table

from holdfast.blueprint import Limits, Timeouts
from holdfast.wire import WireLimits

INTRODUCTION = """\
# Limits

{note}

Every queue, wait, size and count has a bound. What a blueprint sets comes first; the rest is fixed,
and changing it is a change of code. A bound that is reached refuses; nothing is cut short in silence.

## Set in the blueprint

On a node or a relationship, under `controls.timeouts` and `controls.limits`; the relationship's over
the callee's over the default, field by field.

"""

SETTINGS = {
    "connect_s": "Until the connection to the upstream stands. Only on a node: all who call it share its connections.",
    "first_byte_s": "From sending the request to the head of the answer, connecting included.",
    "idle_s": "Between two pieces of the answer.",
    "total_s": "For the whole answer.",
    "request_bytes": "The largest request body.",
    "answer_bytes": "The largest answer, streams included.",
    "max_tokens": "The most output tokens a request may ask for; written into a request that names none.",
    "connections": "The most connections to the upstream, per worker. Only on a node.",
}

WIRE = {
    "head_bytes": "The largest request line and header fields together.",
    "headers": "The most header fields.",
    "body_bytes": "The largest body; a blueprint's most generous `request_bytes` takes its place.",
    "connections": "The most client connections, per worker.",
    "pipelined_bytes": "What a client may send ahead of its answer; then reading stops.",
    "head_s": "From a request's first byte to the end of its head.",
    "body_idle_s": "Between two pieces of a request's body.",
    "body_total_s": "For a whole request body.",
    "idle_s": "Between two requests on one connection.",
    "stalled_write_s": "How long a client may refuse to read its answer.",
}

FIXED = {
    "world.real.network:HANDSHAKE_S": "What a TLS handshake may take.",
    "wire.server:LINGER_S": "How long the rest of a refused body is read and dropped.",
    "wire.server:CLOSED_S": "How long connections that were cut may take to tell their handlers.",
    "wire.server:SWEEP_S": "How often connections' deadlines are looked at: their precision.",
    "wire.client:IDLE_CONNECTIONS_MAX": "Connections kept open per upstream and worker.",
    "wire.client:HEADERS_MAX": "Header fields of an upstream's answer.",
    "wire.repeats:HEAD_BYTES_MAX": "The largest head that is kept to know the next one by.",
    "wire.repeats:LENGTH_DIGITS_MAX": "Digits of a `Content-Length`.",
    "wire.sse:EVENT_BYTES_MAX": "The largest single event of a stream.",
    "gateway.service:SWEEP_S": "How often calls' deadlines are looked at: their precision.",
    "gateway.retrying:WAITED_S_MAX": "The longest Retry-After that a call waits for.",
    "gateway.standing:STANDINGS_MAX": "Permissions that a path remembers.",
    "gateway.groups:BACK_SOON_S": "When every upstream is out: how soon one must be back for a call to wait.",
    "gateway.stages.accept:PATIENCE_MS_MAX": "The longest time limit that a caller may set.",
    "resilience.backoff:DOUBLINGS_MAX": "Doublings of the wait between two tries.",
    "resilience.backoff:RETRY_AFTER_BYTES_MAX": "The longest Retry-After that is read.",
    "resilience.backoff:RETRY_AFTER_S_MAX": "The longest wait that an upstream may ask for.",
    "resilience.choosing:PLANS_MAX": "Sets of upstreams that are up for which tiers are kept.",
    "resilience.ejection:EJECTED_S_MAX": "The longest an outlier is left out.",
    "resilience.ejection:WINDOW_S": "How long calls are counted before outliers are judged.",
    "resilience.leases:LEASE_WAIT_S": "How long a call waits for the keeper's word on its budget.",
    "resilience.load:DECAY_S": "How fast a slow first token is forgotten.",
    "resilience.load:UNKNOWN_S": "The first-token time of an upstream that nobody has asked yet.",
    "resilience.quantile:REUSED_S": "How long a percentile once worked out is used again.",
    "resilience.quantile:SLICE_S": "The step in which a percentile's window moves.",
    "resilience.retry_budget:WINDOW_S": "How long unused retries beyond the burst are kept.",
    "resilience.spending:LOOK_S": "How often leases are looked through: idle ones go back.",
    "resilience.spending:WAITERS_MAX": "Calls of one worker that may wait for leases at once.",
    "resilience.throttle:BUCKET_S": "The step in which the throttle's window moves.",
    "resilience.throttle:SHED_MAX": "The largest share of calls that the throttle sheds.",
    "resilience.treasury:AHEAD_MAX": "Leases granted ahead of need, at most so many calls' worth.",
    "gateway.streaming:HELD_BYTES_MAX": "Events held while the opening record becomes durable.",
    "gateway.journeys:RECENT_MAX": "Ended calls a worker keeps for the console.",
    "audit.recorder:ENTRY_BYTES_MAX": "The largest record.",
    "audit.recorder:PENDING_BYTES_MAX": "Records waiting for the disk, per worker.",
    "audit.recorder:JOURNAL_BYTES_MAX": "A journal this large is sealed and a new one begun.",
    "audit.recorder:APPEND_S_MAX": "A disk that takes longer to sync counts as failed.",
    "audit.recorder:GATHER_S": "How long a batch of records gathers before it goes to the disk.",
    "audit.recorder:RETRY_AFTER_S": "After a failure, until the disk is tried again.",
    "audit.intake:CHUNK_BYTES": "Read from one journal in one round.",
    "audit.intake:NOTES_MAX": "Torn journal ends that are told.",
    "audit.frames:WORKER_MAX": "The highest worker number.",
    "audit.reader:RECENT_MAX": "Newest entries that can be asked for at once.",
    "audit.verify:PROBLEMS_MAX": "Problems that a verification tells.",
    "audit.store:ENTRIES_OF_A_CALL_MAX": "Records of one call that the index gives.",
    "audit.log:ROUNDS_MAX": "Rounds over the journals in one integration.",
    "audit.tiles:PROTOCOL_ENTRY_BYTES_MAX": "The largest entry that tlog-tiles can hold.",
    "audit.tiles:LEVELS_MAX": "Levels of tiles.",
    "audit.proof:HASHES_MAX": "Hashes in a proof.",
    "audit.proof:PROOF_BYTES_MAX": "The largest proof that is read.",
    "audit.note:SIGNATURES_MAX": "Signatures on one checkpoint.",
    "audit.note:NOTE_BYTES_MAX": "The largest checkpoint that is read.",
    "identity.credentials:CREDENTIALS_MAX": "Credentials in one database.",
    "blueprint.source:BYTES_MAX": "The largest blueprint file.",
    "blueprint.source:DEPTH_MAX": "Levels of nesting in it.",
    "blueprint.source:VALUES_MAX": "Values in it, after aliases are expanded.",
    "blueprint.fields:NAME_MAX": "Characters in a name.",
    "blueprint.fields:TEXT_MAX": "Characters in a description.",
    "blueprint.fields:LIST_MAX": "Items in a list.",
    "blueprint.controls:TIMEOUT_S_MAX": "The longest wait a blueprint may set.",
    "blueprint.controls:BYTES_MAX": "The largest size a blueprint may set.",
    "blueprint.controls:CONNECTIONS_MAX": "The most connections a blueprint may set.",
    "blueprint.controls:MAX_TOKENS_MAX": "The most tokens a blueprint may set.",
    "blueprint.amounts:COUNT_MAX": "The most calls or tokens a blueprint may set.",
    "blueprint.amounts:MONEY_MAX": "The largest budget of money, in units of the currency.",
    "blueprint.amounts:PRICE_MAX": "The highest price of a million tokens.",
    "blueprint.resilience_forms:ATTEMPTS_MAX": "The most attempts of one call a blueprint may set.",
    "blueprint.resilience_forms:RETRIES_PER_S_MAX": "The most retries a second whatever their share.",
    "blueprint.resilience_forms:BACKOFF_S_MAX": "The longest wait between two attempts.",
    "blueprint.resilience_forms:BREAKER_CALLS_MAX": "The most calls that a circuit breaker may count to.",
    "blueprint.resilience_forms:WINDOW_S_MAX": "The longest window, time out and time between health checks.",
    "blueprint.resilience_forms:QUEUE_MAX": "The longest queue a blueprint may set.",
    "blueprint.resilience_forms:FALLBACKS_MAX": "The most nodes that one may fall back to.",
    "blueprint.resilience_forms:BULKHEAD_CALLS_MAX": "The largest bulkhead.",
    "blueprint.resilience_forms:WEIGHT_MAX": "The largest weight of an upstream.",
    "blueprint.resilience_forms:PRIORITY_MAX": "The highest number of a priority.",
    "blueprint.errors:PROBLEMS_SHOWN_MAX": "Problems told about one file.",
    "policy.statements:POLICIES_MAX": "Policies in one blueprint.",
    "policy.statements:NESTING_MAX": "Nested brackets in a policy.",
    "policy.statements:OPERATORS_MAX": "Operators in a policy.",
    "policy.deciding:CACHE_MAX": "Decisions remembered, per worker.",
    "policy.deciding:SLICED_POLICIES_MAX": "Policies over all slices; beyond it every call sees all.",
    "policy.deciding:REASONS_MAX": "Policies that a refusal names as its reason.",
    "policy.compiling:ID_MAX": "Characters of a policy's `@id`.",
    "faces.streams:STREAMS_MAX": "Watchers of the console's live stream.",
    "faces.streams:LOOK_S": "How often a watcher is told though no call began or ended.",
    "faces.evidence:READ_S": "How long the console waits for the log to be read.",
    "faces.evidence:READS_MAX": "Reads of the log at once.",
    "faces.web.views:ROWS_MAX": "Calls on the console's page.",
    "faces.api.routes:RECENT_MAX": "Calls that one request of the control API may ask for.",
    "faces.api.routes:CALL_ID_LENGTH_MAX": "Characters of a call's id in the control API.",
    "faces.api.routes:INDEX_MAX": "The highest index in the control API.",
    "app.keeper:INTEGRATE_S": "How often records are brought from the journals into the log.",
    "app.keeper:ANNOUNCE_S": "How often the console's watchers are told to look for changes.",
    "app.keeper:WATCH_S": "How often the blueprint's files are looked at.",
    "app.keeper:DRAIN_S": "How long calls under way may go on when an instance stops.",
    "app.keeper:FINISH_S": "What a replaced worker may take beyond twice the longest call.",
    "app.keeper:ORPHANS_S": "How long a new instance waits for workers that its predecessor left.",
    "app.keeper:ORPHANS_POLL_S": "How often it looks whether they have ended.",
    "app.worker:REPORT_S": "How often a worker reports to the keeper.",
    "app.worker:IN_FLIGHT_REPORTED_MAX": "Calls under way that a worker reports.",
    "app.worker:ORPHAN_DRAIN_S": "How long a worker finishes its calls when the keeper is gone.",
    "app.worker:PURSES_S": "How often a worker looks after its leases and who waits for them.",
    "app.treasury:SAVE_S": "How often is saved of budgets what no call waits for.",
    "app.handles:ANSWER_S": "How long a worker may take to build a path or adopt it.",
    "app.workers:EXIT_S": "How long a worker may take to exit beyond the drain; then it is killed.",
    "app.workers:RESPAWN_BACKOFF_S": "Before a dead worker is replaced: the first wait, and the longest.",
    "app.workers:LEAVING_MAX": "Replaced workers that may still finish calls, for each place of one.",
    "app.bulletin:STANDING_MAX": "News of upstreams kept for workers that start later.",
    "app.monitor:RECENT_MAX": "Ended calls that the console keeps.",
    "app.monitor:CHANGE_S": "The shortest time between two looks at a busy system.",
    "app.console:CONNECTIONS_MAX": "Connections to the console's port.",
    "app.console:SHUTDOWN_S": "How long the console's connections may linger at a stop.",
    "app.channel:FRAME_BYTES_MAX": "The largest message between keeper and worker.",
    "app.control:ANSWER_S": "How long a command waits for a running instance.",
    "app.control:RESTART_S": "How long `holdfast restart` waits.",
    "app.control:LINE_BYTES_MAX": "The largest message on the control socket.",
    "app.files:FILE_BYTES_MAX": "The largest blueprint, policy or secret file that is read.",
    "app.evidence:WAIT_S": "How long `audit prove` waits for a durable record to reach the log.",
}

# Bounds of drawing and of the simulator: nobody meets them at run time.
ELSEWHERE = (
    "testing.",
    "world.sim.",
    "faces.web.drawing",
    "faces.web.layout",
    "faces.web.ordering",
)


def constants() -> set[str]:
    """Every public constant in the code whose name says that it is a bound or a time."""
    package = ROOT / "src" / "holdfast"
    found: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        if not module.startswith(ELSEWHERE):
            found.update(f"{module}:{name}" for name in names(path) if is_bound(name))
    return found


def names(path: Path) -> list[str]:
    """Names assigned at the top of a file."""
    targets = [
        node.targets[0] for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_bound(name: str) -> bool:
    """``_MAX`` and ``_S`` are bounds and times; anything private is part of something named."""
    return name.isupper() and not name.startswith("_") and name.endswith(("_MAX", "_S"))


def value_of(key: str) -> str:
    """The constant's value, with its unit."""
    module, _, name = key.partition(":")
    return spelled(name, getattr(importlib.import_module(f"holdfast.{module}"), name))


def spelled(name: str, value: float | tuple[float, ...] | None) -> str:
    """A number with the unit its name ends in."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return " to ".join(spelled(name, each) for each in value)
    if "bytes" in name.lower():
        for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value >= size and value % size == 0:
                return f"{value // size} {unit}"
        return f"{value:,} bytes"
    words = name.lower().removesuffix("_max").split("_")
    return f"{value:g} s" if words[-1] == "s" else f"{value:,}"


def settings(kind: type[Timeouts | Limits | WireLimits], about: dict[str, str]) -> str:
    """The fields of one settings class with their defaults."""
    rows = [
        (f"`{field.name}`", spelled(field.name, getattr(kind(), field.name)), about[field.name])
        for field in fields(kind)
    ]
    return table(("field", "default", "bounds"), rows)


def reference() -> str:
    """The page. A bound without a meaning stops this tool."""
    unknown = constants() ^ {key for key in FIXED if is_bound(key.partition(":")[2])}
    if unknown:
        raise SystemExit(f"give these a meaning in FIXED, or take them out: {sorted(unknown)}")
    rows = [
        (f"`{key.replace(':', '.')}`", value_of(key), meaning) for key, meaning in FIXED.items()
    ]
    return (
        INTRODUCTION.replace("{note}", note("generate_limits_reference.py"))
        + settings(Timeouts, SETTINGS)
        + "\n"
        + settings(Limits, SETTINGS)
        + "\n## Held by the wire\n\nTowards clients, per worker.\n\n"
        + settings(WireLimits, WIRE)
        + "\n## Fixed\n\n"
        + table(("name", "value", "bounds"), rows)
    )


if __name__ == "__main__":
    raise SystemExit(settle(REFERENCE / "limits.md", reference()))
