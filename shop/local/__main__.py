"""`python -m shop.local COMMAND`: the product on this machine, with nothing installed beside it."""

import argparse
import sys
from typing import NoReturn

from shop.core.arguments import shortly

from . import demo, drill, pay, run, soak, up
from .errors import LocalStackError

COMMANDS = (demo, up, pay, drill, soak, run)


class Parser(argparse.ArgumentParser):
    """Refuses arguments as manage.py does: in one line, with exit code 1."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 1 and one line."""
        self.exit(1, f"{self.prog}: {shortly(message)} (--help says how it goes)\n")
        raise SystemExit(1)


def main() -> int:
    """Run the command that the command line names; return its exit code."""
    parser = Parser(prog="python -m shop.local", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
