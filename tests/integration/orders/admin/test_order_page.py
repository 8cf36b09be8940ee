"""The page of an order: its story in the order of time, and what a person may do to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from inventory.models import Allocation
from orders.admin.timeline import timeline_of
from orders.models import Delivery, Order, PaymentNotice
from orders.payments.late import settle_payments
from orders.payments.note import Noted, note
from orders.reads import order_story
from shop.core import clock
from tests.factories import persisted_order
from tests.life import events, news, pay, refund, status

from .conftest import Press, Sold

pytestmark = pytest.mark.django_db

Staff = Callable[..., Client]


@pytest.fixture
def order(sold: Sold) -> Order:
    """A second order of the same sale, for two TEEs, that no payment has come for."""
    return persisted_order(sold.sale, sold.client, {"TEE": 2}, key="k-9", http_request_id="req-9")


def page_of(client: Client, order: Order) -> str:
    return client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()


def titles(order: Order) -> list[str]:
    return [each.title for each in timeline_of(order, now=clock.now()).moments]


def history(order: Order) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(order.pk)).order_by("pk")
    return [entry.get_change_message() for entry in entries]


def test_the_story_begins_with_the_yes_and_says_where_it_came_from(order: Order) -> None:
    first = timeline_of(order, now=clock.now()).moments[0]
    facts = {name: str(value) for name, value in first.facts}
    assert first.title.startswith("Accepted")
    assert (facts["Request id"], facts["X-Request-ID"]) == ("k-9", "req-9")
    assert "storefront" in facts["Client"]
    assert "-" in facts["Outbox entry"]


def test_what_happened_stands_in_the_order_of_time(order: Order) -> None:
    pay(order)
    found = timeline_of(Order.objects.get(pk=order.pk), now=clock.now())
    story = [each.title for each in found.moments]
    assert [each.at for each in found.moments] == sorted(each.at for each in found.moments)
    assert story[0].startswith("Accepted")
    assert "Payment succeeded: 25.00 EUR" in story
    assert story.index("Ledger: held for an order") < story.index("Ledger: sold")
    assert story.index("Placed") < story.index("Paid")
    assert {"Waits to be told: order.placed", "Waits to be told: order.paid"} <= set(story)


def test_the_end_of_a_hold_is_told_as_what_is_to_come(order: Order) -> None:
    last = timeline_of(order, now=clock.now()).moments[-1]
    over = timeline_of(order, now=clock.now() + timedelta(hours=1)).moments[-1]
    assert (last.title, last.is_to_come) == ("The hold ends, unless paid", True)
    assert not over.is_to_come
    pay(order)
    assert not any("hold ends" in title for title in titles(Order.objects.get(pk=order.pk)))


def test_a_delivery_says_to_whom_how_often_and_what_came_back(
    order: Order, admin_client: Client
) -> None:
    Delivery.objects.filter(order_id=order.pk).update(
        state="dead", attempts=10, last_status=500, last_error="HTTP 500"
    )
    page = page_of(admin_client, order)
    assert "Gave up telling: order.placed" in page
    for shown in ("https://shop.example/hook", "HTTP 500", "Attempts"):
        assert shown in page


def test_an_order_with_no_end_of_parts_has_a_page_with_an_end(
    order: Order, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_story, "MAX_PER_SOURCE", 1)
    pay(order)
    found = timeline_of(Order.objects.get(pk=order.pk), now=clock.now())
    assert found.is_cut
    assert "more of some things" in page_of(admin_client, order)


def test_the_page_asks_as_few_questions_however_much_has_happened(
    order: Order, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    pay(order)
    with django_assert_max_num_queries(14):
        page_of(admin_client, order)


def test_an_order_that_is_not_there_has_no_page(admin_client: Client) -> None:
    for key in ("0190b5f2-7c00-8000-8000-0123456789ab", "no-id"):
        answer = admin_client.get(f"/admin/orders/order/{key}/change/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_nothing_happens_before_somebody_says_yes(order: Order, admin_client: Client) -> None:
    for button in ("cancel", "resend"):
        page = admin_client.get(f"/admin/orders/order/{order.pk}/{button}/")
        assert page.status_code == 200
        assert "Leave it as it is" in page.content.decode()
    assert status(order) == "awaiting_payment"
    assert history(order) == []


def test_a_cancelled_order_gives_its_stock_back_and_says_who_did_it(
    order: Order, staff: Staff, press: Press
) -> None:
    held = Allocation.objects.get(product__sku="TEE").held
    page = press(staff("cancel_order"), order, "cancel")

    assert "Cancelled; its stock is being released." in page
    assert status(order) == "cancelled"
    assert events(order)[-1] == (2, "order.cancelled")
    assert Allocation.objects.get(product__sku="TEE").held == held - 2
    assert history(order) == ["Cancelled; its stock is being released."]
    assert "cancel_order" in page  # the name of who did it, in the story


def test_an_order_that_was_paid_meanwhile_is_not_cancelled(
    order: Order, admin_client: Client, press: Press
) -> None:
    pay(order)
    page = press(admin_client, order, "cancel")
    assert "The order is paid." in page
    assert status(order) == "paid"
    assert history(order) == []


def test_a_refund_that_is_noted_refunds_the_order_once(
    order: Order, staff: Staff, press: Press
) -> None:
    payment = pay(order)
    form = {"payment": str(payment.pk), "reference": "re_77"}
    manager = staff("refund_order")
    said = f"Noted as paid back: 25.00 EUR ({payment.reference}), refund re_77."
    assert said in press(manager, order, "refund", **form)
    again = press(manager, order, "refund", **form)

    assert "There is no payment that could go back." in again
    assert status(order) == "refunded"
    assert events(order)[-1] == (3, "order.refunded")
    payment.refresh_from_db()
    assert payment.state == PaymentNotice.State.PAID_BACK
    assert len(history(order)) == 1


def test_the_provider_may_say_of_a_noted_refund_what_is_known_already(
    order: Order, admin_client: Client, press: Press
) -> None:
    payment = pay(order)
    press(admin_client, order, "refund", payment=str(payment.pk))
    assert refund(order).state == PaymentNotice.State.REPEATED
    assert status(order) == "refunded"
    assert events(order)[-1] == (3, "order.refunded")


def test_a_payment_of_another_order_cannot_be_noted_as_paid_back(
    order: Order, sold: Sold, admin_client: Client, press: Press
) -> None:
    pay(order)
    other = PaymentNotice.objects.get(order_id=sold.order.pk)
    page = press(admin_client, order, "refund", payment=str(other.pk))
    assert "Select a valid choice" in page
    assert status(order) == "paid"


def test_the_events_of_an_order_are_sent_again(
    order: Order, sold: Sold, staff: Staff, press: Press
) -> None:
    Delivery.objects.update(state="delivered", attempts=3)
    assert "Deliveries sent again: 1." in press(staff("resend_delivery"), order, "resend")
    assert Delivery.objects.get(order_id=order.pk).state == "pending"
    assert Delivery.objects.get(order_id=sold.order.pk).state == "delivered"
    assert history(order) == ["Deliveries sent again: 1."]


@pytest.mark.parametrize("button", ["cancel", "refund", "resend"])
def test_who_may_not_do_it_is_neither_asked_nor_obeyed(
    button: str, order: Order, sold: Sold, staff: Staff
) -> None:
    pay(sold.order)
    nobody, path = staff("export_order"), f"/admin/orders/order/{order.pk}/{button}/"
    answers = [nobody.get(path), nobody.post(path, {"confirmed": "yes"})]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert f"/{button}/" not in page_of(nobody, order)
    assert status(order) == "awaiting_payment"
    assert history(order) == []


def test_an_order_offers_what_its_status_is_open_to(order: Order, admin_client: Client) -> None:
    def offered() -> list[str]:
        page = page_of(admin_client, order)
        return [name for name in ("cancel", "refund", "resend") if f"{order.pk}/{name}/" in page]

    assert offered() == ["cancel", "resend"]
    pay(order)
    assert offered() == ["refund", "resend"]


# --- While a payment is being applied -------------------------------------------------------------


def noted(order: Order) -> PaymentNotice:
    """A payment that is on record, and that no task has applied yet."""
    [answer] = note([news(order)])
    assert isinstance(answer, Noted)
    return PaymentNotice.objects.get(notice_id=answer.notice_id)


def test_an_order_whose_payment_is_being_applied_says_so_and_cannot_be_cancelled(
    order: Order, admin_client: Client, press: Press
) -> None:
    noted(order)
    page = page_of(admin_client, order)
    assert "Payment received in time, being applied" in page
    assert f"/admin/orders/order/{order.pk}/cancel" not in page
    assert "as good as paid" in press(admin_client, order, "cancel")
    assert status(order) == "awaiting_payment"
    settle_payments()
    page = page_of(admin_client, order)
    assert "being applied" not in page
    assert status(order) == "paid"


def test_a_second_payment_is_explained_as_one(order: Order, admin_client: Client) -> None:
    pay(order)
    pay(order, reference="once more")
    page = page_of(admin_client, order)
    assert "it was paid twice" in page
    assert "no stock" not in page
