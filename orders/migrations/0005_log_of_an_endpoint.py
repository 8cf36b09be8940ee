"""Index the deliveries of each endpoint, newest first, while orders flow."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that blocks nobody cannot be built inside a transaction
    dependencies = [("orders", "0004_what_the_admin_may_do")]
    operations = [
        # Over millions of rows it takes longer than any other statement may.
        migrations.RunSQL("SET statement_timeout = 0", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-id"], name="delivery_log"),
        ),
        migrations.RunSQL("RESET statement_timeout", migrations.RunSQL.noop),
    ]
