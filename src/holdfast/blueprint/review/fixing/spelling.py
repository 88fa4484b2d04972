"""Plain data written as YAML: on one line, or as a block."""

import json
import re

from holdfast.blueprint import Plain

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*")
_WORDS = {"", "~", "null", "true", "false", "yes", "no", "on", "off"}


def flow_text(value: Plain, *, as_json: bool = False) -> str:
    """On one line, as people would write it; with ``as_json`` so that JSON's readers take it."""
    if as_json:
        return json.dumps(value, ensure_ascii=False)
    match value:
        case dict():
            inner = ", ".join(f"{_word(key)}: {flow_text(each)}" for key, each in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(flow_text(each) for each in value)}]"
        case str():
            return _word(value)
        case _:
            return json.dumps(value)


def _word(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def block_lines(value: Plain, *, indent: int) -> list[str]:
    """On lines of its own, each behind ``indent`` blanks."""
    lead = " " * indent
    lines: list[str] = []
    if isinstance(value, dict) and value:
        for key, each in value.items():
            lines.append(f"{lead}{_word(key)}: {flow_text(each)}")
        return lines
    if isinstance(value, list) and value:
        return [f"{lead}- {flow_text(each)}" for each in value]
    return [lead + flow_text(value)]
