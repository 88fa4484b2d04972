"""Writing generated pages, or saying that they are out of date. Used by tools/generate_*.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


def note(tool: str) -> str:
    """The line that tells an editor where a page comes from."""
    return f"<!-- Written by tools/{tool} from the code; do not edit by hand. -->"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def settle(page: Path, text: str) -> int:
    """Write ``page``; with ``--check`` only say whether it is as it would be written."""
    data = text.encode()
    if page.exists() and page.read_bytes() == data:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{page.relative_to(ROOT)} is out of date: run python {Path(sys.argv[0]).name}")
        return 1
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(data)
    return 0
