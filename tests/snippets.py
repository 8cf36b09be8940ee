"""The code blocks of a guide, for tests that run what the guide tells its readers to run."""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.py)\n")


class Block(NamedTuple):
    """A block of code; `file` is the name that its first line gives it, "" where it has none."""

    language: str
    code: str
    file: str


def blocks(guide: Path) -> list[Block]:
    """Return the blocks of a Markdown file in their order."""
    return [_block(*found) for found in _BLOCK.findall(guide.read_text())]


def _block(language: str, code: str) -> Block:
    named = _FILE.match(code)
    return Block(language, code, named[1] if named else "")


def script(found: list[Block], language: str) -> str:
    """Return all blocks of a language as one program, without those that are files of their own."""
    return "\n".join(each.code for each in found if each.language == language and not each.file)
