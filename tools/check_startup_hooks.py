"""Says which files of an environment run code whenever its Python starts, and refuses unknown ones.

A `.pth` file in site-packages may hold lines that are executed before any program begins; a package
that brings one has every secret of every program. Known ones are listed here with who brings them,
and must be byte for byte what that distribution's RECORD says.

python -I -S tools/check_startup_hooks.py .venv     -S: so that none of them runs while it looks
"""

import base64
import csv
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

# Which distribution may bring which file.
KNOWN = {
    "a1_coverage.pth": "coverage",
    "distutils-precedence.pth": "setuptools",
    "_editable_impl_holdfast.pth": "holdfast",
    "_virtualenv.pth": "virtualenv",
}
CUSTOMIZERS = ("sitecustomize", "usercustomize")


def problems(environment: Path) -> Iterator[str]:
    """One sentence for each file that runs at every start and is not known."""
    for site in sorted(environment.glob("lib*/python*/site-packages")):
        for path in sorted(site.iterdir()):
            name = path.name.partition(".")[0]
            if path.suffix == ".pth":
                yield from _problem(path)
            elif name in CUSTOMIZERS and (path.suffix or path.is_dir()):
                yield f"{path}: it is imported at every start"


def _problem(path: Path) -> Iterator[str]:
    owner = KNOWN.get(path.name)
    if owner is None:
        yield f"{path}: no known distribution brings it"
    elif owner == "virtualenv":
        # virtualenv writes it itself, and it is in no RECORD: one line, one import.
        if path.read_text("utf-8").strip() != "import _virtualenv":
            yield f"{path}: it is not what virtualenv writes"
    elif _digest(path) not in set(_recorded(path, owner)):
        yield f"{path}: it is not the file that {owner} brings"


def _digest(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _recorded(path: Path, owner: str) -> Iterator[str]:
    """The hashes that the installed distribution's RECORD gives the file."""
    for record in path.parent.glob("*.dist-info/RECORD"):
        if record.parent.name.lower().startswith(owner + "-"):
            rows = csv.reader(record.read_text("utf-8").splitlines())
            yield from (row[1] for row in rows if row and row[0] == path.name)


def main() -> int:
    """1 when something runs at every start that is not known."""
    found = list(problems(Path(sys.argv[1])))
    for each in found:
        print(each, file=sys.stderr)
    if found:
        print("remove the environment, and look at what brought these", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
