from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_log_of_an_endpoint")]
    operations = [
        migrations.AddField(
            model_name="order",
            name="traceparent",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="W3C Trace Context",
                max_length=55,
                null=True,
            ),
        ),
    ]
