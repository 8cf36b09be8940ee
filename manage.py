#!/usr/bin/env python
"""Runs a management command, and says plainly when a server it needs is not there."""

import os
import sys


def main() -> int:
    """Run the command that the command line names; returns its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from shop.core.command_line.commands import run_command_line

    return run_command_line(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
