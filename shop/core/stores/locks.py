"""Doing one thing at a time across all processes, by PostgreSQL's advisory locks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(what: str, key: int) -> Iterator[None]:
    """Hold the lock of (`what`, `key`) in this block; it ends with the connection at the latest.

    Waits as long as the connection's lock_timeout allows, then raises django.db.OperationalError.
    A session lock, so that the block can be more than one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s), %s)", [what, key])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [what, key])


@contextmanager
def try_alone(what: str, key: int = 0) -> Iterator[bool]:
    """Hold the lock of (`what`, `key`) in this block if no other process has it; never waits.

    Gives whether it is held. A session lock, as that of `alone`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [what, key])
        [held] = cursor.fetchone() or [False]
        try:
            yield held
        finally:
            if held:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [what, key])
