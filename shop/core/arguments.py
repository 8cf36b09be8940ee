"""What operators write on the command line, read or refused: types for argparse."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime


def moment(text: str) -> datetime:
    """Return the moment that ISO 8601 writes as `text`; without a zone it is UTC's."""
    try:
        found = parse_datetime(text)
    except ValueError:  # well formed, and no moment: 30 February
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time as ISO 8601 writes it: 2026-11-27T12:00Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def count(text: str) -> int:
    """Return the whole number from 1 up that `text` writes."""
    if not (text.isascii() and text.isdecimal() and int(text[:9]) and len(text) <= 9):
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)
