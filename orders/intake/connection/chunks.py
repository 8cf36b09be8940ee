"""A chunked body, taken apart as it comes (RFC 9112, section 7.1). Pure.

It is not left to the parser, which takes trailers for headers and gives them no bound.
"""

import re

from orders.http import problems

from .rules import MAX_FIELDS, MAX_HEAD_BYTES, malformed, refused

MAX_SIZE_LINE = 256  # bytes, with the extensions, which mean nothing here

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")


class ChunkedBody:
    """Where the body of one request ends, and what it is made of."""

    def __init__(self) -> None:
        self.size = 0  # bytes that were taken
        self._left = 0  # bytes of the chunk under way
        self._ending = b""  # and the line end that has to follow it
        self._line = b""  # one that has not come whole
        self._in_trailers = False
        self._trailers = 0
        self._trailer_bytes = 0

    def take(self, data: bytes) -> tuple[list[bytes], int | None]:
        """Return the parts of the body in `data`, and where it ends there; None: it goes on.

        Trailers are dropped (RFC 9110, 6.5.1: they are not merged into the headers). Raises
        Refused.
        """
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left:
                parts.append(data[at : at + self._left])
                at += len(parts[-1])
                self._left -= len(parts[-1])
                self.size += len(parts[-1])
            elif self._ending:
                at = self._take_ending(data, at)
            else:
                line, at = self._take_line(data, at)
                if self._in_trailers and line == b"\r\n":
                    return parts, at
                if line:
                    self._read(line)
        return parts, None

    def _take_ending(self, data: bytes, at: int) -> int:
        found = data[at : at + len(self._ending)]
        if not self._ending.startswith(found):
            raise malformed("A chunk is not as long as it says.")
        self._ending = self._ending[len(found) :]
        return at + len(found)

    def _take_line(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Return the next line, empty where it has not come whole, and where it ends."""
        end = data.find(b"\n", at) + 1 or len(data)
        line = self._line + data[at:end]
        bound = MAX_HEAD_BYTES if self._in_trailers else MAX_SIZE_LINE
        if len(line) > bound:
            raise _too_much() if self._in_trailers else malformed("A chunk's size is too long.")
        whole = line.endswith(b"\n")
        self._line = b"" if whole else line
        return (line if whole else b""), end

    def _read(self, line: bytes) -> None:
        if self._in_trailers:
            self._drop(line)
        elif match := _SIZE.fullmatch(line):
            self._left = int(match[1], 16)
            self._in_trailers = self._left == 0
            self._ending = b"\r\n" if self._left else b""
        else:
            raise malformed("The size of a chunk is no number.")

    def _drop(self, line: bytes) -> None:
        self._trailers += 1
        self._trailer_bytes += len(line)
        if self._trailers > MAX_FIELDS or self._trailer_bytes > MAX_HEAD_BYTES:
            raise _too_much()
        if not _TRAILER.fullmatch(line):
            raise malformed("A trailer is no field.")


def _too_much() -> Exception:
    return refused(problems.HEAD_TOO_LARGE, "There are too many trailers.")
