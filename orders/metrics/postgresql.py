"""Reading figures from PostgreSQL: cheaply, and never for long."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from prometheus_client.core import Metric

from shop.core.admin.estimates import estimate

from .context import ScrapeContext
from .stores import Source

SQL = Path(__file__).parent / "sql"
STATEMENT_MS = 1000  # rather no figure than one that keeps the database from its work
COUNTED_EXACTLY = 10_000


def reading(collect: Callable[[ScrapeContext], Iterable[Metric]]) -> Source:
    """Return `collect`, read in a transaction of its own that can change nothing."""

    @wraps(collect)
    def read(context: ScrapeContext) -> list[Metric]:
        with read_only():
            return list(collect(context))

    return read


@contextmanager
def read_only() -> Iterator[None]:
    """Let what is read in this block see one transaction, which ends what takes too long."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {STATEMENT_MS:d}"
            )
        yield


def count(rows: QuerySet[Any]) -> int:
    """Count up to COUNTED_EXACTLY rows, and take the planner's word for more.

    `rows` are those of an index, or a small table: what does not match is read as well.
    """
    rows = rows.order_by()
    counted = rows[: COUNTED_EXACTLY + 1].count()
    return counted if counted <= COUNTED_EXACTLY else max(counted, estimate(rows))
