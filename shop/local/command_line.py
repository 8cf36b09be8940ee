"""Command lines of several commands, each of which adds its own arguments."""

import argparse
import sys
import textwrap
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from shop.core.command_line.arguments import shortly

from .errors import LocalStackError

MOST_CHARACTERS = 300  # of a refusal: a list of forty choices is what --help is for


class Parser(argparse.ArgumentParser):
    """Refuses arguments as manage.py does: in one line, with exit code 1."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 1 and one line."""
        said = textwrap.shorten(shortly(message), MOST_CHARACTERS, placeholder=" …")
        self.exit(1, f"{self.prog}: {said} (--help says how it goes)\n")
        raise SystemExit(1)


def run_command(program: str, description: str | None, commands: Sequence[ModuleType]) -> int:
    """Run the command that the command line names; return its exit code.

    Each of `commands` has `add_parser`, which sets `run` to a function of the parsed arguments.
    """
    parser = Parser(prog=program, description=description)
    parsers = parser.add_subparsers(required=True)
    for command in commands:
        command.add_parser(parsers)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1
