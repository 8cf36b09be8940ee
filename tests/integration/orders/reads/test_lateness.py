"""How late each duty is, by what waits and not by who shows a pulse."""

from datetime import timedelta

import pytest
from django.test import Client

from inventory import counters
from orders.models import ApiClient, Order
from orders.reads.lateness import lateness
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from shop.core import clock
from shop.core.processes import health
from shop.core.tasks import progress
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import pay, place, placed
from tests.persisting import persist
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


def over_for_a_minute(order: Order) -> Order:
    order.hold_expires_at = clock.now() - MINUTE
    order.save(update_fields=["hold_expires_at"])
    return order


def test_where_nothing_waits_nothing_is_late(make_sale: MakeSale, api_key: str) -> None:
    placed(make_sale("drop", {"TEE": 5}), api_key, Request("k"))
    found = lateness()
    assert (found.orders, found.holds, found.releases, found.payments) == (0, 0, 0, 0)


def test_an_order_that_is_not_persisted_gets_later(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5})
    place(api_key, Request("k"))
    first = lateness().orders
    assert 0 < first < lateness().orders
    persist(sale)
    assert lateness().orders == 0


def test_a_hold_and_then_its_release_are_late_until_the_unit_is_on_sale(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    over_for_a_minute(order)
    assert 60 <= lateness().holds < 120
    expire_holds(now=clock.now())
    assert lateness().holds == 0 < lateness().releases
    release_stock(sale.pk)
    assert lateness().releases == 0


def test_the_sale_that_waits_longest_tells_how_late_releases_are(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    for slug in ("first", "second", "third"):
        sale = make_sale(slug, {"TEE": 5})
        [order] = placed(sale, key, Request(slug, sale=slug))
        cancel_order(order.pk, client_id=client.pk)
        age = {"first": 1, "second": 3, "third": 2}[slug] * MINUTE
        Order.objects.filter(pk=order.pk).update(let_go_at=clock.now() - age)
    assert 180 <= lateness().releases < 240


def test_a_sale_without_counters_is_no_duty_that_is_late(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, key, Request("k"))
    cancel_order(order.pk, client_id=client.pk)
    counters.fence(sale.pk)
    assert lateness().releases == 0


def test_a_payment_that_waits_gets_later_unless_a_person_has_to_decide(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, key, Request("k"))
    cancel_order(order.pk, client_id=client.pk)
    assert pay(order).state == "pending"
    assert lateness().payments > 0
    counters.fence(sale.pk)
    assert lateness().payments == 0
    letter = dead_letter(sale, client)
    assert letter.order_id
    order.pk = letter.order_id
    assert pay(order).state == "pending"
    assert lateness().payments == 0


def test_readiness_names_the_duty_that_is_late_also_where_every_pulse_beats(
    make_sale: MakeSale, api_key: str
) -> None:
    for name in health.SILENCE_SECONDS:
        progress.report(name)
    [order] = placed(make_sale("drop", {"TEE": 5}), api_key, Request("k"))
    assert Client().get("/readyz").json()["failing"] == []
    over_for_a_minute(order)
    report = Client().get("/readyz").json()
    assert report["failing"] == ["duties"]
    assert "holds 6" in report["checks"]["duties"]["detail"]
    assert report["checks"]["duties"]["late_seconds"]["holds"] >= 60
