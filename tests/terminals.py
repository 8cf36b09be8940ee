"""manage.py in a pipe or at a terminal of a given size: as a process of its own, or in this one.

A process of its own takes over a second, most of it for its start. It is for what this one cannot
show: that the start itself works, signals, and a reader that goes away.
"""

import codecs
import fcntl
import io
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from django.db import connection
from django.test import override_settings

from shop.core.command_line.commands import run_command_line
from shop.core.stores import redis
from tests.processes import free_port

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


def in_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py in this process, with its output as in pipes."""
    out, error = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(error):
        code = _exit_code(*arguments)
    said = [each.buffer.getvalue().decode() for each in (out, error)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, code, *said)


def drawn(*arguments: str, columns: int = 100, **env: str) -> tuple[int, str]:
    """Run manage.py in this process at a terminal. Returns its exit code and all that it wrote."""
    reading, writing = _terminal(columns, rows=40)
    env |= {"TERM": "xterm-256color", "COLUMNS": str(columns)}
    with ThreadPoolExecutor(1) as pool, patch.dict(os.environ, env):
        seen = pool.submit(_read_to_the_end, reading)
        with (
            os.fdopen(writing, "w", encoding="utf-8") as end,
            redirect_stdout(end),
            redirect_stderr(end),
        ):
            code = _exit_code(*arguments)
        return code, seen.result(PATIENCE_SECONDS)


def _exit_code(*arguments: str) -> int:
    try:
        return run_command_line(["manage.py", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def _terminal(columns: int, rows: int) -> tuple[int, int]:
    """Open a terminal. Returns the file descriptors of its ends, the program's as the second."""
    ends = pty.openpty()
    fcntl.ioctl(ends[1], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return ends


def _read_to_the_end(terminal: int) -> str:
    seen = b""
    with os.fdopen(terminal, "rb", buffering=0) as end:
        try:
            while chunk := end.read(65536):
                seen += chunk
        except OSError:  # so Linux says that the other side is closed
            pass
    return seen.decode()


@contextmanager
def redis_away() -> Iterator[None]:
    """Let nothing answer where this process looks for Redis."""
    with override_settings(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"):
        _forget_redis()
        try:
            yield
        finally:
            _forget_redis()


def _forget_redis() -> None:
    redis.client.cache_clear()
    redis.script.cache_clear()


@contextmanager
def postgresql_away() -> Iterator[None]:
    """Let nothing answer where this process looks for PostgreSQL."""
    connection.close()
    with patch.dict(connection.settings_dict, {"HOST": "127.0.0.1", "PORT": str(free_port())}):
        yield
        connection.close()


class Terminal:
    """manage.py at a terminal, as a person has it; everything that it wrote is in `seen`."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 40, **env: str) -> None:
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, end = _terminal(columns, rows)
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


# Makes the terminal the one that Ctrl-C goes through, as a shell does; where the tests run in the
# background, Ctrl-C is ignored, and so it would be here.
_IN_A_SESSION = """
import fcntl, runpy, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["manage.py", *sys.argv[1:]]
runpy.run_path("manage.py", run_name="__main__")
"""


def at_terminal(*arguments: str, columns: int = 100, **env: str) -> tuple[int, str]:
    """Run manage.py at a terminal to its end. Returns its exit code and all that it wrote."""
    terminal = Terminal(*arguments, columns=columns, **env)
    code = terminal.wait()
    return code, terminal.seen
