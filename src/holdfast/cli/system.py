"""``init``, ``check``, ``up``, ``restart``: a system from its first file to its fresh workers."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from holdfast.cli.command import command, data_option, json_option, show
from holdfast.cli.progress import progress_of

if TYPE_CHECKING:  # `init` and `check` start nothing
    from holdfast.app.options import Options

_FILE = click.Path(path_type=Path, dir_okay=False)
_trust = click.option(
    "--trust-key",
    "trust_key",
    multiple=True,
    help="Key whose signature is believed (as 'holdfast sign' prints it, or a file); then FILE "
    "must be signed. May be given more than once.",
)


@click.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[DIR]"
)
@json_option
@command
def init(folder: Path, *, as_json: bool) -> None:
    """Write a small commented holdfast.yaml into DIR (default: here)."""
    from holdfast.app.starter import write_starter

    path = write_starter(folder)
    text = f"wrote {path}\nnext: holdfast up {path}   (and 'holdfast check {path}' after changes)"
    show({"path": str(path)}, text, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_trust
@json_option
@command
def check(file: Path, trust_key: tuple[str, ...], *, as_json: bool) -> None:
    """Tell all that is wrong with the blueprint FILE at once."""
    from holdfast.app.files import problems_of
    from holdfast.app.signing import read_trust
    from holdfast.app.wording import problem_rows, problem_text

    trust = read_trust(trust_key, folder=file.absolute().parent / ".holdfast" / "keys")
    problems = problems_of(file, trust=trust)
    errors = sum(problem.severity == "error" for problem in problems)
    show(
        {"valid": errors == 0, "problems": problem_rows(problems)},
        problem_text(file, problems),
        as_json=as_json,
    )
    if errors:
        sys.exit(1)


class _Up(TypedDict):
    """What ``up`` was told, as click gives it."""

    host: str
    port: int
    console_host: str
    console_port: int
    data: Path | None
    store: str | None
    workers: int
    tls_certificate: Path | None
    tls_key: Path | None
    tls_clients: Path | None
    origins: tuple[str, ...]
    federated: tuple[str, ...]
    trust_key: tuple[str, ...]
    witnesses: tuple[str, ...]
    quorum: int | None
    accept_traces: bool
    console_open: bool
    console_origin: str | None
    call_log: str | None
    otlp: str | None
    otlp_headers: tuple[str, ...]
    otlp_sample: float
    otlp_follow_callers: bool
    otlp_signals: tuple[str, ...]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, help="Port for calls; 0 takes a free one.")
@click.option(
    "--console-host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the console. Browsers keep a session on this machine, or behind TLS.",
)
@click.option("--console-port", default=8081, show_default=True, help="Port for the console.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="The data directory. Default: .holdfast beside FILE.",
)
@click.option(
    "--store",
    metavar="ADDRESS",
    help="Database: postgresql://... Default: HOLDFAST_STORE, else SQLite in the data directory.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
)
@click.option("--tls-certificate", type=_FILE, help="Speak TLS: PEM file, the server's own first.")
@click.option("--tls-key", type=_FILE, help="PEM file of its private key.")
@click.option(
    "--tls-clients", type=_FILE, help="Roots (PEM) of certificates that callers may show."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="How callers reach the gateway: what their proofs name. Default: its own address.",
)
@click.option(
    "--federate",
    "federated",
    multiple=True,
    metavar="DOMAIN=FILE",
    help="Believe identities of another trust domain, by its SPIFFE bundle.",
)
@_trust
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="URL=VKEY",
    help="A witness to cosign the log's checkpoints; URL=@FILE has its keys in a file.",
)
@click.option(
    "--quorum",
    type=click.IntRange(1),
    help="How many witnesses must have cosigned. Default: more than half.",
)
@click.option(
    "--accept-traces",
    is_flag=True,
    help="Take OTLP traces at the console's port: POST /v1/traces, with a token for `ingest`.",
)
@click.option(
    "--console-open",
    is_flag=True,
    help="Let anybody who reaches the console see everything there without signing in.",
)
@click.option(
    "--console-origin",
    metavar="URL",
    help="How browsers reach the console behind a proxy: https://console.example.",
)
@click.option(
    "--call-log",
    metavar="FILE|-",
    help="Append one line of JSON to FILE (-: standard output) for every call that ends.",
)
@click.option(
    "--otlp",
    metavar="URL",
    help="Send OpenTelemetry (OTLP over HTTP) there. Default: OTEL_EXPORTER_OTLP_ENDPOINT.",
)
@click.option(
    "--otlp-header",
    "otlp_headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="A header for the collector; NAME=@FILE has its value, such as a key, in a file.",
)
@click.option(
    "--otlp-sample",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Share of calls whose spans are sent. Errors, refusals and slow calls always are.",
)
@click.option(
    "--otlp-follow-callers",
    is_flag=True,
    help="In a trace of the caller's, send spans when the caller does, whatever the share.",
)
@click.option(
    "--otlp-signal",
    "otlp_signals",
    multiple=True,
    type=click.Choice(["traces", "metrics", "logs"]),
    help="Send this one only. May be given more than once. Default: all three.",
)
@json_option
@command
def up(file: Path, *, as_json: bool, **words: Unpack[_Up]) -> None:
    """Run the system that the blueprint FILE declares."""
    import gc

    gc.disable()  # what is loaded now stays; the collector rests once all is

    import uvloop

    from holdfast.app.logs import configure_logs
    from holdfast.app.starting import run_keeper
    from holdfast.app.wording import ready_text

    configure_logs(as_json=as_json)
    options = _options(file, words)

    def on_ready(info: object, link: str) -> None:
        show({"ready": info, "sign_in": link}, ready_text(info, link), as_json=as_json)
        sys.stdout.flush()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_keeper(options, on_ready=on_ready))


def _options(file: Path, words: _Up) -> Options:
    from holdfast.app.listening import listen_tls
    from holdfast.app.options import Options
    from holdfast.app.otlp_plan import OtlpWords, read_otlp
    from holdfast.app.porter import console_origin
    from holdfast.app.signing import read_trust
    from holdfast.app.trusting import plan_trust
    from holdfast.app.witnesses import WitnessPlan

    place = words["data"] or file.absolute().parent / ".holdfast"
    return Options(
        blueprint=file,
        data=place,
        host=words["host"],
        port=words["port"],
        console_host=words["console_host"],
        console_port=words["console_port"],
        workers=words["workers"],
        store=words["store"],
        tls=listen_tls(words["tls_certificate"], words["tls_key"], words["tls_clients"]),
        witnesses=WitnessPlan.parse(words["witnesses"], quorum=words["quorum"]),
        trust=read_trust(words["trust_key"], folder=place / "keys"),
        trusting=plan_trust(words["origins"], words["federated"]),
        accept_traces=words["accept_traces"],
        console_open=words["console_open"],
        console_origin=console_origin(words["console_origin"]),
        call_log=words["call_log"],
        otlp=read_otlp(
            OtlpWords(
                url=words["otlp"],
                headers=words["otlp_headers"],
                share=words["otlp_sample"],
                follows_callers=words["otlp_follow_callers"],
                signals=words["otlp_signals"],
            )
        ),
    )


@click.command()
@click.option("--reason", default="", help="Why; stands in the log.")
@data_option
@json_option
@command
def restart(*, reason: str, data: Path | None, as_json: bool) -> None:
    """Replace the workers of the running instance one by one; no call is cut off for it."""
    from holdfast.app.instances import find_data
    from holdfast.app.restarts import restart_workers

    with progress_of("replacing workers", as_json=as_json):
        done = restart_workers(find_data(data), reason=reason)
    plural = "s" if done.workers != 1 else ""
    text = f"{done.workers} fresh worker{plural}; {done.leaving} old finishing calls"
    show(done, text, as_json=as_json)
