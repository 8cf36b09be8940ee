"""Check references between hot tables once per batch, not by a trigger for each row: adr/0015.

Who inserts has locked what the rows name. Who deletes that is refused here, as by a foreign key.
"""

import django.db.models.deletion
from django.db import migrations, models

NAMED_IN = [
    ("orders_order", "orders_orderline", "order_id"),
    ("orders_order", "orders_orderevent", "order_id"),
    ("orders_apiclient", "orders_order", "client_id"),
    ("inventory_sale", "orders_order", "sale_id"),
    ("inventory_allocation", "orders_orderline", "allocation_id"),
    ("orders_orderevent", "orders_delivery", "event_id"),
    ("orders_endpoint", "orders_delivery", "endpoint_id"),
]
FORWARD = "".join(
    f"""
    CREATE TRIGGER {named}_is_named_in_{table}
        AFTER DELETE OR UPDATE OF id ON {named}
        FOR EACH ROW EXECUTE FUNCTION refuse_to_orphan('{table}', '{column}');
    """
    for named, table, column in NAMED_IN
)
BACKWARD = "".join(
    f"DROP TRIGGER {named}_is_named_in_{table} ON {named};" for named, table, _ in NAMED_IN
)


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_references_checked_per_batch"),
        ("orders", "0002_life_of_an_order"),
    ]
    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="orders.endpoint",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="orders.orderevent",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="client",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="orders.apiclient",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="sale",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="inventory.sale",
            ),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="order",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="orders.order",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="allocation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="inventory.allocation",
            ),
        ),
        migrations.AlterField(
            model_name="orderline",
            name="order",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="orders.order",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
