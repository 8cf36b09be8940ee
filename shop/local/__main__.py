"""`python -m shop.local COMMAND`: the product on this machine, with nothing installed beside it."""

import argparse
import sys

from shop.local import demo, drill, pay, run, soak, up
from shop.local.errors import LocalStackError

COMMANDS = (demo, up, pay, drill, soak, run)


def main() -> int:
    """Run the command that the command line names; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m shop.local", description=__doc__)
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
