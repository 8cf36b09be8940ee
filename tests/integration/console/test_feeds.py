"""What the dashboard and the live page are told."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console import recent_seconds
from inventory import services
from inventory.models import Sale
from orders.models import Order
from orders.reads import live_stats
from orders.reconciliation.history import reconcile_all
from shop.core import clock
from shop.core.stores.redis import client as redis_client
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import placed
from tests.persisting import persist
from tests.placing import Request, place_all

from .conftest import Away, SignIn

pytestmark = pytest.mark.django_db(transaction=True)


def live(browser: Client, sale: Sale, **query: Any) -> Any:
    answer = browser.get(reverse("console:live-feed", args=[sale.pk]), query)
    assert answer.status_code == 200
    return answer.json()


def overview(browser: Client) -> Any:
    return browser.get(reverse("console:overview")).json()


def test_the_live_feed_says_where_all_units_are(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, [Request(f"a-{n}") for n in range(3)])
    persist(sale)
    place_all(api_key, [Request(f"b-{n}") for n in range(2)])

    reading = live(sign_in("viewer"), sale)

    (sku,) = reading["skus"]
    assert {
        "allocated": 50,
        "available": 45,
        "in_flight": 2,
        "held": 3,
        "sold": 0,
    }.items() <= sku.items()
    assert reading["backlog"]["orders"] == 2
    assert reading["sale"]["state"] == "open"
    assert reading["redis"] is None


def test_the_live_feed_counts_each_second_once_it_has_settled(
    make_sale: MakeSale, sign_in: SignIn
) -> None:
    sale, browser = make_sale(), sign_in("viewer")
    now = int(time.time())
    count(sale, now - 5, accepted=7, **{"sold-out": 2, "replayed": 1}, persisted=4)
    count(sale, now + 5, accepted=9)

    reading = live(browser, sale)
    told = {second[0]: second for second in reading["seconds"]}
    _, accepted, refused, persisted, backlog, p50, p99 = told[now - 5]

    assert (accepted, refused, persisted) == (7, {"sold-out": 2}, 4)
    assert (p50, p99) == (None, None)
    assert backlog == 0
    assert len(told) == recent_seconds.SHOWN_SECONDS - recent_seconds.SETTLED_SECONDS
    assert now + 5 not in told
    later = live(browser, sale, after=now - 5)["seconds"]
    assert later
    assert all(second[0] > now - 5 for second in later)


def test_a_backlog_of_before_follows_from_what_came_and_went(make_sale: MakeSale) -> None:
    sale, now = make_sale(), int(time.time())
    count(sale, now - 9, accepted=10)
    count(sale, now - 6, persisted=4)
    waited = {
        each.at: each.backlog
        for each in recent_seconds.RecentSeconds(sale.pk).read(now=now, backlog=6)
    }
    assert [waited[now - at] for at in (10, 9, 7, 6, 5)] == [0, 10, 10, 6, 6]


def test_while_redis_is_away_the_live_feed_says_so_and_shows_the_ledger(
    make_sale: MakeSale, sign_in: SignIn, redis_away: Away
) -> None:
    sale, browser = make_sale("drop", {"TEE": 50}), sign_in("viewer")
    with redis_away():
        reading = live(browser, sale)
    assert "Redis does not answer" in reading["redis"]
    (sku,) = reading["skus"]
    assert (sku["allocated"], sku["available"], sku["in_flight"]) == (50, None, None)
    assert reading["backlog"] is None
    assert live(browser, sale)["redis"] is None


def test_a_sale_without_counters_says_how_to_get_them(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale = make_sale("drop")
    redis_client().flushdb()
    assert "manage.py rebuild_stock drop" in live(sign_in("viewer"), sale)["redis"]


def test_a_closed_sale_still_has_its_page(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale, manager = make_sale(), sign_in("manager")
    services.close_sale(sale, now=clock.now())
    page = manager.get(reverse("console:live", args=[sale.pk])).content.decode()
    assert "/switch/" not in page
    assert live(manager, sale)["sale"]["state"] == "closed"


def test_an_unknown_sale_has_no_feed(sign_in: SignIn) -> None:
    assert sign_in("viewer").get(reverse("console:live-feed", args=[0])).status_code == 404


def test_the_dashboard_lists_each_sale_with_its_flow_and_its_drift(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, [Request("a"), Request("b")])
    reconcile_all(now=clock.now())
    count(sale, int(time.time()) - 4, accepted=50, persisted=25)

    (row,) = overview(sign_in("viewer"))["sales"]

    assert row["url"] == f"/admin/inventory/sale/{sale.pk}/live/"
    assert (row["state"], row["backlog"], row["drift"]) == ("open", 2, 0)
    assert (row["accepted_per_second"], row["persisted_per_second"]) == (10, 5)


def test_the_dashboard_counts_what_waits_for_a_person(
    make_sale: MakeSale, sign_in: SignIn, api_client: Any
) -> None:
    dead_letter(make_sale("drop"), api_client[0], {"TEE": 3}, key="k-dead", customer="lost")
    waiting = {each["what"]: each for each in overview(sign_in("viewer"))["waiting"]}
    assert waiting["Dead letters"]["count"] == 1
    assert waiting["Dead letters"]["url"] == "/admin/orders/deadletter/?resolution=none"
    assert waiting["Lost orders"]["count"] == 0


def test_the_dashboard_names_the_part_that_fails(
    make_sale: MakeSale, sign_in: SignIn, redis_away: Away
) -> None:
    make_sale("drop")
    browser = sign_in("viewer")
    assert overview(browser)["progress"]["sweep"] == {"age": None, "late": True}
    with redis_away():
        reading = overview(browser)
    assert (reading["ready"], reading["parts"]["redis"]["ok"]) == (False, False)
    assert reading["parts"]["postgresql"]["ok"]
    assert "Redis does not answer" in reading["redis"]
    assert [sale["slug"] for sale in reading["sales"]] == ["drop"]


@pytest.mark.parametrize("url", ["waiting", "page"])
def test_the_dashboards_links_lead_somewhere(
    url: str, sign_in: SignIn, client: Client, settings: Any
) -> None:
    viewer = sign_in("viewer")
    if url == "page":
        page = viewer.get("/admin/").content.decode()
        assert settings.FLOWER_URL in page
        assert 'data-feed="/admin/overview.json"' in page
        return
    for each in overview(viewer)["waiting"]:
        assert viewer.get(each["url"]).status_code == 200


def count(sale: Sale, second: int, *, persisted: int = 0, **outcomes: int) -> None:
    """Count answers and persisted orders of one second, as processes tell Redis."""
    fields = {f"o:{name}": answers for name, answers in outcomes.items()} | {"p": persisted}
    redis_client().hset(live_stats._second_key(sale.pk, second), mapping=fields)


def test_a_duty_that_is_late_is_named(make_sale: MakeSale, sign_in: SignIn, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5})
    browser = sign_in("viewer")
    [order] = placed(sale, api_key, Request("k"))
    Order.objects.filter(pk=order.pk).update(hold_expires_at=clock.now() - timedelta(minutes=1))
    assert live(browser, sale)["late"].keys() == {"holds"}
