"""Say whose orders a webhook is told of, and refuse the same webhook twice.

Those that are there become the shop's: they were told of every client's orders, and go on so. Of
several to one URL the oldest is the one that a new one is compared with; the others stay.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q
from yarl import URL

MAX_LENGTH = 500


def _normalise(text: str) -> str:
    """Return what targets.normalise made of a URL when this was written; "" where it is none."""
    try:
        url = URL(text).with_fragment(None)
        if url.raw_host and url.raw_host.endswith("."):
            url = url.with_host(url.raw_host.rstrip("."))
        if url.is_default_port():
            url = url.with_port(None)
        even = f"{url.scheme}://{url.raw_authority}{url.raw_path_qs}"
    except ValueError:
        return ""
    return even if len(even) <= MAX_LENGTH else ""


def _name_targets(apps, schema_editor):
    endpoints = apps.get_model("orders", "Endpoint").objects.filter(channel="webhook")
    seen = {""}
    for endpoint in endpoints.order_by("pk"):
        target = _normalise(endpoint.url)
        if target not in seen:
            seen.add(target)
            endpoints.filter(pk=endpoint.pk).update(target=target)


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_when_units_were_let_go")]
    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="client",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose orders it is told of; empty: those of the whole shop.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="endpoints",
                to="orders.apiclient",
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="target",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=500
            ),
        ),
        migrations.AlterField(
            model_name="apiclient",
            name="active",
            field=models.BooleanField(
                default=True,
                help_text="Off: its key is refused within seconds, and its webhooks wait.",
            ),
        ),
        migrations.RunPython(_name_targets, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=Q(channel="webhook") | Q(client__isnull=True),
                name="endpoint_channel_is_the_shops",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(
                fields=["target"],
                condition=Q(client__isnull=True) & ~Q(target=""),
                name="endpoint_once_for_the_shop",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(
                fields=["client", "target"],
                condition=~Q(target=""),
                name="endpoint_once_per_client",
            ),
        ),
    ]
