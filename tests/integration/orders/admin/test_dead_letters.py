"""Dead letters: read, replayed or given up from the admin."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from inventory import counters, outbox
from inventory.errors import CountersLost
from inventory.models import Allocation, Sale
from orders.admin import dead_letters as admin_of_letters
from orders.models import DeadLetter, Order
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.release import release_stock
from shop.core.stores.redis import client as redis_client
from tests.conftest import MakeSale
from tests.factories import dead_letter, kept, unreadable_dead_letter
from tests.placing import Request, place_all

from .conftest import Act, Press, Sold

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/orders/deadletter/"
MODEL = "orders/deadletter"


@pytest.fixture
def promised(make_sale: MakeSale, api_key: str) -> DeadLetter:
    """An order that Redis accepted, for 3 of 50 TEEs, and that went to the dead letters."""
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, [Request("k-1", lines={"TEE": 3})])
    (entry,) = outbox.read_new(sale.pk, consumer="test", count=10)
    return kept(sale, entry)


def available(sale: Sale) -> int:
    (sku,) = counters.snapshot(sale.pk, sale.slug).skus.values()
    return sku.available


def test_a_replayed_letter_becomes_the_order_that_was_promised(
    promised: DeadLetter, admin_client: Client, act: Act
) -> None:
    page = act(admin_client, MODEL, "replay", promised)

    order = Order.objects.get(pk=str(promised.order_id))
    promised.refresh_from_db()
    assert f"Order {order.pk} is persisted: Awaiting payment" in page
    assert promised.resolution == DeadLetter.Resolution.PERSISTED
    assert Allocation.objects.get().held == 3
    assert available(promised.sale) == 47
    assert str(order.pk) in LogEntry.objects.get(object_id=promised.pk).change_message
    shown = admin_client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert f"{LIST}{promised.pk}/change/" in shown


def test_a_replayed_letter_that_the_ledger_has_no_units_for_says_so(
    promised: DeadLetter, admin_client: Client, act: Act
) -> None:
    Allocation.objects.update(sold=50)
    assert "is rejected (oversold)" in act(admin_client, MODEL, "replay", promised)
    assert Order.objects.get().status == Order.Status.REJECTED


def test_a_rejected_letter_gives_its_stock_back(
    promised: DeadLetter, admin_client: Client, act: Act
) -> None:
    assert available(promised.sale) == 47
    page = act(admin_client, MODEL, "reject", promised)

    promised.refresh_from_db()
    assert "its stock is being released" in page
    assert promised.resolution == DeadLetter.Resolution.REJECTED
    release_stock(promised.sale_id)
    assert available(promised.sale) == 50
    assert LogEntry.objects.filter(object_id=promised.pk).count() == 1


def test_a_letter_that_is_rejected_while_redis_is_lost_is_released_when_it_is_back(
    promised: DeadLetter, admin_client: Client, act: Act
) -> None:
    redis_client().flushdb()
    act(admin_client, MODEL, "reject", promised)
    with pytest.raises(CountersLost):
        release_stock(promised.sale_id)
    rebuild_stock(promised.sale_id)
    release_stock(promised.sale_id)
    assert available(promised.sale) == 50


@pytest.mark.parametrize("action", ["replay", "reject"])
def test_a_resolved_letter_is_left_alone(
    action: str, promised: DeadLetter, admin_client: Client, act: Act
) -> None:
    act(admin_client, MODEL, "replay", promised)
    page = act(admin_client, MODEL, action, promised)
    promised.refresh_from_db()
    assert "resolved before" in page
    assert promised.resolution == DeadLetter.Resolution.PERSISTED
    assert available(promised.sale) == 47
    assert Order.objects.count() == 1


def test_an_unreadable_letter_is_shown_in_hex_and_cannot_be_replayed(
    sold: Sold, admin_client: Client, act: Act
) -> None:
    letter = unreadable_dead_letter(sold.sale, b"\x00\xff" * 2000)
    page = admin_client.get(f"{LIST}{letter.pk}/change/").content.decode()
    assert "00ff00ff 00ff00ff" in page
    assert "3,488 bytes more" in page
    assert "still cannot be persisted" in act(admin_client, MODEL, "replay", letter)
    assert "nothing was released" in act(admin_client, MODEL, "reject", letter)


def test_a_readable_letter_is_shown_as_the_order_that_it_holds(
    sold: Sold, admin_client: Client
) -> None:
    page = admin_client.get(f"{LIST}{sold.letter.pk}/change/").content.decode()
    for shown in ("k-dead", "lost", "CAP", str(sold.letter.order_id)):
        assert shown in page


def test_several_letters_are_told_apart(sold: Sold, admin_client: Client, act: Act) -> None:
    broken = unreadable_dead_letter(sold.sale)
    page = act(admin_client, MODEL, "replay", sold.letter, broken)
    assert f"Dead letter {sold.letter.pk}: Order" in page
    assert f"Dead letter {broken.pk}: It still cannot be persisted" in page


def test_more_letters_than_one_request_can_take_are_left_for_the_next(
    sold: Sold, admin_client: Client, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_of_letters, "AT_ONCE", 1)
    refreshed = dead_letter(sold.sale, sold.client, {"TEE": 1})
    page = act(admin_client, MODEL, "replay", sold.letter, refreshed)
    assert "Only the first 1 were dealt with" in page
    assert DeadLetter.objects.get(resolution="") == sold.letter


def test_unresolved_letters_come_first_and_can_be_filtered(
    sold: Sold, admin_client: Client, act: Act
) -> None:
    later = dead_letter(sold.sale, sold.client, {"TEE": 1})
    act(admin_client, MODEL, "replay", later)

    def listed(query: str = "") -> list[int]:
        return [row.pk for row in admin_client.get(LIST + query).context["cl"].result_list]

    assert listed() == [sold.letter.pk, later.pk]
    assert listed("?resolution=none") == [sold.letter.pk]
    assert listed("?resolution=persisted") == [later.pk]
    assert listed("?reason=unreadable") == []
    assert listed(f"?q={later.order_id}") == [later.pk]


@pytest.mark.parametrize("action", ["replay", "reject"])
def test_a_viewer_cannot_resolve_a_letter(
    action: str, promised: DeadLetter, viewer: Client, act: Act
) -> None:
    assert f"{LIST}{promised.pk}/change/" in act(viewer, MODEL, action, promised)
    promised.refresh_from_db()
    assert promised.resolution == ""
    assert available(promised.sale) == 47
    assert not Order.objects.exists()


def test_who_may_replay_a_letter_may_not_give_it_up(
    promised: DeadLetter, staff: Callable[..., Client], press: Press
) -> None:
    operator = staff("replay_deadletter")
    path = f"{LIST}{promised.pk}/"
    assert operator.post(f"{path}reject/", {"confirmed": "yes"}).status_code == 403
    assert "is persisted: Awaiting payment" in press(operator, promised, "replay")
    assert LogEntry.objects.get(object_id=promised.pk).user.get_username() == "replay_deadletter"


def test_a_resolved_letter_asks_no_more(
    promised: DeadLetter, admin_client: Client, press: Press
) -> None:
    press(admin_client, promised, "reject")
    page = admin_client.get(f"{LIST}{promised.pk}/replay/").content.decode()
    assert "It is resolved: Rejected, stock released." in page
    assert 'name="confirmed"' not in page


def test_giving_letters_up_from_the_list_asks_first(
    promised: DeadLetter, admin_client: Client
) -> None:
    data = {"action": "reject", "_selected_action": [str(promised.pk)]}
    assert "get no order" in admin_client.post(LIST, data).content.decode()
    promised.refresh_from_db()
    assert promised.resolution == ""


def test_a_letter_says_what_its_reason_means(sold: Sold, admin_client: Client) -> None:
    page = admin_client.get(f"{LIST}{sold.letter.pk}/change/").content.decode()
    assert "PostgreSQL refused the order and nothing else of its batch" in page
