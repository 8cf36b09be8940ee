"""The PostgreSQL server itself."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from shop.core.stores import sql

from .context import ScrapeContext
from .families import counter, gauge
from .postgresql import SQL

_COLUMNS = (
    (gauge, "shop_postgresql_connections", "Connections of clients, without this one."),
    (gauge, "shop_postgresql_connections_limit", "Connections that PostgreSQL takes."),
    (gauge, "shop_postgresql_oldest_transaction_seconds", "Since the oldest one began."),
    (gauge, "shop_postgresql_database_bytes", "Size of the database."),
    (counter, "shop_postgresql_deadlocks_total", "Transactions that waited for each other."),
    (counter, "shop_postgresql_rollbacks_total", "Transactions that were rolled back."),
    (gauge, "shop_postgresql_replicas", "Replicas that are connected."),
    (gauge, "shop_postgresql_replica_lag_bytes", "What the furthest behind of them lacks."),
)


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield one figure for each column of postgresql_figures.sql."""
    [row] = sql.run(SQL / "postgresql_figures.sql", {})
    for (family, name, text), figure in zip(_COLUMNS, row, strict=True):
        yield family(name, text, [], [(figure,)])
