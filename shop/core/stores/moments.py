"""Moments that PostgreSQL can hold and Python cannot: read as the nearest that Python can.

A `timestamptz` goes from 4713 BC to the year 294276 and on to infinity; reading one that Python has
no `datetime` for fails, and with it the query that reads its row among others. The columns that
people write to have bounds of their own; this is for values that are there all the same.
"""

from datetime import UTC, datetime
from typing import Any

import psycopg2.extensions

# Far enough from the ends of Python's calendar that every zone can express them.
FIRST = datetime(1, 1, 3, tzinfo=UTC)
LAST = datetime(9999, 12, 29, tzinfo=UTC)
_TIMESTAMPTZ, _ARRAY_OF_TIMESTAMPTZ = 1184, 1185  # pg_type.oid


def install() -> None:
    """Read moments so from all connections of this process."""
    moment = psycopg2.extensions.new_type((_TIMESTAMPTZ,), "MOMENT", _read)
    many = psycopg2.extensions.new_array_type((_ARRAY_OF_TIMESTAMPTZ,), "MOMENTS", moment)
    psycopg2.extensions.register_type(moment)
    psycopg2.extensions.register_type(many)


def _read(text: Any, cursor: Any) -> datetime | None:
    try:
        moment: datetime | None = psycopg2.extensions.PYDATETIMETZ(text, cursor)
    except (ValueError, OverflowError, psycopg2.DataError):
        return FIRST if text and (text.startswith("-") or not _is_late(text)) else LAST
    if moment is None or 1 < moment.year < 9999:
        return moment
    return max(FIRST, min(moment, LAST))


def _is_late(text: str) -> bool:
    year = text.partition("-")[0]
    return not text.endswith("BC") and (not year.isdecimal() or int(year) >= LAST.year)
