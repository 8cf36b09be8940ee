"""`python -m shop.local COMMAND`: the product on this machine, with nothing installed beside it."""

import sys

from . import pay, run, up
from .command_line import run_command


def main() -> int:
    """Run the command that the command line names; return its exit code."""
    return run_command("python -m shop.local", __doc__, (up, pay, run))


if __name__ == "__main__":
    sys.exit(main())
