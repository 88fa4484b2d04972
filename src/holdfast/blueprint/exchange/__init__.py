"""Between FINOS CALM and the blueprint, both ways, without loss.

Promises: ``import_calm`` makes a blueprint that ``load`` takes of every valid architecture of CALM
1.0 to 1.3, and ``export_calm`` gives the very same document again; ``export_calm`` makes a valid
CALM document of every blueprint, and importing that gives a blueprint of the same digest. What one
format says and the other has no word for is kept in ``metadata``. What somebody changes in between
is never undone by what is kept. Nothing is read or fetched.
"""

from holdfast.blueprint.exchange.addresses import PLACEHOLDER
from holdfast.blueprint.exchange.controls import REQUIREMENT
from holdfast.blueprint.exchange.errors import ExchangeError, NotAnArchitectureError
from holdfast.blueprint.exchange.exporting import export_calm
from holdfast.blueprint.exchange.importing import Imported, import_calm
from holdfast.blueprint.exchange.requirements import requirement
from holdfast.blueprint.exchange.system import SCHEMAS, VERSION
from holdfast.blueprint.exchange.writing import Note

__all__ = [
    "PLACEHOLDER",
    "REQUIREMENT",
    "SCHEMAS",
    "VERSION",
    "ExchangeError",
    "Imported",
    "NotAnArchitectureError",
    "Note",
    "export_calm",
    "import_calm",
    "requirement",
]
