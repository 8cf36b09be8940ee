"""A row that cannot be read costs that row: every other sale sells, and it is said which one."""

import asyncio
import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import AsyncClient, Client

from inventory.models import Sale
from orders.intake.placing import intake
from orders.reads.reference_cache import ReferenceCache
from orders.reconciliation.history import reconcile_all
from orders.services.verify_counters import verify_counters
from shop.core import clock
from shop.core.processes.health import NotReady
from tests.conftest import MakeSale
from tests.placing import Request, document, place_all

pytestmark = pytest.mark.django_db(transaction=True)

CONSTRAINTS = ("opens_in_time", "closes_in_time", "closed_in_time", "closes_after_it_opens")


@pytest.fixture
def bad_sales(make_sale: MakeSale) -> list[str]:
    """Sales that somebody wrote past every bound, beside a good one called "drop"."""
    written = {
        "in-year-10000": "closes_at = '9999-12-31 23:59:59-05'",
        "in-year-12026": "closes_at = '12026-01-01'",
        "never": "closes_at = 'infinity'",
        "before-christ": "opens_at = '0044-03-15 BC'",
        "at-no-time": "opens_at = '-infinity', closes_at = 'infinity'",
    }
    for slug in written:
        make_sale(slug)
    with connection.cursor() as cursor:
        for name in CONSTRAINTS:
            cursor.execute(f"ALTER TABLE inventory_sale DROP CONSTRAINT sale_{name}")
        for slug, change in written.items():
            cursor.execute(f"UPDATE inventory_sale SET {change} WHERE slug = %s", [slug])
    make_sale("half-cents", price="0.01")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inventory_allocation SET unit_price = 0.005 "
            "WHERE sale_id = (SELECT id FROM inventory_sale WHERE slug = 'half-cents')"
        )
    return [*written, "half-cents"]


@pytest.fixture(autouse=True)
def _constraints() -> object:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE inventory_sale CASCADE")
        found = "SELECT 1 FROM pg_constraint WHERE conname = %s"
        constraints = {each.name: each for each in Sale._meta.constraints}
        for name in CONSTRAINTS:
            cursor.execute(found, [f"sale_{name}"])
            if not cursor.fetchone():
                with connection.schema_editor() as editor:
                    editor.add_constraint(Sale, constraints[f"sale_{name}"])


def test_every_other_sale_sells_and_the_pages_answer(
    bad_sales: list[str], make_sale: MakeSale, api_key: str, client: Client
) -> None:
    make_sale("drop")
    sold = place_all(api_key, [Request("k-1", sale="drop"), Request("k-2", sale="never")])
    assert [reply.status for reply in sold] == [202, 202]
    (refused,) = place_all(api_key, [Request("k-3", sale="half-cents")])
    assert (refused.status, document(refused)["type"]) == (422, "/problems/unknown-sku")

    front = client.get("/")
    assert (front.status_code, b"drop" in front.content) == (200, True)
    for slug in bad_sales:
        assert client.get(f"/api/v1/sales/{slug}").status_code == 200
    assert b'sale="drop"' in client.get("/metrics").content
    verify_counters()
    assert reconcile_all(now=clock.now()) == 0


@pytest.mark.parametrize(
    "command", [["list_sales"], ["list_sales", "--json"], ["reconcile"], ["rebuild_stock"]]
)
def test_commands_go_through_all_sales(command: list[str], bad_sales: list[str]) -> None:
    out = StringIO()
    call_command(*command, stdout=out)
    assert all(slug in out.getvalue() for slug in bad_sales)


def test_what_cannot_be_read_is_named(bad_sales: list[str]) -> None:
    async def look() -> str:
        return await ReferenceCache().check()

    said = asyncio.run(look())
    assert "half-cents" in said
    assert "TEE" in said


def test_a_copy_that_does_not_get_newer_is_named(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr("orders.reads.reference_cache.read_snapshot", fail)

    async def look() -> str:
        return await ReferenceCache().check()

    with pytest.raises(NotReady, match="cannot be read: no such luck"):
        asyncio.run(look())

    async def report() -> dict[str, object]:
        intake.cache_clear()
        response = await AsyncClient().get("/readyz")
        return {**json.loads(response.content), "status": response.status_code}

    said = asyncio.run(report())
    intake.cache_clear()
    assert said["status"] == 503
    assert "sales" in said["failing"]  # type: ignore[operator]


def test_the_first_copy_serves_on_and_is_said_to_be_old(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()

    def fail() -> None:
        raise ValueError("year 10000 is out of range")

    async def look() -> None:
        references = ReferenceCache()
        assert await references.check() == "ok"
        monkeypatch.setattr("orders.reads.reference_cache.read_snapshot", fail)
        references._loaded_at -= 60
        references._tried_at -= 60
        with pytest.raises(NotReady, match=r"6. s ago, which serves: year 10000"):
            await references.check()
        assert "drop" in (await references.current()).sales

    asyncio.run(look())
