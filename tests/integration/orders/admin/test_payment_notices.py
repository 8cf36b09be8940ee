"""What a person says of payments that no program can decide about."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from orders.models import Order, PaymentNotice, ProviderMessage
from tests.life import pay, status

from .conftest import Press, Sold

pytestmark = pytest.mark.django_db(transaction=True)

Staff = Callable[..., Client]


@pytest.fixture
def twice(sold: Sold) -> PaymentNotice:
    """The second payment of an order, which is to be refunded."""
    order = sold.order
    PaymentNotice.objects.filter(order_id=order.pk).delete()
    pay(order, reference="first")
    return pay(order, reference="second")


@pytest.fixture
def clerk(staff: Staff) -> Client:
    return staff("handle_paymentnotice", "handle_providermessage")


def owed(notice: PaymentNotice) -> object:
    return Order.objects.values_list("refund_due", flat=True).get(pk=notice.order_id)


def history() -> list[str]:
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


def test_money_that_was_sent_back_is_owed_no_more(
    twice: PaymentNotice, clerk: Client, press: Press
) -> None:
    assert owed(twice) == twice.amount
    assert (
        "It is dealt with"
        in clerk.get(f"/admin/orders/paymentnotice/{twice.pk}/handled/").content.decode()
    )
    press(clerk, twice, "handled", way="sent-back", reason="bank transfer 77")
    twice.refresh_from_db()
    assert (twice.state, owed(twice)) == ("paid_back", None)
    assert twice.handled_at
    assert Order.objects.get(pk=twice.order_id).status == "paid"
    assert history() == ["Noted as money sent back: bank transfer 77"]


def test_a_payment_that_is_counted_by_hand_is_owed_no_more(
    twice: PaymentNotice, clerk: Client, press: Press
) -> None:
    assert "Say where it is counted." in press(clerk, twice, "handled", way="counted")
    assert owed(twice) == twice.amount
    press(clerk, twice, "handled", way="counted", reason="shipping")
    twice.refresh_from_db()
    assert (twice.state, twice.detail) == ("repeated", "Counted by hand: shipping")
    assert owed(twice) is None
    assert history() == ["Noted as counted by hand: shipping"]
    assert "It needs nobody&#x27;s attention." in press(clerk, twice, "handled", way="counted")


def test_what_is_dealt_with_otherwise_leaves_the_debt(
    twice: PaymentNotice, clerk: Client, press: Press
) -> None:
    press(clerk, twice, "handled")
    twice.refresh_from_db()
    assert twice.handled_at
    assert owed(twice) == twice.amount
    assert history() == ["Noted as dealt with."]


def test_only_money_that_is_owed_can_be_sent_back_or_counted(
    sold: Sold, clerk: Client, press: Press
) -> None:
    pay(sold.order)
    PaymentNotice.objects.filter(order_id=sold.order.pk, type="succeeded").update(state="refused")
    notice = PaymentNotice.objects.get(order_id=sold.order.pk, type="succeeded")
    press(clerk, notice, "handled", way="sent-back", reason="it was none of ours")
    notice.refresh_from_db()
    assert (notice.state, status(sold.order)) == ("refused", "paid")
    assert history() == ["Noted as dealt with: it was none of ours"]


def test_a_message_of_a_provider_is_dealt_with_for_a_reason(
    sold: Sold, clerk: Client, press: Press
) -> None:
    message = ProviderMessage.objects.get(order_id=sold.order.pk)
    press(clerk, message, "handled", reason="the dispute is won")
    assert ProviderMessage.objects.get(pk=message.pk).handled_at
    assert history() == ["Noted as dealt with: the dispute is won"]


def test_a_viewer_deals_with_nothing(twice: PaymentNotice, viewer: Client) -> None:
    answer = viewer.post(f"/admin/orders/paymentnotice/{twice.pk}/handled/", {"confirmed": "yes"})
    assert answer.status_code == 403
    assert history() == []
