"""Types for argparse: arguments of operators, read or refused."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime

_WHOLE = re.compile(r"[0-9]{1,18}")


# No argument of ours has controls, breaks of lines, signs that turn the direction of what follows,
# or halves of characters, which stand for bytes that are no UTF-8.
UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
MOST_CHARACTERS = 2048
MOST_SAID = 1000
_LONG_WORD = re.compile(r"\S{120,}")


def plain_text(text: str) -> str:
    """Return `text` where it is one that a name, a code, a URL or a path can be."""
    if not text.strip():
        raise ArgumentTypeError(f"{shortened(text)} is blank")
    if len(text) > MOST_CHARACTERS:
        raise ArgumentTypeError(
            f"{shortened(text)} has {len(text):,} characters, {MOST_CHARACTERS:,} are the most"
        )
    if UNREADABLE.search(text):
        raise ArgumentTypeError(f"{shortened(text)} has characters that nothing here has")
    return text


def shortly(message: str) -> str:
    """Return what is said of arguments, without the length of one: a line that can be read."""
    short = _LONG_WORD.sub(lambda found: f"{found[0][:60]}…{found[0][-5:]}", message)
    return short if len(short) <= MOST_SAID else f"{short[:MOST_SAID]}…"


def moment(text: str) -> datetime:
    """Return the moment that ISO 8601 writes as `text`; without a zone it is UTC's."""
    try:
        found = parse_datetime(text) if text.isascii() else None
    except ValueError:  # well formed, and no moment: 30 February
        found = None
    if found is None:
        raise ArgumentTypeError(
            f"{shortened(text)} is no time as ISO 8601 writes it: 2026-11-27T12:00Z"
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a type of whole numbers from `least` to `most`, written in plain digits."""

    def read(text: str) -> int:
        if not (_WHOLE.fullmatch(text) and least <= int(text) <= most):
            raise ArgumentTypeError(
                f"{shortened(text)} is no whole number from {least:,} to {most:,}"
            )
        return int(text)

    return read


count = whole(1, 999_999_999)


def shortened(text: str) -> str:
    """Return what was written, in quotes, as much of it as a line has room for."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
