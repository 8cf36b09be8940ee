"""The sources of figures, by the store they read."""

from . import (
    attention,
    broker,
    holds,
    intake,
    lateness,
    notifications,
    orders,
    outbox,
    postgresql_server,
    progress,
    reconciliations,
    redis_server,
    sign_ins,
    stock,
)
from .postgresql import reading
from .stores import Store

POSTGRESQL = Store(
    "postgresql",
    {
        "reconciliations": reading(reconciliations.collect),
        "stock": reading(stock.collect),
        "holds": reading(holds.collect),
        "lateness": reading(lateness.collect),
        "orders": reading(orders.collect),
        "attention": reading(attention.collect),
        "notifications": reading(notifications.collect),
        "postgresql_server": reading(postgresql_server.collect),
    },
)
REDIS = Store(
    "redis",
    {
        "progress": progress.collect,
        "outbox": outbox.collect,
        "intake": intake.collect,
        "sent": notifications.collect_sent,
        "sign_ins": sign_ins.collect,
        "redis_server": redis_server.collect_stock_server,
    },
)
BROKER = Store(
    "broker",
    {"queues": broker.collect, "broker_server": redis_server.collect_broker_server},
)
STORES = (POSTGRESQL, REDIS, BROKER)
