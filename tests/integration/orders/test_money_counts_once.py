"""Money is counted once, whatever it is called and whoever tells of it at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connections

from inventory.models import Sale
from orders.domain import PaymentMessageType
from orders.errors import MessageChanged, PaymentMismatch
from orders.models import Order, PaymentNotice, ProviderMessage
from orders.payments.late import settle_payments
from orders.payments.note import note, note_payment
from orders.payments.provider_message import PaymentMessage
from orders.reads.selectors import waiting_payments
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.release import release_stock
from shop.core import clock
from shop.core.stores import redis
from tests.conftest import MakeSale
from tests.life import events, news, pay, place, placed, refund, status
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)

State = PaymentNotice.State


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 20})


@pytest.fixture
def order(sale: Sale, api_key: str) -> Order:
    [order] = placed(sale, api_key, Request("k"))
    return order


@pytest.fixture
def twice(order: Order) -> Order:
    """An order that was paid twice, as pA and as pB."""
    pay(order, reference="pA")
    pay(order, reference="pB")
    return order


def due(order: Order) -> Decimal | None:
    return Order.objects.values_list("refund_due", flat=True).get(pk=order.pk)


def sold(sale: Sale) -> int:
    release_stock(sale.pk)
    [sku] = reconcile(sale.pk, sale.slug).skus
    assert sku.drift == 0
    return sku.sold


def test_one_refund_under_two_message_ids_goes_back_once(sale: Sale, twice: Order) -> None:
    assert refund(twice, reference="rf_1").state == State.APPLIED
    assert refund(twice, reference="rf_1").state == State.REPEATED
    assert (status(twice), due(twice), sold(sale)) == ("paid", None, 1)
    assert refund(twice, reference="rf_2").state == State.APPLIED
    assert (status(twice), due(twice), sold(sale)) == ("refunded", None, 0)


def test_a_refund_of_the_payment_that_bought_leaves_the_order_to_the_other_one(
    sale: Sale, twice: Order
) -> None:
    refund(twice, reference="pA")
    assert (status(twice), due(twice), sold(sale)) == ("paid", None, 1)
    paid = PaymentNotice.objects.filter(type="succeeded").order_by("pk")
    assert list(paid.values_list("reference", "state", "detail")) == [
        ("pA", State.PAID_BACK, ""),
        ("pB", State.APPLIED, ""),  # no longer "paid twice"
    ]
    refund(twice, reference="pB")
    assert (status(twice), sold(sale)) == ("refunded", 0)


def test_a_refund_that_may_be_known_under_another_name_is_left_to_a_person(
    sale: Sale, twice: Order
) -> None:
    refund(twice, reference="rf_1")
    with pytest.raises(PaymentMismatch, match="another name"):
        refund(twice, reference="pB")
    assert (status(twice), due(twice), sold(sale)) == ("paid", None, 1)
    assert PaymentNotice.objects.filter(state=State.REFUSED).count() == 1


def test_a_refund_before_any_payment_and_under_another_name_waits_for_it(
    sale: Sale, order: Order
) -> None:
    assert refund(order, reference="rf_1").state == State.AHEAD
    assert refund(order, reference="rf_1").state == State.REPEATED
    pay(order, reference="pA")
    assert (status(order), due(order), sold(sale)) == ("refunded", None, 0)
    assert [type_ for _, type_ in events(order)][1:] == ["order.paid", "order.refunded"]


def test_one_name_pays_one_order(sale: Sale, api_key: str) -> None:
    one, other = placed(sale, api_key, Request("k-1"), Request("k-2"))
    pay(one, reference="p1")
    with pytest.raises(PaymentMismatch, match=str(one.pk)):
        pay(other, reference="p1")
    assert (status(one), status(other)) == ("paid", "awaiting_payment")
    pay(other, reference="p2")
    refund(one, reference="rf")
    with pytest.raises(PaymentMismatch, match=str(one.pk)):
        refund(other, reference="rf")
    assert (status(one), status(other), sold(sale)) == ("refunded", "paid", 1)


def part(order: Order, amount: int, reference: str) -> PaymentNotice:
    """A refund of `amount` cents."""
    told = news(order, PaymentMessageType.REFUNDED, amount=amount, reference=reference)
    with pytest.raises(PaymentMismatch, match=r"12\.50 EUR"):
        note_payment(told)
    return PaymentNotice.objects.get(notice_id=told.notice_id)


def test_parts_go_back_until_nothing_is_left(sale: Sale, order: Order) -> None:
    pay(order)
    first, second = part(order, 500, "rf_1"), part(order, 700, "rf_2")
    assert (first.state, second.state, status(order)) == (State.PARTLY, State.PARTLY, "paid")
    part(order, 50, "rf_3")
    assert (status(order), sold(sale)) == ("refunded", 0)
    assert not PaymentNotice.objects.filter(state=State.PARTLY).exists()


def test_a_debt_shrinks_by_what_has_gone_back_of_it(twice: Order) -> None:
    part(twice, 500, "pB")
    assert (status(twice), due(twice)) == ("paid", Decimal("7.50"))
    assert waiting_payments().due_back == {"EUR": Decimal("7.50")}
    refund(twice, reference="pB")  # all of it by now
    assert (status(twice), due(twice)) == ("paid", None)


def test_more_than_all_cannot_go_back(order: Order) -> None:
    pay(order)
    refund(order, reference="rf_1")
    with pytest.raises(PaymentMismatch, match="nothing is to be refunded"):
        refund(order, reference="rf_2")
    with pytest.raises(PaymentMismatch):
        note_payment(news(order, PaymentMessageType.REFUNDED, amount=1251))
    assert status(order) == "refunded"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1251},
        {"reference": "p2"},
        {"type": PaymentMessageType.REFUNDED},
        {"currency": "USD"},
    ],
)
def test_a_known_id_with_another_content_is_refused_and_kept(
    order: Order, change: dict[str, object]
) -> None:
    first = replace(news(order), body=b"one")
    note_payment(first)
    for _ in range(2):
        with pytest.raises(MessageChanged):
            note_payment(replace(first, body=b"other", **change))  # type: ignore[arg-type]
    kept = ProviderMessage.objects.get()
    assert (kept.kind, kept.body) == (ProviderMessage.Kind.CHANGED, "other")
    assert (status(order), due(order)) == ("paid", None)
    assert note_payment(first).state == State.APPLIED


def at_once(steps: list[Callable[[], object]]) -> None:
    def run(step: Callable[[], object]) -> None:
        try:
            step()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(steps)) as threads:
        list(threads.map(run, steps))


def test_whatever_is_said_at_once_counts_once(sale: Sale, twice: Order) -> None:
    same = news(twice, PaymentMessageType.REFUNDED, reference="rf_1")
    others = [news(twice, PaymentMessageType.REFUNDED, reference="rf_1") for _ in range(5)]
    told: list[PaymentMessage] = [same, same, same, *others]
    at_once([lambda each=each: note([each]) for each in told])  # type: ignore[misc]
    at_once([settle_payments] * 4)
    settle_payments()
    assert (status(twice), due(twice), sold(sale)) == ("paid", None, 1)
    refunds = PaymentNotice.objects.filter(type="refunded")
    assert sorted(refunds.values_list("state", flat=True)) == ["applied", *["repeated"] * 5]


def test_one_name_that_pays_many_orders_at_once_pays_one(sale: Sale, api_key: str) -> None:
    orders = placed(sale, api_key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(8)))
    note([news(order, reference="p1") for order in orders])
    at_once([settle_payments] * 4)
    settle_payments()
    assert sorted(map(status, orders)) == [*["awaiting_payment"] * 7, "paid"]
    assert PaymentNotice.objects.filter(state=State.REFUSED).count() == 7


def test_waiting_payments_are_counted_from_the_first_received(order: Order) -> None:
    assert (waiting_payments().count, waiting_payments().oldest) == (0, None)
    received = clock.now()
    note([replace(news(order), received_at=received)])
    found = waiting_payments()
    assert (found.count, found.oldest) == (1, received)
    settle_payments()
    assert waiting_payments().count == 0


def test_what_was_paid_for_an_order_that_redis_lost_is_flagged(sale: Sale, api_key: str) -> None:
    [order_id] = place(api_key, Request("k"))
    lost = Order(pk=order_id, total=Decimal("12.50"), currency="EUR")
    assert pay(lost).state == State.PENDING
    redis.client().flushdb()
    rebuild_stock(sale.pk)
    assert PaymentNotice.objects.get().state == State.UNMATCHED
