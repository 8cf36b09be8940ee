"""SQL that is too big for the ORM lives in files and is run from here."""

from collections.abc import Mapping, Sequence
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


def columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Turn rows into one list per column, as `unnest` takes them."""
    if not rows:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
