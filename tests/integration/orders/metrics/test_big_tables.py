"""No figure is worth reading a big table for: queries go by an index, or stop at a bound."""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bench.seed import seed
from orders.metrics.context import ScrapeContext, read_sales
from orders.metrics.sources import POSTGRESQL
from orders.models import ApiClient
from shop.core import clock
from tests.conftest import MakeSale

pytestmark = pytest.mark.django_db(transaction=True)

BOUND = 100
BIG = {
    "inventory_stockmovement",
    "orders_delivery",
    "orders_order",
    "orders_orderevent",
    "orders_orderline",
    "orders_paymentnotice",
    "orders_reconciliationrecord",
}
# These hold the few rows that something is still to be done about.
OF_FEW = {
    "order_rejected",
    "order_to_release",
    "notice_pending",
    "notice_needs_attention",
}


@pytest.fixture
def _sold(make_sale: MakeSale, api_client: tuple[ApiClient, str]) -> None:
    """A sale with more orders than are counted."""
    make_sale("drop", {"TEE": 50})
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    seed(url, settings.REDIS_URL, "drop", 5 * BOUND)


@pytest.fixture
def _low_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("postgresql", "orders", "notifications"):
        monkeypatch.setattr(f"orders.metrics.{module}.COUNTED_EXACTLY", BOUND)


def queries(source: str) -> list[str]:
    """What a source asks PostgreSQL."""
    now = clock.now()
    scene = ScrapeContext(now, read_sales(now))
    with CaptureQueriesContext(connection) as captured:
        list(POSTGRESQL.sources[source](scene))
    asked = [query["sql"] for query in captured]
    return [sql for sql in asked if not sql.startswith(("BEGIN", "SET", "COMMIT", "EXPLAIN"))]


def plan(sql: str) -> dict[str, Any]:
    """How it is answered where no table may be read from end to end if there is an index."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        [(found,)] = cursor.fetchall()
    document = json.loads(found) if isinstance(found, str) else found
    return dict(document[0]["Plan"])


def unbounded(node: dict[str, Any], *, within_limit: bool = False) -> Iterator[str]:
    """The big tables that a plan reads without an end."""
    within_limit = within_limit or node["Node Type"] == "Limit"
    few = "Index Cond" in node or node.get("Index Name") in OF_FEW
    if node.get("Relation Name") in BIG and not (within_limit or few):
        yield f"{node['Node Type']} on {node['Relation Name']} {node.get('Index Name', '')}"
    for child in node.get("Plans", ()):
        yield from unbounded(child, within_limit=within_limit)


@pytest.mark.usefixtures("_sold", "_low_bounds")
@pytest.mark.parametrize("source", POSTGRESQL.sources)
def test_no_source_reads_a_big_table_to_its_end(source: str) -> None:
    asked = queries(source)
    assert asked
    assert [found for sql in asked for found in unbounded(plan(sql))] == []


@pytest.mark.usefixtures("_sold")
def test_a_count_of_all_orders_would_be_found() -> None:
    assert list(unbounded(plan("SELECT count(*) FROM orders_order")))
    assert list(unbounded(plan("SELECT status, count(*) FROM orders_order GROUP BY status")))
