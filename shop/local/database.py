"""Reads from PostgreSQL, beside the product."""

from typing import Any

import psycopg2


def connect(database_url: str) -> Any:
    """Return a connection that cannot write. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(database_url, connect_timeout=3)
    connection.set_session(readonly=True)
    return connection


def query(connection: Any, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` finds. Raises psycopg2.OperationalError."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
