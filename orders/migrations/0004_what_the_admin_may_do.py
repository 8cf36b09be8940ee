from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_references_checked_per_batch")]
    operations = [
        migrations.AlterModelOptions(
            name="deadletter",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("replay_deadletter", "Can replay a dead letter"),
                    ("reject_deadletter", "Can give up a dead letter and release its stock"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "ordering": ["-id"],
                "permissions": [("resend_delivery", "Can send deliveries again")],
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="endpoint",
            options={
                "ordering": ["id"],
                "permissions": [("test_endpoint", "Can send a test event to a webhook")],
            },
        ),
        migrations.AlterModelOptions(
            name="order",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("cancel_order", "Can cancel an order that waits for its payment"),
                    ("refund_order", "Can note that a payment was paid back"),
                    ("export_order", "Can export orders"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="reconciliationrecord",
            options={
                "ordering": ["-id"],
                "permissions": [("repair_reconciliationrecord", "Can repair what drifts")],
            },
        ),
    ]
