"""The peer's own database beside the product's: made for a run, and dropped after it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from bench.peers.commands import run_command
from shop.local.discovery import REPOSITORY

NAME = "peer_django"
MIGRATE_SECONDS = 60.0
CONNECT_SECONDS = 5


@dataclass(frozen=True)
class Ledger:
    """The rows of the peer, seen from outside."""

    url: str

    async def add_client(self, api_key: str) -> None:
        """Let requests with `api_key` in; of the key only the digest is stored."""
        digest = sha256(api_key.encode()).hexdigest()
        statement = "INSERT INTO django_rest_client (name, key_digest) VALUES ('bench', %s)"
        await asyncio.to_thread(execute, self.url, statement, digest)

    async def persisted(self, sale: str) -> int:
        """Return how many orders of the sale are committed."""
        statement = "SELECT count(*) FROM django_rest_order WHERE sale = %s"
        return int((await asyncio.to_thread(execute, self.url, statement, sale))[0][0])


@asynccontextmanager
async def own_database(database_url: str) -> AsyncIterator[str]:
    """Yield the URL of an empty database on the same server, which is dropped at the end."""
    drop = f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"
    await asyncio.to_thread(execute, database_url, drop)
    await asyncio.to_thread(execute, database_url, f"CREATE DATABASE {NAME}")
    try:
        yield urlunsplit(urlsplit(database_url)._replace(path=f"/{NAME}"))
    finally:
        await asyncio.to_thread(execute, database_url, drop)


async def new_ledger(url: str, env: Mapping[str, str], *, api_key: str) -> Ledger:
    """Make the tables in the empty database at `url`, and let in who has the key.

    Raises ServerFailed where the migrations fail.
    """
    migrate = (sys.executable, "-m", "django", "migrate", "--no-input")
    await run_command("migrate", *migrate, cwd=REPOSITORY, env=env, seconds=MIGRATE_SECONDS)
    ledger = Ledger(url)
    await ledger.add_client(api_key)
    return ledger


def execute(url: str, statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction of its own; return its rows, if it has any."""
    with closing(psycopg2.connect(url, connect_timeout=CONNECT_SECONDS)) as connection:
        connection.autocommit = True  # a database is not made inside a transaction
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
