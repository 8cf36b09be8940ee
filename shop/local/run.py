"""`run`: one command with embedded servers beside it, which are gone when it ends."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from .processes.interrupts import exit_on_signal
from .processes.service import STOP_SECONDS
from .servers.embedded import embedded_servers, temporary_state
from .servers.programs import search_path


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "run", help="run a command with DATABASE_URL and REDIS_URL of embedded servers"
    )
    parser.add_argument(
        "--state", type=Path, help="folder to keep the data in (default: thrown away)"
    )
    parser.add_argument("command", nargs="+", metavar="CMD", help="the command, after --")
    parser.set_defaults(run=lambda arguments: run(arguments.command, arguments.state))


def run(command: Sequence[str], state: Path | None) -> int:
    """Return the exit code of `command`; 128 + n, as in a shell, where signal n ended it."""
    exit_on_signal()
    folder = nullcontext(state.absolute()) if state else temporary_state()
    with folder as chosen, embedded_servers(chosen) as servers:
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "SHOP_STATE_DIR": str(chosen),
            "PATH": search_path(),
        }
        return _run(command, env)


def _run(command: Sequence[str], env: Mapping[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env=env)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    try:
        code = process.wait()
    except SystemExit:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return code if code >= 0 else 128 - code
