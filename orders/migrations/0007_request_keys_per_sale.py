"""A request key belongs to a client and a sale: docs/adr/0019."""

from django.db import migrations, models
from django.db.models import Q

# Built beside the orders that go on coming in. An index that an interrupted run has left half built
# is no good, hence the first drop. The statements of a migration take what time they need.
FORWARD = [
    "SET statement_timeout = 0",
    "DROP INDEX CONCURRENTLY IF EXISTS order_once_per_sale_and_request",
    """
    CREATE UNIQUE INDEX CONCURRENTLY order_once_per_sale_and_request
        ON orders_order (client_id, sale_id, request_key) WHERE status <> 'rejected'
    """,
    "DROP INDEX CONCURRENTLY IF EXISTS order_once_per_request",
    "RESET statement_timeout",
]
# Refused by PostgreSQL once a key has been used in two sales.
BACKWARD = [
    "SET statement_timeout = 0",
    "DROP INDEX CONCURRENTLY IF EXISTS order_once_per_request",
    """
    CREATE UNIQUE INDEX CONCURRENTLY order_once_per_request
        ON orders_order (client_id, request_key) WHERE status <> 'rejected'
    """,
    "DROP INDEX CONCURRENTLY IF EXISTS order_once_per_sale_and_request",
    "RESET statement_timeout",
]


class Migration(migrations.Migration):
    atomic = False  # as building an index concurrently demands
    dependencies = [("orders", "0006_order_traceparent")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACKWARD)],
            state_operations=[
                migrations.RemoveConstraint("order", "order_once_per_request"),
                migrations.AddConstraint(
                    "order",
                    models.UniqueConstraint(
                        fields=["client", "sale", "request_key"],
                        condition=~Q(status="rejected"),
                        name="order_once_per_sale_and_request",
                    ),
                ),
            ],
        )
    ]
