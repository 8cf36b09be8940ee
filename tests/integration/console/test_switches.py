"""The switches of a sale: asked, confirmed, done in both stores, and written down."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from inventory import counters, services
from inventory.counters.keys import Keys
from inventory.domain import SaleState
from inventory.models import Sale, StockMovement
from inventory.selectors import state_of
from orders.reconciliation.compare import reconcile
from shop.core import clock
from shop.core.stores.redis import client as redis_client
from tests.conftest import MakeSale
from tests.placing import Request, document, place_all

from .conftest import Away, SignIn

pytestmark = pytest.mark.django_db(transaction=True)


def use(browser: Client, sale: Sale, switch: str, **values: Any) -> str:
    """Confirm a switch as the sale is now, unless `version` says else. Returns the page after."""
    sale.refresh_from_db()
    url = reverse("console:switch", args=[sale.pk, switch])
    data = {"version": sale.version, "confirmed": "yes", **values}
    page = browser.post(url, data, follow=True).content.decode()
    sale.refresh_from_db()
    return page


def in_redis(sale: Sale, field: str) -> str:
    value: Any = redis_client().hget(Keys.of(sale.pk).config, field)
    return bytes(value).decode()


def answers(api_key: str, *requests: Request) -> list[str]:
    replies = place_all(api_key, requests)
    return [
        "accepted" if reply.status == 202 else document(reply)["type"].rpartition("/")[2]
        for reply in replies
    ]


def test_a_sale_is_paused_and_opened_again(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    sale, operator = make_sale(), sign_in("operator")

    assert "Done: state open → paused." in use(operator, sale, "pause")
    assert state_of(sale, clock.now()) is SaleState.PAUSED
    assert answers(api_key, Request("a")) == ["sale-not-open"]

    assert "Done: state paused → open." in use(operator, sale, "open")
    assert answers(api_key, Request("a")) == ["accepted"]


def test_a_scheduled_sale_is_opened_now(make_sale: MakeSale, sign_in: SignIn, api_key: str) -> None:
    sale = make_sale(opens_at=clock.now() + timedelta(hours=1))
    assert answers(api_key, Request("a")) == ["sale-not-open"]
    use(sign_in("operator"), sale, "open")
    assert sale.opens_at <= clock.now()
    assert answers(api_key, Request("a")) == ["accepted"]


def test_a_sale_is_closed_for_good(make_sale: MakeSale, sign_in: SignIn, api_key: str) -> None:
    sale, manager = make_sale(), sign_in("manager")
    page = use(manager, sale, "close")
    assert "Done: state open → closed." in page
    assert "closed for good" in page
    assert answers(api_key, Request("a")) == ["sale-closed"]
    assert "does not fit" in use(manager, sale, "open")
    assert state_of(sale, clock.now()) is SaleState.CLOSED


def test_a_window_is_extended_also_after_its_end(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    now = clock.now()
    sale = make_sale(opens_at=now - timedelta(hours=1), closes_at=now - timedelta(seconds=1))
    assert answers(api_key, Request("a")) == ["sale-closed"]
    later = (now + timedelta(hours=1)).replace(microsecond=0)

    use(sign_in("operator"), sale, "window", closes_at=f"{later:%Y-%m-%dT%H:%M:%S}")

    assert sale.closes_at == later
    assert in_redis(sale, "closes") == str(clock.to_ms(later))
    assert answers(api_key, Request("a")) == ["accepted"]


def test_an_opening_time_is_moved_while_it_lies_ahead(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale = make_sale(opens_at=clock.now() + timedelta(hours=1))
    later = (clock.now() + timedelta(hours=2)).replace(microsecond=0)
    use(sign_in("operator"), sale, "window", opens_at=f"{later:%Y-%m-%dT%H:%M}", closes_at="")
    assert sale.opens_at == later.replace(second=0)
    assert in_redis(sale, "opens") == str(clock.to_ms(later.replace(second=0)))


def test_stock_is_added_with_its_movement_and_sold_at_once(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 1})
    assert answers(api_key, Request("a"), Request("b", "bob")) == ["accepted", "sold-out"]
    row = sale.allocations.get()

    page = use(sign_in("manager"), sale, "stock", allocation=row.pk, units=2)

    assert "Done: TEE: allocated 1 → 3." in page
    newest = StockMovement.objects.latest("pk")
    assert (newest.kind, newest.allocated, newest.held, newest.sold) == ("allocate", 2, 0, 0)
    assert answers(api_key, Request("c", "bob"), Request("d", "eve")) == ["accepted", "accepted"]
    (balance,) = reconcile(sale.pk, "drop").skus
    assert (balance.allocated, balance.available, balance.in_flight, balance.drift) == (3, 0, 3, 0)


def test_a_limit_is_raised_and_lowered(make_sale: MakeSale, sign_in: SignIn, api_key: str) -> None:
    sale, manager = make_sale(limit=1), sign_in("manager")
    assert answers(api_key, Request("a")) == ["accepted"]
    assert answers(api_key, Request("b")) == ["purchase-limit"]
    assert "Done: limit per customer 1 → 2." in use(manager, sale, "limit", limit=2)
    assert answers(api_key, Request("b"), Request("c")) == ["purchase-limit", "accepted"]
    use(manager, sale, "limit", limit=1)
    assert answers(api_key, Request("d"), Request("e", "bob")) == ["purchase-limit", "accepted"]


def test_a_sale_without_a_limit_counts_what_was_bought_before_it_gets_one(
    make_sale: MakeSale, sign_in: SignIn, api_key: str
) -> None:
    sale = make_sale()
    assert answers(api_key, Request("a"), Request("b")) == ["accepted", "accepted"]
    assert "none → 2" in use(sign_in("manager"), sale, "limit", limit=2)
    assert answers(api_key, Request("c"), Request("d", "bob")) == ["purchase-limit", "accepted"]
    assert reconcile(sale.pk, sale.slug).drift == 0


def test_each_use_is_in_the_sales_history_with_who_and_what(
    make_sale: MakeSale, sign_in: SignIn
) -> None:
    sale, manager = make_sale(limit=1), sign_in("manager")
    use(manager, sale, "limit", limit=3)
    use(manager, sale, "pause")

    written = LogEntry.objects.order_by("pk").values_list("user__username", "change_message")
    assert list(written) == [
        ("the manager", "Change the limit: limit per customer 1 → 3"),
        ("the manager", "Pause: state open → paused"),
    ]
    history = manager.get(f"/admin/inventory/sale/{sale.pk}/history/").content.decode()
    assert "limit per customer 1 → 3" in history
    assert "the manager" in history


def test_nothing_happens_before_it_is_confirmed(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale, manager = make_sale(limit=1), sign_in("manager")
    url = reverse("console:switch", args=[sale.pk, "limit"])
    shown = manager.post(url, {"version": sale.version, "limit": 5}).content.decode()
    assert "Limit per customer 1 → 5" in shown
    assert re.search(r'name="limit" value="5"', shown)
    sale.refresh_from_db()
    assert sale.limit == 1
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("switch", "values", "complaint"),
    [
        ("limit", {"limit": -1}, "greater than or equal to 0"),
        ("limit", {"limit": 1}, "This is the limit already."),
        ("limit", {"limit": "many"}, "Enter a whole number."),
        ("stock", {"units": 0}, "greater than or equal to 1"),
        ("stock", {"units": 5, "allocation": 0}, "Select a valid choice."),
        ("window", {"closes_at": "2001-01-01T00:00"}, "The closing time is after now"),
        ("window", {"closes_at": "soon"}, "Enter a valid date/time."),
        ("window", {"closes_at": ""}, "This is the window already."),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    switch: str,
    values: dict[str, Any],
    complaint: str,
    make_sale: MakeSale,
    sign_in: SignIn,
) -> None:
    sale = make_sale("drop", {"TEE": 5}, limit=1)
    before = Sale.objects.filter(pk=sale.pk).values().get()
    values = {"allocation": sale.allocations.get().pk} | values

    assert complaint in use(sign_in("manager"), sale, switch, **values)

    assert Sale.objects.filter(pk=sale.pk).values().get() == before
    assert sale.allocations.get().allocated == 5
    assert in_redis(sale, "version") == "1"
    assert not LogEntry.objects.exists()


def test_a_second_click_on_the_same_page_does_nothing(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale, manager = make_sale("drop", {"TEE": 5}), sign_in("manager")
    seen = {"version": sale.version, "allocation": sale.allocations.get().pk, "units": 3}
    use(manager, sale, "stock", **seen)
    assert "Nothing was done." in use(manager, sale, "stock", **seen)
    assert sale.allocations.get().allocated == 8
    assert LogEntry.objects.count() == 1


def test_a_change_while_redis_is_away_reaches_it_later(
    make_sale: MakeSale, sign_in: SignIn, redis_away: Away
) -> None:
    sale, manager = make_sale("drop", {"TEE": 5}), sign_in("manager")
    row = sale.allocations.get()
    with redis_away():
        assert "does not know of it yet" in use(manager, sale, "pause")
        use(manager, sale, "stock", allocation=row.pk, units=3)
    assert in_redis(sale, "state") == "open"
    assert reconcile(sale.pk, "drop").drift == 0
    assert "Redis does not know of it yet" in LogEntry.objects.earliest("pk").change_message

    services.sync_to_redis(sale)

    assert in_redis(sale, "state") == "paused"
    assert counters.snapshot(sale.pk, "drop").skus[row.pk].available == 8
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_switch_needs_the_token_of_its_own_page(make_sale: MakeSale, sign_in: SignIn) -> None:
    sale = make_sale()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = sign_in("manager").cookies
    url = reverse("console:switch", args=[sale.pk, "pause"])
    assert browser.post(url, {"version": 1, "confirmed": "yes"}).status_code == 403
    sale.refresh_from_db()
    assert not sale.paused


def test_there_is_no_switch_of_another_name(make_sale: MakeSale, sign_in: SignIn) -> None:
    assert (
        sign_in("manager").get(f"/admin/inventory/sale/{make_sale().pk}/switch/sell/").status_code
        == 404
    )
