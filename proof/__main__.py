"""`python -m proof COMMAND`: what the product promises, tried on this machine."""

import sys

from proof import demo, drill, soak
from shop.local.command_line import run_command

if __name__ == "__main__":
    sys.exit(run_command("python -m proof", __doc__, (demo, drill, soak)))
