"""Published sets of vectors that are other people's to keep.

They are not in this repository; each folder's SOURCES.md says where they are from. The tests over
them run where ``HOLDFAST_VECTORS`` names a folder that holds them, and are skipped elsewhere.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("HOLDFAST_VECTORS", Path(__file__).parent / "vectors"))


def published(name: str) -> Path:
    """The file of that name below the folder; whatever asks for it is skipped where it is not."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not in HOLDFAST_VECTORS", allow_module_level=True)
    return path
