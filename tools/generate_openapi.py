"""Write docs/reference/openapi.json: the description of the control API.

python tools/generate_openapi.py
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from fastapi import FastAPI

from holdfast import __version__
from holdfast.faces import Windows
from holdfast.faces.service import make_app

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


class NoSystem:
    """Describing needs no system; asking one is a mistake."""

    def _none(self) -> NoReturn:
        raise RuntimeError("there is no system behind this application")

    blueprint = live = changes = log = trouble = _none
    passports = revocations = status_list = _none
    report = _none
    standings = anomalies = _none
    question = decide = revoke = lift = restart = _none
    origin = None


def application() -> FastAPI:
    """With every window there is: whatever can be asked is described."""
    names = {field.name for field in fields(Windows)} - {"traces", "documents"}
    windows = Windows(**dict.fromkeys(names, NoSystem()))
    return make_app(NoSystem(), version=__version__, windows=windows)


def main() -> None:
    app = application()
    TARGET.write_text(json.dumps(app.openapi(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"wrote {TARGET.relative_to(TARGET.parents[2])}")


if __name__ == "__main__":
    main()
