"""Asking another process of this machine for a profile: by py-spy, else by itself."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from . import in_process

PATIENCE_SECONDS = 15.0  # beyond the profile's own time, for a process that is busy
LOOK_SECONDS = 0.1


class NoProfile(Exception):
    """A profile could not be had; the text says why."""


class Process(NamedTuple):
    """A process that listens for SIGUSR2."""

    pid: int
    role: str


def listening() -> list[Process]:
    """Return the processes of this state directory that can be profiled, by role and pid.

    What processes have left behind that live no more is removed.
    """
    found = []
    for file in in_process.folder().glob("*.process"):
        pid = int(file.stem)
        if _is_locked(file):
            found.append(Process(pid, file.read_text()))
        else:
            file.unlink(missing_ok=True)
    return sorted(found, key=lambda process: (process.role, process.pid))


def by_itself(process: Process, seconds: float) -> Path:
    """Let a process profile itself, and return where it wrote that. Raises NoProfile."""
    before = set(_profiles(process))
    in_process.requested_file(process.pid).write_text(str(seconds))
    os.kill(process.pid, signal.SIGUSR2)
    deadline = time.monotonic() + seconds + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if new := set(_profiles(process)) - before:
            return max(new)
        time.sleep(LOOK_SECONDS)
    raise NoProfile(f"process {process.pid} has written no profile; its log may say why")


def by_py_spy(process: Process, seconds: float) -> Path:
    """Let py-spy profile a process from outside, without stopping it. Raises NoProfile."""
    if not (program := _py_spy()):
        raise NoProfile("py-spy is not installed")
    path = in_process.new_file(process.pid, process.role)
    arguments = {"pid": process.pid, "duration": max(1, round(seconds)), "output": path}
    options = [part for key, value in arguments.items() for part in (f"--{key}", str(value))]
    command = [program, "record", "--nonblocking", "--format", "speedscope", *options]
    try:
        done = subprocess.run(  # noqa: S603 - a program found on our own path, and numbers
            command, capture_output=True, text=True, timeout=seconds + PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoProfile(f"py-spy: {error}") from error
    if done.returncode or not path.exists():
        raise NoProfile(f"py-spy: {(done.stderr.strip().splitlines() or ['failed'])[0]}")
    return path


def _py_spy() -> str | None:
    beside_python = str(Path(sys.executable).parent)
    return shutil.which("py-spy", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))


def _profiles(process: Process) -> Collection[Path]:
    return list(in_process.folder().glob(f"{process.role}-{process.pid}-*.speedscope.json"))


def _is_locked(file: Path) -> bool:
    try:
        with file.open() as announced:
            fcntl.flock(announced, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
