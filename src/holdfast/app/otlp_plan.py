"""Where OpenTelemetry goes, and how much: the options of ``holdfast up`` over the standard variables.

The variables are those of OpenTelemetry's specification ("OTLP exporter configuration", "SDK
environment variables"); what is said on the command line goes before them.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from holdfast.app.asking import Site, UrlError
from holdfast.core import HoldfastError
from holdfast.telemetry.otlp import Signal

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
SERVICE = "OTEL_SERVICE_NAME"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
DISABLED = "OTEL_SDK_DISABLED"
SERVICE_DEFAULT = "holdfast"

HEADERS_MAX = 32
HEADER_BYTES_MAX = 8_192
RESOURCE_ATTRIBUTES_MAX = 64
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN = frozenset(
    ("host", "content-length", "content-type", "content-encoding", "transfer-encoding")
)


class OtlpOptionError(HoldfastError):
    """The collector was named in a way that cannot be used."""

    code = "start.otlp-invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpPlan:
    """``share`` is of calls that are neither wrong nor slow. ``headers`` may hold a secret."""

    site: Site
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    share: float = 1.0
    follows_callers: bool = False
    signals: tuple[Signal, ...] = tuple(Signal)
    service: str = SERVICE_DEFAULT
    resource: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpWords:
    """What the command line says."""

    url: str | None = None
    headers: tuple[str, ...] = ()
    share: float = 1.0
    follows_callers: bool = False
    signals: tuple[str, ...] = ()


def read_otlp(words: OtlpWords) -> OtlpPlan | None:
    """What the command line and this process's environment say."""
    return plan_otlp(words, os.environ)


def plan_otlp(words: OtlpWords, environment: Mapping[str, str]) -> OtlpPlan | None:
    """None where nothing names a collector; ``OtlpOptionError`` where something is wrong."""
    url = words.url or environment.get(ENDPOINT, "").strip()
    if not url or environment.get(DISABLED, "").strip().lower() == "true":
        return None
    protocol = environment.get(PROTOCOL, "").strip()
    if words.url is None and protocol not in ("", "http/protobuf"):
        raise OtlpOptionError(
            f"{PROTOCOL} is '{protocol[:40]}', and only http/protobuf is spoken",
            fix="name the collector's HTTP port with --otlp (4318 as a rule)",
        )
    try:
        site = Site.parse(url)
    except UrlError as error:
        raise OtlpOptionError(error.what, fix=error.fix) from error
    said = {**_pairs(environment.get(HEADERS, ""), HEADERS), **_headers(words.headers)}
    resource = _pairs(environment.get(RESOURCE, ""), RESOURCE)
    named = resource.pop("service.name", "") or SERVICE_DEFAULT
    return OtlpPlan(
        site=site,
        headers=tuple(_checked(said).items()),
        share=words.share,
        follows_callers=words.follows_callers,
        signals=_signals(words.signals, environment),
        service=environment.get(SERVICE, "").strip() or named,
        resource=tuple(resource.items()),
    )


def _signals(said: Iterable[str], environment: Mapping[str, str]) -> tuple[Signal, ...]:
    wanted = {Signal(each) for each in said}
    if wanted:
        return tuple(each for each in Signal if each in wanted)
    return tuple(
        each
        for each in Signal
        if environment.get(f"OTEL_{each.value.upper()}_EXPORTER", "").strip() != "none"
    )


def _headers(options: Iterable[str]) -> dict[str, str]:
    """``NAME=VALUE``, or ``NAME=@FILE``: a secret on a command line is everybody's to read."""
    found: dict[str, str] = {}
    for option in options:
        name, separator, value = option.partition("=")
        if not separator:
            raise OtlpOptionError(
                f"--otlp-header {option[:40]} has no value", fix="write NAME=VALUE, or NAME=@FILE"
            )
        found[name.strip().lower()] = _read(value[1:]) if value.startswith("@") else value.strip()
    return found


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()[: HEADER_BYTES_MAX + 1]
    except OSError as error:
        raise OtlpOptionError(f"{path} cannot be read: {error}") from error
    return data.decode("utf-8", "replace").strip()


def _pairs(text: str, variable: str) -> dict[str, str]:
    """``name=value,name=value``, percent-encoded as W3C Baggage has it."""
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, separator, value = part.partition("=")
        if not separator or not name.strip():
            raise OtlpOptionError(f"{variable} has a part without a value", fix="write name=value")
        key = unquote(name.strip())
        found[key.lower() if variable == HEADERS else key] = unquote(value.strip())
    if len(found) > RESOURCE_ATTRIBUTES_MAX:
        raise OtlpOptionError(f"{variable} has more than {RESOURCE_ATTRIBUTES_MAX} parts")
    return found


def _checked(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        fits = value.isascii() and value.isprintable() and 0 < len(value) <= HEADER_BYTES_MAX
        if _NAME.fullmatch(name) is None or name in _OWN or not fits:
            raise OtlpOptionError(
                f"the header '{name[:40]}' for the collector cannot be sent",
                fix="use a name that is not HTTP's own and a value of printable ASCII",
            )
    if len(headers) > HEADERS_MAX:
        raise OtlpOptionError(f"more than {HEADERS_MAX} headers are for the collector")
    return headers
