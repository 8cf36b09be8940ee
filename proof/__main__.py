"""`python -m proof COMMAND`: the promises of the product, tried on this machine."""

import sys

from proof import demo, drill, soak
from shop.local.command_line import run_command


def main() -> int:
    """Run the command that the command line names; return its exit code."""
    return run_command("python -m proof", __doc__, (demo, drill, soak))


if __name__ == "__main__":
    sys.exit(main())
