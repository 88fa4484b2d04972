"""What no file of this repository may say."""

import re
from pathlib import Path

from source_files import ROOT, every_file, pages, shown

# Other people's texts are theirs: vendored files, licences, published vectors, the locked list.
OTHERS = ("src/holdfast/faces/web/static/vendor/", "tests/conformance/", "LICENSE", "requirements/")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".cedar", ".html", ".css", ".js", ".jinja", ".sh"}
TEXT |= {".json", ".txt", ".svg", ".cfg", ".conf", ""}
TEXT_BYTES_MAX = 2_000_000

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
REGISTRIES = re.compile(r"(pypi|pythonhosted|npmjs|crates)\.(org|com|io)\b|--index-url|--proxy\b")
HOME_FOLDERS = re.compile(r"(?<![\w.])/(home|Users)/\w+|(?<![\w.])/root/|[A-Z]:\\\\Users")
SIGNATURES = re.compile(
    r"co-authored-by:|generated (with|by) (an? )?(ai|llm)|as an ai\b", re.IGNORECASE
)
HYPE = re.compile(
    r"\b(blazing|revolutionary|seamless(ly)?|world-class|cutting-edge|game-chang\w+|effortless(ly)?|"
    r"next-gen\w*|best-in-class|supercharge\w*|enterprise-grade|production-ready)\b",
    re.IGNORECASE,
)
EMOJI = re.compile("[\U0001f000-\U0001faff\u2700-\u27bf\ufe0f]")


def _texts() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for path in every_file():
        name = shown(path)
        if path == Path(__file__) or name.startswith(OTHERS) or path.suffix not in TEXT:
            continue
        if path.stat().st_size <= TEXT_BYTES_MAX:
            found.append((name, path.read_bytes().decode("utf-8", "replace")))
    return found


def _lines_with(pattern: re.Pattern[str], texts: list[tuple[str, str]]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_unfinished_work_names_its_issue() -> None:
    assert _lines_with(UNFINISHED, _texts()) == []


def test_no_file_names_a_registry_or_asks_for_a_proxy() -> None:
    assert _lines_with(REGISTRIES, _texts()) == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert _lines_with(HOME_FOLDERS, _texts()) == []
    if len(ROOT.parts) > 2:  # a checkout at /src would find itself everywhere
        here = re.compile(re.escape(str(ROOT)) + r"(/|\b)")
        assert _lines_with(here, _texts()) == []


def test_the_project_speaks_of_itself_alone() -> None:
    assert _lines_with(SIGNATURES, _texts()) == []


def test_prose_is_calm() -> None:
    prose = [(shown(page), page.read_text("utf-8")) for page in pages()]
    assert _lines_with(HYPE, prose) == []
    assert _lines_with(EMOJI, prose) == []


def test_locked_requirements_all_have_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert len(blocks) > 20
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
