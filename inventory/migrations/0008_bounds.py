"""Moments, holds and limits within what every reader can hold, whoever writes them.

A sale that has others is brought to the nearest that may be: one that closes at the end of 9999
closes a year before, one that opened before 1970 opened then.
"""

import datetime

import django.core.validators
from django.db import migrations, models

import inventory.validators

CLAMP = """
WITH bounds AS (
    SELECT timestamptz '1970-01-01 00:00:00+00' AS earliest, timestamptz '9998-12-31 23:59:59+00' AS latest
), window_of AS (
    SELECT s.id, least(greatest(s.opens_at, earliest), latest - interval '1 second') AS opens_at
    FROM inventory_sale s, bounds
)
UPDATE inventory_sale s
SET opens_at = w.opens_at,
    closes_at = CASE WHEN s.closes_at IS NOT NULL THEN
        greatest(least(s.closes_at, latest), w.opens_at + interval '1 microsecond') END,
    closed_at = CASE WHEN s.closed_at IS NOT NULL THEN
        least(greatest(s.closed_at, earliest), latest) END,
    hold_seconds = least(s.hold_seconds, 2592000),
    "limit" = least(s."limit", 1000000000),
    version = s.version + 1
FROM bounds, window_of w
WHERE w.id = s.id AND NOT (
    s.opens_at BETWEEN earliest AND latest
    AND coalesce(s.closes_at, earliest) BETWEEN earliest AND latest
    AND coalesce(s.closed_at, earliest) BETWEEN earliest AND latest
    AND s.hold_seconds <= 2592000
    AND s."limit" <= 1000000000
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0007_releases_in_the_stock_row"),
    ]

    operations = [
        migrations.AlterField(
            model_name="product",
            name="name",
            field=models.CharField(max_length=200, validators=[inventory.validators.validate_name]),
        ),
        migrations.AlterField(
            model_name="sale",
            name="closes_at",
            field=models.DateTimeField(
                blank=True, null=True, validators=[inventory.validators.validate_moment]
            ),
        ),
        migrations.AlterField(
            model_name="sale",
            name="limit",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Units one customer may buy over the whole sale; 0: no limit.",
                validators=[django.core.validators.MaxValueValidator(1000000000)],
            ),
        ),
        migrations.AlterField(
            model_name="sale",
            name="name",
            field=models.CharField(max_length=200, validators=[inventory.validators.validate_name]),
        ),
        migrations.AlterField(
            model_name="sale",
            name="opens_at",
            field=models.DateTimeField(validators=[inventory.validators.validate_moment]),
        ),
        migrations.RunSQL(CLAMP, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("allocated__lte", 1000000000000)), name="allocation_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "opens_at__range",
                        (
                            datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC),
                            datetime.datetime(9998, 12, 31, 23, 59, 59, tzinfo=datetime.UTC),
                        ),
                    )
                ),
                name="sale_opens_in_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closes_at__isnull", True),
                    (
                        "closes_at__range",
                        (
                            datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC),
                            datetime.datetime(9998, 12, 31, 23, 59, 59, tzinfo=datetime.UTC),
                        ),
                    ),
                    _connector="OR",
                ),
                name="sale_closes_in_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True),
                    (
                        "closed_at__range",
                        (
                            datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC),
                            datetime.datetime(9998, 12, 31, 23, 59, 59, tzinfo=datetime.UTC),
                        ),
                    ),
                    _connector="OR",
                ),
                name="sale_closed_in_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(("hold_seconds__lte", 2592000)), name="sale_hold_seconds_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="sale",
            constraint=models.CheckConstraint(
                condition=models.Q(("limit__lte", 1000000000)), name="sale_limit_bounded"
            ),
        ),
    ]
