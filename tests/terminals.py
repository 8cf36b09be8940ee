"""manage.py as a process of its own: in a pipe, or at a terminal of a given size."""

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 30.0
ESCAPE = "\x1b["
BOXES = "─━│┃┌┐└┘╭╮╰╯├┤█▓▒░"
CTRL_C = b"\x03"


def environment(**changes: str) -> dict[str, str]:
    """The environment of the tests' servers, with the database that the test sees."""
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    quiet = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    return {**quiet, "DATABASE_URL": url, "TERM": "xterm-256color", **changes}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with its output in pipes, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


class Terminal:
    """manage.py at a terminal, as a person has it; everything that it wrote is in `seen`."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 40, **env: str) -> None:
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_SESSION, *arguments],
            cwd=ROOT,
            env=environment(**env),
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Read until `text` was written so often."""
        while self.seen.count(text) < times:
            assert self._read(), f"ended without {text!r}: {self.seen}"

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Read to the end, and return the exit code."""
        while self._read():
            continue
        os.close(self._master)
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    chunk = os.read(self._master, 65536)
                except OSError:  # so Linux says that the other side is closed
                    return False
                self.seen += self._decoder.decode(chunk)
                return bool(chunk)
        self._process.kill()
        raise AssertionError(f"nothing more within {PATIENCE_SECONDS} s: {self.seen}")


# Makes the terminal the one that Ctrl-C goes through, as a shell does.
_IN_A_SESSION = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = ["manage.py", *sys.argv[1:]]
runpy.run_path("manage.py", run_name="__main__")
"""


def at_terminal(*arguments: str, columns: int = 100, **env: str) -> tuple[int, str]:
    """Run manage.py at a terminal to its end. Returns its exit code and all that it wrote."""
    terminal = Terminal(*arguments, columns=columns, **env)
    code = terminal.wait()
    return code, terminal.seen
