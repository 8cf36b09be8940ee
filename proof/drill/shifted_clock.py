"""A wall clock that can be put forward and back, for the programs that are started with it.

A small C library (`clock.c`) is preloaded into them. It is compiled on the spot, which takes Linux
and a C compiler.
"""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Self

from shop.local.servers.account import reachable_folder, server_uid

from .outcome import Skipped

SOURCE = Path(__file__).with_name("clock.c")
COMPILE_SECONDS = 60.0


class ShiftedClock:
    """Keeps the true time until `shift`. A context manager, at whose end the time is true again."""

    def __init__(self, state: Path) -> None:
        """Compile the library. Raises Skipped where that cannot be done."""
        # PostgreSQL, which may run as another user, has to get there, too.
        self._folder = reachable_folder(state, server_uid()) / "drill-clock"
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o755)
        library = _compile(self._folder)
        self._file = self._folder / "shift"
        self.env = {"LD_PRELOAD": str(library), "DRILL_CLOCK": str(self._file)}

    def __enter__(self) -> Self:
        # Never truncated: a process that has mapped it would get SIGBUS.
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        self.shift(0)
        return self

    def __exit__(self, *_: object) -> None:
        self.shift(0)
        os.close(self._handle)

    def shift(self, seconds: int) -> None:
        """Let the clock be so many `seconds` ahead of the true time, from now on."""
        os.pwrite(self._handle, struct.pack("=q", seconds), 0)


def _compile(folder: Path) -> Path:
    """Return the library, compiled into `folder`. Raises Skipped."""
    if sys.platform != "linux":
        raise Skipped("no clock can be preloaded on this system, only on Linux")
    if not (compiler := shutil.which("cc")):
        raise Skipped("there is no C compiler (cc) to build the clock with")
    library = folder / "clock.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
    )
    if done.returncode:
        raise Skipped(f"the clock could not be compiled: {done.stderr.strip()}")
    library.chmod(0o755)
    return library
