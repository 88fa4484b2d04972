"""What the pages show is so: links lead somewhere, blocks of code work, commands exist."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import yaml
from source_files import ROOT, pages, python_files, shown

from holdfast.blueprint import check, load
from holdfast.cli import main
from holdfast.policy import Policy

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
LANGUAGES = {"console", "sh", "text", "yaml", "python", "json", "cedar", "toml", "ini"}
# What a shell block may call beside our own command.
PROGRAMS = {"pip", "make", "curl", "export", "cd", "git", "kill", "ollama", "vllm", "python"}
PROGRAMS |= {".venv/bin/python"}


class Block(NamedTuple):
    page: Path
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{shown(self.page)} ({self.language})"


def _blocks() -> Iterator[Block]:
    for page in pages():
        for match in FENCE.finditer(page.read_text("utf-8")):
            language, _, rest = match["info"].strip().partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            yield Block(page, language, title[1] if title else "", match["text"])


BLOCKS = list(_blocks())


def _of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    return {_slug(line.lstrip("# ")) for line in _prose(page).splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", pages(), ids=shown)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(re.sub(r"`[^`]*`", "", _prose(page))):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        there = (page.parent / target) if target else page
        assert there.exists(), f"{shown(page)}: {match['target']}"
        assert not anchor or anchor in _anchors(there), f"{shown(page)}: {match['target']}"


@pytest.mark.parametrize("page", pages(), ids=shown)
def test_a_page_has_one_title_and_names_the_language_of_its_blocks(page: Path) -> None:
    titles = [line for line in _prose(page).splitlines() if line.startswith("# ")]
    assert len(titles) == 1
    assert {block.language for block in BLOCKS if block.page == page} <= LANGUAGES


def test_every_page_is_in_the_navigation_and_every_name_in_it_is_a_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    docs = ROOT / "docs"
    assert set(_targets(nav)) == {str(p.relative_to(docs)) for p in pages() if docs in p.parents}


def _targets(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _targets(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _targets(inner)


@pytest.mark.parametrize("block", [b for b in _of("yaml") if b.title], ids=str)
def test_a_blueprint_that_is_shown_is_sound_with_its_policies(block: Block) -> None:
    files = {other.title: other.text for other in BLOCKS if other.page == block.page}
    assert check(block.text, source=block.title, read=files.__getitem__) == ()
    Policy.compile(load(block.text, source=block.title, read=files.__getitem__))


@pytest.mark.parametrize("block", _of("yaml"), ids=str)
def test_yaml_that_is_shown_is_yaml(block: Block) -> None:
    yaml.compose(block.text)


@pytest.mark.parametrize("block", _of("python"), ids=str)
def test_python_that_is_shown_compiles_and_imports_only_what_exists(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("holdfast"):
            door = __import__(str(node.module), fromlist=["__all__"])
            assert {name.name for name in node.names} <= set(door.__all__)


def _shell_lines() -> Iterator[tuple[Block, list[str]]]:
    for block in _of("sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split(" > ")[0], comments=True)
            if words:
                yield block, words


@pytest.mark.parametrize(("block", "words"), list(_shell_lines()), ids=str)
def test_shell_lines_use_commands_and_flags_that_exist(block: Block, words: list[str]) -> None:
    program = words[0]
    if program != "holdfast":
        assert program in PROGRAMS or "=" in program
        return
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group) and (rest or not command.invoke_without_command):
        assert rest[0] in command.commands, f"{block}: {' '.join(words)}"
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_parser(click.Context(command)).parse_args(list(rest))


def _spoken_commands() -> set[tuple[str, ...]]:
    """``holdfast ...`` inside sentences."""
    found: set[tuple[str, ...]] = set()
    for page in pages():
        for span in re.findall(r"`holdfast ([^`]+)`", _prose(page)):
            found.add(tuple(span.replace("|", " ").split()))
    return found


def test_commands_named_in_sentences_exist() -> None:
    flags = {option for command in _all_commands() for p in command.params for option in p.opts}
    for words in _spoken_commands():
        assert words[0] in main.commands, words
        assert {word for word in words if word.startswith("--")} <= flags, words


def test_commands_named_in_messages_and_comments_exist() -> None:
    for path in python_files("src"):
        for span in re.findall(r"`holdfast ([^`{\"\n]+)", path.read_text("utf-8")):
            words = [word for word in span.split() if re.fullmatch("[a-z][a-z-]*", word)]
            command: click.Command = main
            while isinstance(command, click.Group) and words:
                assert words[0] in command.commands, f"{shown(path)}: holdfast {span}"
                command, words = command.commands[words[0]], words[1:]


def _all_commands() -> Iterator[click.Command]:
    for command in main.commands.values():
        yield from command.commands.values() if isinstance(command, click.Group) else (command,)


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in pages()
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert named - targets == set()


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 175
