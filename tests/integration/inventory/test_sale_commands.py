"""The commands that list sales and change them while they run."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from inventory import counters
from inventory.models import Allocation, Sale
from orders.models import ApiClient, hash_api_key
from orders.reconciliation.compare import reconcile
from shop.core import clock
from tests.conftest import MakeSale
from tests.placing import Request, document, place_all

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def place(api_key: str, key: str, **lines: int) -> str:
    """Place an order, and return what became of it: "" or the problem's name."""
    (reply,) = place_all(api_key, [Request(key, lines=lines or {"TEE": 1})])
    return str(document(reply).get("type", "")).removeprefix("/problems/")


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 5, "CAP": 7}, limit=2)


def test_sales_are_listed_the_newest_first(make_sale: MakeSale, api_key: str) -> None:
    make_sale("drop", {"TEE": 5, "CAP": 7}, price="10.00")
    make_sale("later", opens_at=clock.now() + timedelta(days=1), price="10.00")
    place(api_key, "k-1")
    head, later, drop = (line.split() for line in run("list_sales").splitlines())
    assert (later[:2], drop[:2]) == (["later", "scheduled"], ["drop", "open"])
    assert dict(zip(head[4:], drop[4:], strict=True)) == {
        "SKUs": "2",
        "allocated": "12",
        "available": "11",
        "in_flight": "1",
        "held": "0",
        "sold": "0",
        "backlog": "1",
    }


def test_the_list_is_of_the_states_and_the_length_asked_for(make_sale: MakeSale) -> None:
    for number in range(3):
        make_sale(f"sale-{number}")
    run("close_sale", "sale-1")
    listed = json.loads(run("list_sales", "--state", "open", "--most", "1", "--json"))
    assert [sale["sale"] for sale in listed["sales"]] == ["sale-2"]
    listed = json.loads(run("list_sales", "--state", "closed", "--state", "paused", "--json"))
    assert [sale["sale"] for sale in listed["sales"]] == ["sale-1"]
    assert len(run("list_sales", "--state", "scheduled").splitlines()) == 1  # the columns


def test_a_sale_that_redis_has_forgotten_is_listed(sale: Sale) -> None:
    counters.fence(sale.pk)
    (listed,) = json.loads(run("list_sales", "--json"))["sales"]
    assert [sku["available"] for sku in listed["skus"]] == [None, None]


@pytest.mark.parametrize("arguments", [["--most", "0"], ["--most", "x"], ["--state", "ajar"]])
def test_a_list_of_nonsense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("list_sales", *arguments)


def test_a_sale_is_paused_and_opened_again(sale: Sale, api_key: str) -> None:
    assert "is paused" in run("pause_sale", "drop")
    assert "was paused already" in run("pause_sale", "drop")
    assert place(api_key, "k-1") == "sale-not-open"
    assert "is open" in run("open_sale", "drop")
    assert "was open already" in run("open_sale", "drop")
    assert place(api_key, "k-1") == ""


def test_a_scheduled_sale_is_opened_early(make_sale: MakeSale, api_key: str) -> None:
    make_sale(opens_at=clock.now() + timedelta(days=1))
    run("open_sale", "drop")
    assert place(api_key, "k-1") == ""


def test_a_pause_that_redis_has_missed_is_brought_to_it_by_another(
    sale: Sale, api_key: str
) -> None:
    Sale.objects.update(paused=True, version=2)
    assert "was paused already" in run("pause_sale", "drop")
    assert place(api_key, "k-1") == "sale-not-open"


def test_a_sale_closes_later(sale: Sale, api_key: str) -> None:
    Sale.objects.update(closes_at=clock.now() + timedelta(hours=1))
    run("extend_sale", "drop", "--closes", "2999-01-01T00:00:00Z")
    assert Sale.objects.get().closes_at.year == 2999  # type: ignore[union-attr]
    run("extend_sale", "drop", "--never")
    assert Sale.objects.get().closes_at is None


@pytest.mark.parametrize("closes", ["2020-01-01T00:00:00Z", "2998-01-01T00:00:00Z"])
def test_an_extension_is_later(sale: Sale, closes: str) -> None:
    Sale.objects.update(closes_at="2999-01-01T00:00:00Z")
    with pytest.raises(CommandError, match="no extension"):
        run("extend_sale", "drop", "--closes", closes)
    assert Sale.objects.get().closes_at.year == 2999  # type: ignore[union-attr]


def test_added_stock_is_sold(sale: Sale, api_key: str) -> None:
    assert "has 8 units of TEE in all" in run("add_stock", "drop", "--sku", "TEE:3")
    (listed,) = json.loads(run("list_sales", "--json"))["sales"]
    assert [sku["available"] for sku in listed["skus"]] == [8, 7]
    assert reconcile(sale.pk, "drop").drift == 0


@pytest.mark.parametrize(
    "skus",
    [
        ["TEE:0"],
        ["TEE:-1"],
        ["TEE"],
        ["TEE:1:5.00"],
        ["MUG:1"],
        ["TEE:1", "CAP:1"],
        ["TEE:9999999999"],
    ],
)
def test_nonsense_adds_no_stock(sale: Sale, skus: list[str]) -> None:
    with pytest.raises(CommandError):
        run("add_stock", "drop", *(word for sku in skus for word in ("--sku", sku)))
    assert sorted(Allocation.objects.values_list("allocated", flat=True)) == [5, 7]


def test_a_limit_is_raised(sale: Sale, api_key: str) -> None:
    assert place(api_key, "k-1", TEE=3) == "purchase-limit"
    run("change_limit", "drop", "3")
    assert place(api_key, "k-2", TEE=3) == ""


def test_a_limit_that_is_new_counts_what_customers_have(make_sale: MakeSale, api_key: str) -> None:
    make_sale()
    assert place(api_key, "k-1", TEE=2) == ""
    run("change_limit", "drop", "2")
    assert place(api_key, "k-2", TEE=1) == "purchase-limit"


@pytest.mark.parametrize("limit", ["-1", "2", "x", "1000000001", "1_0", "٣"])
def test_a_limit_that_is_none_is_refused(sale: Sale, limit: str) -> None:
    with pytest.raises(CommandError):
        run("change_limit", "drop", "--", limit)
    assert Sale.objects.get().limit == 2


CHANGES = [
    ["pause_sale", "drop"],
    ["open_sale", "drop"],
    ["extend_sale", "drop", "--never"],
    ["add_stock", "drop", "--sku", "TEE:1"],
    ["change_limit", "drop", "5"],
]


@pytest.mark.parametrize("arguments", CHANGES, ids=lambda arguments: arguments[0])
def test_a_closed_sale_changes_no_more(sale: Sale, arguments: list[str]) -> None:
    run("close_sale", "drop")
    before = Sale.objects.values().get()
    with pytest.raises(CommandError, match="closed"):
        run(*arguments)
    assert Sale.objects.values().get() == before


@pytest.mark.parametrize("arguments", CHANGES, ids=lambda arguments: arguments[0])
def test_an_unknown_sale_is_named(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="no sale 'drop'"):
        run(*arguments)


def test_a_client_gets_another_key_and_loses_the_old_one() -> None:
    old = run("create_client", "storefront").splitlines()[-1]
    new = run("rotate_key", "storefront").splitlines()[-1]
    assert new != old
    assert ApiClient.objects.get().key_hash == hash_api_key(new)


@pytest.mark.parametrize("name", ["nobody", "", "a\0b"])
def test_a_client_that_is_not_there_gets_no_key(name: str) -> None:
    with pytest.raises(CommandError, match=r"no client|characters|blank"):
        run("rotate_key", name)
