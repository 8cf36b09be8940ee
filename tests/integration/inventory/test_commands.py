"""manage.py create_sale, close_sale and create_client, as an operator meets them."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inventory.errors import SaleUnknown
from inventory.models import Allocation, Product, Sale, StockMovement
from inventory.selectors import get_sale
from inventory.services import publish_rules
from orders.models import ApiClient, hash_api_key
from shop.core.stores.redis import client
from tests.placing import Request, document, header, place_all

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_create_client_prints_the_key_alone_as_the_last_line() -> None:
    key = run("create_client", "storefront").splitlines()[-1]
    stored = ApiClient.objects.get()
    assert stored.key_hash == hash_api_key(key)
    assert key.startswith(stored.key_hint)
    assert key not in str(vars(stored))


@pytest.mark.parametrize("name", ["storefront", "", "x" * 101])
def test_create_client_refuses_a_name_that_is_taken_or_none(name: str) -> None:
    run("create_client", "storefront")
    with pytest.raises(CommandError):
        run("create_client", name)
    assert ApiClient.objects.count() == 1


def test_create_client_without_a_rate_has_no_limit_and_says_so() -> None:
    told = StringIO()
    run("create_client", "storefront")
    call_command("create_client", "app", "--rate", "50", stdout=StringIO(), stderr=told)
    assert "50 orders a second" in told.getvalue()
    call_command("create_client", "other", stdout=StringIO(), stderr=told)
    assert "no limit" in told.getvalue()
    rates = dict(ApiClient.objects.values_list("name", "rate_limit"))
    assert rates == {"storefront": None, "app": 50, "other": None}


@pytest.mark.parametrize("rate", ["0", "-1", "2147483648", "99999999999999999999"])
def test_create_client_refuses_a_rate_that_is_none(rate: str) -> None:
    with pytest.raises(CommandError):
        run("create_client", "storefront", f"--rate={rate}")
    assert not ApiClient.objects.exists()


def test_create_client_takes_a_key_that_was_made_elsewhere_any_number_of_times(
    tmp_path: Path,
) -> None:
    key, secret = f"fso_{'k' * 32}", tmp_path / "key"
    secret.write_text(f"{key}\n")
    for rate in ([], ["--rate=5"], []):
        assert run("create_client", "storefront", f"--key-from={secret}", *rate) == f"{key}\n"
    stored = ApiClient.objects.get()
    assert (stored.key_hash, stored.rate_limit) == (hash_api_key(key), 5)


@pytest.mark.parametrize("key", ["", "fso_short", "k" * 40, f"fso_{'k' * 31} ", f"fso_{'ü' * 32}"])
def test_create_client_refuses_a_key_that_could_be_guessed(tmp_path: Path, key: str) -> None:
    secret = tmp_path / "key"
    secret.write_text(key)
    with pytest.raises(CommandError, match="A key is fso_"):
        run("create_client", "storefront", f"--key-from={secret}")
    assert not ApiClient.objects.exists()


def test_create_client_refuses_a_key_that_another_client_has(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"fso_{'k' * 32}")
    run("create_client", "storefront", f"--key-from={secret}")
    with pytest.raises(CommandError, match="Another client has this key"):
        run("create_client", "app", f"--key-from={secret}")
    with pytest.raises(CommandError, match="No key can be read from"):
        run("create_client", "app", f"--key-from={tmp_path / 'missing'}")
    assert ApiClient.objects.get().name == "storefront"


def test_create_sale_sells_at_once(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:5:25.00", "--sku", "CAP:3", "--limit", "2")
    sale = Sale.objects.get()
    assert (sale.limit, sale.hold_seconds, sale.payment) == (2, 900, "required")
    assert dict(Allocation.objects.values_list("product__sku", "allocated")) == {"TEE": 5, "CAP": 3}
    assert sorted(StockMovement.objects.values_list("kind", "allocated")) == [
        ("allocate", 3),
        ("allocate", 5),
    ]
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["total"]) == (202, "25.00")


def test_create_sale_keeps_known_products_and_their_prices() -> None:
    run("create_sale", "first", "--sku", "TEE:5:25.00")
    Product.objects.update(name="A fine tee")
    run("create_sale", "second", "--sku", "TEE:5")
    assert Product.objects.get().name == "A fine tee"
    assert {str(row.unit_price) for row in Allocation.objects.all()} == {"25.0000"}


def test_a_sale_that_opens_later_says_when(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:5", "--opens", "2999-01-01T00:00:00Z")
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["type"]) == (409, "/problems/sale-not-open")
    assert int(header(reply, "Retry-After") or 0) > 3600


def test_a_sale_past_its_end_is_closed(api_key: str) -> None:
    run("create_sale", "drop", "--sku=TEE:5", "--opens=2020-01-01", "--closes=2020-01-02T12:00")
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["type"]) == (409, "/problems/sale-closed")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sku", "TEE:0"],
        ["--sku", "TEE:1", "--sku", "TEE:2"],
        ["--sku", "TEE:1", "--limit", "-1"],
        ["--sku", "TEE:1", "--hold", "0"],
        ["--sku", "TEE:1", "--currency", "euro"],
        ["--sku", "TEE:1", "--currency", "eu"],
        ["--sku", "TEE:1", "--opens", "yesterday"],
        ["--sku", "TEE:1", "--opens", "2026-02-30T00:00:00Z"],
        ["--sku", "TEE:1", "--opens", "2026-02-02T00:00:00Z", "--closes", "2026-02-01T00:00:00Z"],
        ["--sku", "TEE:1", "--payment", "maybe"],
        [],
    ],
)
def test_create_sale_refuses_nonsense_and_changes_nothing(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("create_sale", "drop", *arguments)
    assert not Sale.objects.exists()
    assert not Product.objects.exists()
    assert client().dbsize() == 0


@pytest.mark.parametrize("slug", ["a b", "a/b", "", "x" * 65, "ü"])
def test_create_sale_refuses_a_slug_that_no_url_can_hold(slug: str) -> None:
    with pytest.raises(CommandError):
        run("create_sale", slug, "--sku", "TEE:1")


def test_create_sale_refuses_a_slug_that_is_taken() -> None:
    run("create_sale", "drop", "--sku", "TEE:1")
    with pytest.raises(CommandError, match="already"):
        run("create_sale", "drop", "--sku", "TEE:1")


def test_a_product_keeps_its_currency() -> None:
    run("create_sale", "drop", "--sku", "TEE:1")
    with pytest.raises(CommandError, match="EUR"):
        run("create_sale", "other", "--sku", "TEE:1", "--currency", "USD")
    assert Sale.objects.count() == 1


def test_a_closed_sale_takes_no_more_orders_and_replays_the_old_ones(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:5")
    (before,) = place_all(api_key, [Request("k-1")])
    assert "is closed" in run("close_sale", "drop")
    assert "was closed already" in run("close_sale", "drop")
    old, new = place_all(api_key, [Request("k-1"), Request("k-2")])
    assert (old.status, old.body) == (202, before.body)
    assert (new.status, document(new)["type"]) == (409, "/problems/sale-closed")


def test_close_sale_names_a_sale_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no sale 'drop'"):
        run("close_sale", "drop")


def test_a_name_that_no_database_can_hold_is_no_sale() -> None:
    with pytest.raises(SaleUnknown):
        get_sale("a\0b")


def test_a_paused_sale_is_not_open(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:5")
    sale = Sale.objects.get()
    sale.paused, sale.version = True, 2
    sale.save()
    publish_rules(sale)
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["type"]) == (409, "/problems/sale-not-open")
    assert header(reply, "Retry-After") is None


def test_a_key_used_in_one_sale_is_free_in_another(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:1")
    run("create_sale", "other", "--sku", "TEE:5")
    place_all(api_key, [Request("accepted"), Request("sold-out", customer="bob")])
    replies = place_all(
        api_key,
        [
            Request("accepted", sale="other"),
            Request("sold-out", sale="other"),
            Request("new", sale="other"),
        ],
    )
    kinds = [document(reply).get("type") for reply in replies]
    assert kinds == [None] * 3


def test_a_sale_is_created_in_yen_without_decimals(api_key: str) -> None:
    run("create_sale", "drop", "--sku", "TEE:5:1200", "--currency", "JPY")
    (reply,) = place_all(api_key, [Request("k-1", lines={"TEE": 2})])
    assert document(reply)["total"] == "2400"
