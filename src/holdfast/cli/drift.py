"""``holdfast drift``: where reality left the declaration."""

import sys
from datetime import datetime
from pathlib import Path

import click

from holdfast.cli.command import command, json_option, show
from holdfast.cli.progress import progress_of

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Compare with what the instance of this data directory recorded and was sent.",
)
@click.option(
    "--traces",
    type=_PATH,
    multiple=True,
    help="Traces: OTLP as JSON or protocol buffers, Jaeger's JSON, Nezha's CSV; files or folders.",
)
@click.option(
    "--permitted",
    type=_PATH,
    help="What the network permits: Kubernetes manifests, or a JSON list of pairs of nodes.",
)
@click.option("--bindings", type=_PATH, help="A YAML file that says which node an identity is.")
@click.option(
    "--sampling",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="How likely a trace is kept, where the traces do not say.",
)
@click.option(
    "--window",
    "window_days",
    type=click.FloatRange(0, min_open=True),
    default=7.0,
    show_default=True,
    help="Days over which silence is judged.",
)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="When what is declared was deployed."
)
@click.option("--changes", type=_PATH, help="Records of changes, for signals O7 and O13.")
@click.option("--controls", type=_PATH, help="Dated evidence of controls, for signal O12.")
@click.option(
    "--earlier",
    multiple=True,
    metavar="DAY=FILE",
    help="The blueprint as it was, for signals O5 and O9. May be given more than once.",
)
@click.option("--all", "everything", is_flag=True, help="Show everything, however long.")
@json_option
@command
def drift(
    file: Path | None,
    data: Path | None,
    traces: tuple[Path, ...],
    permitted: Path | None,
    bindings: Path | None,
    sampling: float,
    window_days: float,
    since: datetime | None,
    changes: Path | None,
    controls: Path | None,
    earlier: tuple[str, ...],
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Compare the blueprint FILE (default: holdfast.yaml) with what runs; exit 1 on alerts."""
    from holdfast.app.drift import Asked, compare_with_reality, read_versions
    from holdfast.app.wording_of_drift import drift_text

    asked = Asked(
        file=file,
        data=data,
        traces=traces,
        permitted=permitted,
        bindings=bindings,
        sampling=sampling,
        window_days=window_days,
        since=since.date() if since is not None else None,
        changes=changes,
        controls=controls,
        earlier=read_versions(earlier),
    )
    with progress_of("reading what was seen", as_json=as_json) as progress:
        reply = compare_with_reality(asked, progress=progress)
    show(reply, drift_text(reply, everything=everything), as_json=as_json)
    if reply.alerts:
        sys.exit(1)
