from django.db import migrations, models

UNRELEASED = models.Q(
    ("release_place__isnull", True),
    ("status__in", ["cancelled", "expired", "rejected", "refunded"]),
)


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0005_switches_of_a_sale"),
        ("orders", "0007_request_keys_per_sale"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="let_go_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it gave up its units in the ledger; from then on they belong on sale.",
                null=True,
            ),
        ),
        # What waits at this moment is found by the index that goes.
        migrations.RunSQL(
            "UPDATE orders_order SET let_go_at = now() WHERE release_place IS NULL "
            "AND status IN ('cancelled', 'expired', 'rejected', 'refunded')",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(model_name="order", name="order_to_release"),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=UNRELEASED, fields=["sale", "let_go_at"], name="order_unreleased"
            ),
        ),
        migrations.AddIndex(
            model_name="paymentnotice",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["order_id"],
                name="notice_pending_order",
            ),
        ),
    ]
