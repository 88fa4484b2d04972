"""What a document says of the whole system, both ways."""

from holdfast.blueprint.exchange.extras import SYSTEM_FIELDS, is_of_system
from holdfast.blueprint.exchange.memory import HOLDFAST, METADATA, unwrap, wrap
from holdfast.blueprint.exchange.nodes import read_controls, read_metadata, write_controls
from holdfast.blueprint.exchange.recalling import Lens, Read
from holdfast.blueprint.exchange.values import Object, fit_name, is_writable, texts
from holdfast.blueprint.fields import LIST_MAX, NAME_MAX
from holdfast.blueprint.source import Plain

SCHEMAS = {
    "1.0": "https://calm.finos.org/release/1.0/meta/calm.json",
    "1.1": "https://calm.finos.org/release/1.1/meta/calm.json",
    "1.2": "https://calm.finos.org/release/1.2/meta/calm.json",
    "1.3": "https://calm.finos.org/draft/2026-03/meta/calm.json",
}
"""Of each version of CALM that is written, what ``$schema`` says; 1.3 is a draft."""
VERSION = "1.2"
UNNAMED = "Imported system"
_NONE: frozenset[str] = frozenset()


def system_lens(
    *, name: str = UNNAMED, aside: frozenset[str] = _NONE, kept: Object | None = None
) -> Lens:
    """The document but for its nodes, relationships and flows; ``name`` where it has none, and
    ``kept`` to remember beside."""

    def ours(raw: Object) -> Read:
        read = _ours(raw, name, aside)
        return Read(form=read.form, assumed=read.assumed, memory={**read.memory, **(kept or {})})

    return Lens(ours=ours, theirs=_theirs)


def _ours(raw: Object, name: str, aside: frozenset[str]) -> Read:
    metadata, mine = unwrap(raw.get(METADATA), HOLDFAST, is_of_system)
    title = fit_name(raw.get("title"))
    form: Object = {} if title is None else {"name": title}
    assumed: Object = {} if title is not None else {"name": name[:NAME_MAX] or UNNAMED}
    said = raw.get("description")
    if isinstance(said, str) and is_writable(said) and said:
        form["description"] = said
    form.update(mine)
    memory: Object = {}
    read_controls(raw, form, memory, known=_NONE, aside=aside)
    read_metadata(form, metadata, {})
    adrs = texts(raw.get("adrs"))
    if adrs is not None and len(adrs) <= LIST_MAX and None not in map(fit_name, adrs):
        form["adrs"] = list[Plain](adrs)
    return Read(form=form, assumed=assumed, memory=memory)


def _theirs(form: Object, memory: Object, apart: bool) -> Object:
    found: Object = {"$schema": SCHEMAS[VERSION]}
    if form.get("name") is not None:
        found["title"] = form["name"]
    if form.get("description"):
        found["description"] = form["description"]
    mine: Object = {name: form[name] for name in SYSTEM_FIELDS if form.get(name) is not None}
    metadata = wrap(form.get(METADATA), HOLDFAST, mine, apart=apart)
    found.update({} if metadata is None else {METADATA: metadata})
    found.update(write_controls(form, memory, known=_NONE))
    if form.get("adrs") is not None:
        found["adrs"] = form["adrs"]
    return found
