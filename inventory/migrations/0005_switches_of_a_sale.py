from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_references_checked_per_batch")]
    operations = [
        migrations.AlterModelOptions(
            name="sale",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("open_sale", "Can open a sale"),
                    ("pause_sale", "Can pause a sale"),
                    ("extend_sale", "Can change when a sale opens and closes"),
                    ("close_sale", "Can close a sale for good"),
                    ("restock_sale", "Can add stock to a sale"),
                    ("limit_sale", "Can change how much one customer may buy"),
                ],
            },
        ),
    ]
