"""SQL that is too big for the ORM lives in files and is run from here."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection


@cache
def _text(path: Path) -> str:
    return path.read_text()


def run(path: Path, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run the SQL file at `path` in the current transaction. Returns its rows, if it gives any."""
    with connection.cursor() as cursor:
        cursor.execute(_text(path), parameters)
        return cursor.fetchall() if cursor.description else []


def columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    """Turn rows into one array per column, as `unnest` takes them."""
    if not rows:
        return dict.fromkeys(names, "{}")
    return {
        name: array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


def array(values: Iterable[Any]) -> str:
    """Return texts, numbers and None as PostgreSQL writes an array of them, to be cast.

    The driver would make an ARRAY[…] of a list, as many expressions as there are values: writing
    and reading those took half of a batch's time. Source: PostgreSQL's manual, section 8.15,
    "Array Input and Output Syntax".
    """
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)
