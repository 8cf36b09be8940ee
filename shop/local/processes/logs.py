"""Log lines of many programs: side by side on the terminal, and each in a file of its own."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Self, TextIO

LINE_LIMIT = 8 * 1024  # bytes
FILE_LIMIT = 10 * 1024 * 1024  # bytes; one older file of this size is kept
# As the product's own lines have it, in text and in JSON, and the servers'.
TROUBLE = re.compile(
    r"\b(WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|\"level\": ?\"(warning|error|critical)"
)
COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)


def read_lines(stream: IO[bytes], limit: int = LINE_LIMIT) -> Iterator[str]:
    """Yield the lines of `stream` without their ends; what is longer than `limit` bytes is cut."""
    while line := stream.readline(limit):
        cut = not line.endswith(b"\n") and len(line) == limit
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        yield line.decode(errors="replace").rstrip() + (" … (cut)" if cut else "")


def wants_colour(terminal: TextIO) -> bool:
    """Return whether to colour `terminal`: https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or terminal.isatty()


class LogSink:
    """Takes lines from any thread; a context manager that closes the files."""

    def __init__(self, folder: Path, *, terminal: TextIO | None = None, width: int = 8) -> None:
        """Write to `folder`/<name>.log and, if given, to `terminal`, names padded to `width`."""
        self._folder = folder
        if isinstance(terminal, TextIOWrapper):
            terminal.reconfigure(errors="replace")  # it may not know every letter in the logs
        self._terminal = terminal
        self._width = width
        self._colour = terminal is not None and wants_colour(terminal)
        self._files: dict[str, TextIO] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._calm_but_for: str | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            for file in self._files.values():
                file.close()

    def be_calm(self, but_for: str) -> None:
        """Show on the terminal only what `but_for` says and what went wrong; the files have all."""
        self._calm_but_for = but_for

    def writer(self, name: str) -> Callable[[str], None]:
        """Return the function that takes the lines of the program called `name`."""
        colour = COLOURS[len(self._files) % len(COLOURS)]
        with self._lock:
            self._files[name] = self._open(name)

        def write(line: str) -> None:
            now = datetime.now().astimezone()
            with self._lock:
                if self._closed:  # a straggler, after everything else has stopped
                    return
                self._keep(name, f"{now:%Y-%m-%dT%H:%M:%S.%f%z} {line}\n")
                self._show(now, name, colour, line)

        return write

    def _open(self, name: str) -> TextIO:
        return (self._folder / f"{name}.log").open("a", encoding="utf-8", buffering=1)

    def _keep(self, name: str, entry: str) -> None:
        file = self._files[name]
        if file.tell() + len(entry) > FILE_LIMIT:
            file.close()
            (self._folder / f"{name}.log").replace(self._folder / f"{name}.log.1")
            file = self._files[name] = self._open(name)
        file.write(entry)

    def _is_left_out(self, name: str, line: str) -> bool:
        return self._calm_but_for not in (None, name) and not TROUBLE.search(line)

    def _show(self, now: datetime, name: str, colour: int, line: str) -> None:
        if self._terminal is None or self._is_left_out(name, line):
            return
        prefix = f"{now:%H:%M:%S} {name:<{self._width}} |"
        if self._colour:
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        try:
            print(prefix, line, file=self._terminal, flush=True)
        except (OSError, ValueError):  # it was closed; the files go on
            self._terminal = None
