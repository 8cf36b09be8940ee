"""Reads from PostgreSQL, beside the product."""

import asyncio
from contextlib import closing
from typing import Any

import psycopg2


def connect(database_url: str) -> Any:
    """Return a connection that cannot write. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(database_url, connect_timeout=3)
    connection.set_session(readonly=True)
    return connection


def query(connection: Any, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` finds. Raises psycopg2.OperationalError."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


async def ask(database_url: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows that `sql` finds, by a connection of its own beside the event loop.

    Raises psycopg2.OperationalError.
    """
    return await asyncio.to_thread(_ask, database_url, sql, parameters)


def _ask(database_url: str, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with closing(connect(database_url)) as connection:
        return query(connection, sql, *parameters)
