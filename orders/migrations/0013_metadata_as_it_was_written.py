"""Metadata as it was written: what is there keeps the text that jsonb shows of it.

The table is written anew, for which orders wait in the outbox; how long that takes is no error.
"""

from django.db import migrations

import orders.models.json_text


class Migration(migrations.Migration):
    dependencies = [("orders", "0012_reconciliation_checkpoints")]

    operations = [
        migrations.RunSQL("SET LOCAL statement_timeout = 0", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="order",
            name="metadata",
            field=orders.models.json_text.JsonText(blank=True, default="{}"),
        ),
    ]
