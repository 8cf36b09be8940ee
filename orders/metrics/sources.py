"""Which figures come from which store."""

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
        "reconciliations": reading(reconciliations.figures),
        "stock": reading(stock.figures),
        "holds": reading(holds.figures),
        "lateness": reading(lateness.figures),
        "orders": reading(orders.figures),
        "attention": reading(attention.figures),
        "notifications": reading(notifications.figures),
        "postgresql_server": reading(postgresql_server.figures),
    },
)
REDIS = Store(
    "redis",
    {
        "progress": progress.figures,
        "outbox": outbox.figures,
        "intake": intake.figures,
        "sent": notifications.sent_figures,
        "sign_ins": sign_ins.figures,
        "redis_server": redis_server.figures_of_stock,
    },
)
BROKER = Store(
    "broker",
    {"queues": broker.figures, "broker_server": redis_server.figures_of_broker},
)
STORES = (POSTGRESQL, REDIS, BROKER)
