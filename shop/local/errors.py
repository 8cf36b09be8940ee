"""Errors of the local stack; each one says what to do about it."""

from collections.abc import Sequence
from pathlib import Path


class LocalStackError(Exception):
    """The local stack cannot start or go on; its text is meant for the terminal."""


class NoProgram(LocalStackError):
    """No usable server program was found."""


class ServerFailed(LocalStackError):
    """A program ended, or did not answer in time; carries the last lines of its log."""

    def __init__(self, name: str, reason: str, last_lines: Sequence[str] = ()) -> None:
        self.name = name
        self.reason = reason
        self.last_lines = list(last_lines)
        shown = "".join(f"\n    {line}" for line in self.last_lines)
        super().__init__(f"{name} {reason}" + (f"; its last lines:{shown}" if shown else ""))


class CommandFailed(LocalStackError):
    """A management command ended with an error; carries what it printed."""

    def __init__(self, command: str, output: str) -> None:
        self.command = command
        self.output = output
        super().__init__(f"manage.py {command} failed:\n{output.strip()}")


class PortTaken(LocalStackError):
    """A port that the stack needs belongs to someone else."""

    def __init__(self, port: int, variable: str, pid: int | None) -> None:
        self.port = port
        self.pid = pid
        owner = f" (by pid {pid})" if pid else ""
        super().__init__(f"port {port} is taken{owner}; set {variable} to a free one")


class StateInUse(LocalStackError):
    """Another stack runs from the same state folder."""

    def __init__(self, state: Path, pid: str) -> None:
        self.state = state
        owner = f" (pid {pid})" if pid else ""
        super().__init__(
            f"another stack{owner} runs from {state}; stop it, or set SHOP_STATE_DIR to another "
            "folder (and PORT and FLOWER_PORT to free ports)"
        )
