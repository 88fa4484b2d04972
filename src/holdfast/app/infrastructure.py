"""Plans and manifests on disk, judged against a blueprint."""

from pathlib import Path

from holdfast.app.clusters import load_system, read_texts
from holdfast.app.texts import read_text
from holdfast.blueprint.infrastructure import (
    InfraReport,
    check_infrastructure,
    is_plan,
    read_modules,
    read_plan,
)
from holdfast.blueprint.kubernetes import cluster_in, read_manifests
from holdfast.core import JsonError, read_json

_JSON_DEPTH_MAX = 128


def check_files(
    paths: tuple[Path, ...], *, blueprint: Path, modules: Path | None, namespace: str | None
) -> InfraReport:
    """Every judgement on the plans and manifests at the paths. Which of the two a file is, its own
    words tell: a plan names its ``format_version``."""
    system = load_system(blueprint)
    approved = None if modules is None else read_modules(read_text(modules), source=str(modules))
    texts = read_texts(paths)
    plans = {name: text for name, text in texts.items() if _is_plan(name, text)}
    rest = {name: text for name, text in texts.items() if name not in plans}
    manifests = read_manifests(rest)
    return check_infrastructure(
        system,
        cluster_in(manifests, system.blueprint, namespace=namespace),
        plans=[read_plan(text, source=name) for name, text in plans.items()],
        manifests=manifests if rest else None,
        modules=approved,
    )


def _is_plan(name: str, text: str) -> bool:
    if not name.endswith(".json") and not text.lstrip().startswith("{"):
        return False
    try:
        return is_plan(read_json(text.encode(), depth_max=_JSON_DEPTH_MAX))
    except JsonError:
        return False
