"""What ``holdfast up`` was told."""

from dataclasses import dataclass
from pathlib import Path

from holdfast.app.otlp_plan import OtlpPlan
from holdfast.app.signing import NO_TRUST, Trust
from holdfast.app.trusting import NO_PLAN, TrustPlan
from holdfast.app.witnesses import NO_WITNESSES, WitnessPlan
from holdfast.world.ports import ListenTls


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One instance: its files, its addresses, whom it trusts."""

    blueprint: Path
    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    console_host: str = "127.0.0.1"
    console_port: int = 8081
    workers: int = 1
    watch: bool = True
    trust: Trust = NO_TRUST
    witnesses: WitnessPlan = NO_WITNESSES
    tls: ListenTls | None = None
    store: str | None = None
    trusting: TrustPlan = NO_PLAN
    accept_traces: bool = False
    console_open: bool = False
    console_origin: str | None = None
    call_log: str | None = None
    otlp: OtlpPlan | None = None
