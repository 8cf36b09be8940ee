"""Values have bounds: in the services, and in the database for whoever writes past them."""

from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from inventory import counters, services
from inventory.domain import LATEST, MAX_QUANTITY
from inventory.errors import InvalidSkuSpec, RuleRefused
from inventory.models import Allocation, Product, Sale
from inventory.validators import CLOSES_BEFORE_IT_OPENS
from shop.core import clock
from tests.conftest import MakeSale

pytestmark = pytest.mark.django_db(transaction=True)

WEST, EAST = timezone(timedelta(hours=-5)), timezone(timedelta(hours=14))
OUT_OF_TIME = [
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=WEST),
    datetime(9999, 12, 31, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=EAST),
    datetime(1969, 12, 31, tzinfo=UTC),
]


@pytest.mark.parametrize("back", [timedelta(), timedelta(days=1)])
def test_a_sale_that_closes_before_it_opens_is_refused_in_plain_words(
    back: timedelta, make_sale: MakeSale
) -> None:
    opens_at = clock.now() + timedelta(days=7)
    with pytest.raises(ValidationError) as refusal:
        make_sale(opens_at=opens_at, closes_at=opens_at - back)
    assert refusal.value.messages == [CLOSES_BEFORE_IT_OPENS]


@pytest.mark.parametrize("moment", OUT_OF_TIME)
@pytest.mark.parametrize("name", ["opens_at", "closes_at"])
def test_no_sale_is_made_with_a_moment_out_of_time(
    name: str, moment: datetime, make_sale: MakeSale
) -> None:
    with pytest.raises(ValidationError, match="opens and closes between"):
        make_sale(**{name: moment})
    assert not Sale.objects.exists()
    assert not Product.objects.exists()


@pytest.mark.parametrize("moment", OUT_OF_TIME)
def test_no_sale_is_extended_out_of_time(moment: datetime, make_sale: MakeSale) -> None:
    sale = make_sale()
    with pytest.raises(RuleRefused, match="opens and closes between"):
        services.change_window(
            sale, version=1, now=clock.now(), opens_at=sale.opens_at, closes_at=moment
        )


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"name": name}
            for name in ("a\0b", "a\nb", "a\x1b[31m", "a\udcff", "a\u2028b", "x" * 201)
        ),
        *({"slug": slug} for slug in ("", "a b", "ü", "a/b", "a\0", "x" * 65, "a\n")),
        *({"currency": code} for code in ("eur", "EUE", "XXX", "", "EURO", "EU\0")),
        *({"limit": limit} for limit in (-1, MAX_QUANTITY + 1, 2**63)),
        *({"hold_seconds": hold} for hold in (-1, 0, 2_592_001, 10**9, 2**63)),
        {"payment": "maybe"},
        {"closes_at": datetime(2000, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    changes: dict[str, Any], make_sale: MakeSale
) -> None:
    with pytest.raises(ValidationError):
        make_sale(**changes)
    assert not Sale.objects.exists()
    assert not Product.objects.exists()


@pytest.mark.parametrize("sku", ["", "a b", "ü", "a\0", "x" * 65, "-a"])
def test_a_sku_that_is_none_makes_no_sale(sku: str, make_sale: MakeSale) -> None:
    with pytest.raises(InvalidSkuSpec):
        make_sale(skus={"TEE": 1, sku: 1})
    assert not Sale.objects.exists()


def test_a_sku_has_a_thousand_million_units_and_no_more(make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": MAX_QUANTITY}, limit=MAX_QUANTITY, closes_at=LATEST)
    (row,) = Allocation.objects.all()
    assert counters.snapshot(sale.pk, "drop").skus[row.pk].available == MAX_QUANTITY
    with pytest.raises(RuleRefused, match="at most 1,000,000,000"):
        services.add_stock(sale, version=1, now=clock.now(), allocation_id=row.pk, units=1)
    row.refresh_from_db()
    assert row.allocated == MAX_QUANTITY


@pytest.mark.parametrize(
    "change",
    [
        "opens_at = '-infinity'",
        "closes_at = 'infinity'",
        "closes_at = '9999-12-31 23:59:59-05'",
        "closed_at = '12026-01-01'",
        "opens_at = '0044-03-15 BC'",
        "hold_seconds = 2000000000",
        "hold_seconds = 0",
        '"limit" = 1000000001',
        '"limit" = -1',
        "currency = 'eur'",
    ],
)
def test_the_database_refuses_what_would_stop_its_readers(change: str, make_sale: MakeSale) -> None:
    make_sale()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE inventory_sale SET {change}")


def test_the_migration_brings_what_is_there_within_the_bounds(make_sale: MakeSale) -> None:
    for slug in ("late", "early", "long", "good"):
        make_sale(slug)
    names = ("opens_in_time", "closes_in_time", "closed_in_time", "hold_seconds_bounded")
    constraints = [f"sale_{name}" for name in (*names, "limit_bounded")]
    clamp = import_module("inventory.migrations.0008_bounds").CLAMP
    good = Sale.objects.get(slug="good")
    with transaction.atomic(), connection.cursor() as cursor:
        dropped = ", ".join(f"DROP CONSTRAINT {name}" for name in constraints)
        cursor.execute(f"ALTER TABLE inventory_sale {dropped}")
        for slug, change in (
            ("late", "opens_at = '12026-01-01', closes_at = 'infinity', closed_at = '12027-01-01'"),
            ("early", "opens_at = '-infinity', closes_at = '0044-03-15 BC'"),
            ("long", 'hold_seconds = 2000000000, "limit" = 2000000000, closes_at = NULL'),
        ):
            cursor.execute(f"UPDATE inventory_sale SET {change} WHERE slug = %s", [slug])
        cursor.execute(clamp)
        rows = {sale.slug: sale for sale in Sale.objects.all()}
        transaction.set_rollback(True)
    assert (rows["late"].closes_at, rows["late"].closed_at) == (LATEST, LATEST)
    assert rows["late"].opens_at == LATEST - timedelta(seconds=1)
    assert rows["early"].opens_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert rows["early"].closes_at == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert (rows["long"].hold_seconds, rows["long"].limit) == (2_592_000, MAX_QUANTITY)
    assert [rows[slug].version for slug in ("late", "early", "long", "good")] == [2, 2, 2, 1]
    assert (rows["good"].opens_at, rows["good"].closes_at) == (good.opens_at, None)
