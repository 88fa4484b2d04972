"""Runs every generator of a reference page.

python tools/generate_pages.py          write every page
python tools/generate_pages.py --check  say which are out of date
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run them one after the other; 1 when any failed."""
    tools = sorted(HERE.glob("generate_*.py"))
    runs = [
        subprocess.run([sys.executable, str(tool), *sys.argv[1:]], check=False).returncode
        for tool in tools
        if tool.name != Path(__file__).name
    ]
    return int(any(runs))


if __name__ == "__main__":
    raise SystemExit(main())
