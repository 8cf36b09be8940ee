"""What providers say, in any order and any number of times: money and stock come out right."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from inventory import counters
from inventory.errors import CountersLost
from inventory.models import Allocation, Sale
from orders.domain import PaymentMessageType, new_order_id
from orders.errors import OrderUnknown, PaymentMismatch
from orders.models import ApiClient, Order, OrderEvent, PaymentNotice
from orders.payments.late import settle_payments
from orders.payments.note import note_payment
from orders.persistence import dead_letter_actions
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import events, news, pay, place, placed, refund, status, work
from tests.persisting import persist
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)

State = PaymentNotice.State


def expired(sale: Sale, api_key: str, *requests: Request) -> list[Order]:
    """Orders whose hold has ended, in the ledger; Redis has not been told yet."""
    orders = placed(sale, api_key, *requests)
    assert orders[-1].hold_expires_at is not None
    expire_holds(now=orders[-1].hold_expires_at + timedelta(seconds=1))
    return orders


def units(sale: Sale) -> tuple[int, int, int]:
    """Available, held, sold; and nothing drifts."""
    found = reconcile(sale.pk, sale.slug)
    assert found.drift == 0
    [sku] = found.skus
    assert sku.in_flight == 0
    return sku.available, sku.held, sku.sold


def state(notice: PaymentNotice) -> str:
    return PaymentNotice.objects.values_list("state", flat=True).get(pk=notice.pk)


def refund_due(order: Order) -> Decimal | None:
    return Order.objects.values_list("refund_due", flat=True).get(pk=order.pk)


# --- In time --------------------------------------------------------------------------------------


def test_a_payment_sells_what_was_held(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k", lines={"TEE": 2}))
    notice = pay(order)
    assert (state(notice), status(order)) == (State.APPLIED, "paid")
    assert units(sale) == (3, 0, 2)
    assert events(order) == [(1, "order.placed"), (2, "order.paid")]


def test_the_same_message_again_changes_nothing(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    first = pay(order, notice_id="msg-x")
    again = pay(order, notice_id="msg-x")
    assert again.pk == first.pk
    assert len(events(order)) == 2
    assert units(sale) == (4, 0, 1)


def test_two_messages_about_one_payment_count_once(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    pay(order, reference="pi_1")
    assert state(pay(order, reference="pi_1")) == State.REPEATED
    assert refund_due(order) is None


def test_a_failed_payment_leaves_the_hold_for_another_try(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    note_payment(news(order, PaymentMessageType.FAILED))
    assert status(order) == "awaiting_payment"
    pay(order)
    note_payment(news(order, PaymentMessageType.FAILED))  # an old one that comes late
    assert status(order) == "paid"


def test_a_refund_puts_the_units_back_on_sale(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 5}, limit=2)
    [order] = placed(sale, api_key, Request("k", lines={"TEE": 2}))
    pay(order)
    refund(order)
    refund(order)
    release_stock(sale.pk)
    assert status(order) == "refunded"
    assert units(sale) == (5, 0, 0)
    assert [type_ for _, type_ in events(order)] == ["order.placed", "order.paid", "order.refunded"]
    placed(sale, api_key, Request("again", lines={"TEE": 2}))  # the limit counts it no more


@pytest.mark.parametrize(
    "changes", [{"amount": 1249}, {"amount": 1251}, {"currency": "USD"}, {"amount": 0}]
)
@pytest.mark.parametrize("type_", PaymentMessageType)
def test_a_wrong_amount_or_currency_is_refused_and_flagged(
    make_sale: MakeSale, api_key: str, changes: dict[str, object], type_: PaymentMessageType
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    wrong = news(order, type_, notice_id="msg-w", **changes)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(PaymentMismatch, match=r"12\.50 EUR"):
            note_payment(wrong)
    assert PaymentNotice.objects.get().state in PaymentNotice.NEEDS_ATTENTION
    assert status(order) == "awaiting_payment"
    assert len(events(order)) == 1


def test_a_payment_for_an_order_that_nobody_knows_is_kept_and_judged_anew(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    stranger = UUID(bytes=new_order_id(sale.pk, 1_795_780_800_123))
    for _ in range(2):
        with pytest.raises(OrderUnknown):
            note_payment(replace(news(order, notice_id="m"), order_id=stranger))
    notice = PaymentNotice.objects.get()
    assert notice.state == State.UNMATCHED
    digest = news(order, notice_id="m").digest
    PaymentNotice.objects.update(order_id=order.pk, digest=digest)
    assert note_payment(news(order, notice_id="m")).state == State.APPLIED
    assert status(order) == "paid"


def test_a_payment_that_is_faster_than_persistence_is_applied_after_it(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order_id] = place(api_client[1], Request("k", lines={"TEE": 2}))
    order = Order(pk=order_id, total=Decimal("25.00"), currency="EUR")
    notice = pay(order)
    assert notice.state == State.PENDING
    assert settle_payments() == 0
    persist(sale)
    assert settle_payments() == 0
    assert status(order) == "paid"
    assert units(sale) == (3, 0, 2)


def test_a_payment_of_a_wrong_amount_is_refused_before_persistence_too(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale("drop", {"TEE": 5})
    [order_id] = place(api_key, Request("k"))
    with pytest.raises(PaymentMismatch):
        pay(Order(pk=order_id, total=Decimal("1.00"), currency="EUR"))


def test_a_payment_of_a_dead_letter_waits_until_a_person_has_decided(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, _ = api_client
    sale = make_sale("drop", {"TEE": 5})
    replayed, given_up = dead_letter(sale, client), dead_letter(sale, client)
    orders = [
        Order(pk=letter.order_id, total=Decimal("12.50"), currency="EUR")
        for letter in (replayed, given_up)
    ]
    notices = [pay(order) for order in orders]
    assert [notice.state for notice in notices] == [State.PENDING] * 2
    dead_letter_actions.replay(replayed)
    dead_letter_actions.reject(given_up)
    settle_payments()
    assert status(orders[0]) == "paid"
    assert state(notices[1]) == State.REFUND_DUE
    assert pay(orders[1]).state == State.REPEATED
    assert pay(orders[1], reference="another").state == State.REFUND_DUE


# --- Too late, twice, in the wrong order ----------------------------------------------------------


@pytest.mark.parametrize("released", [True, False])
def test_a_late_payment_takes_the_stock_again_if_there_is_any(
    make_sale: MakeSale, api_key: str, released: bool
) -> None:
    sale = make_sale("drop", {"TEE": 5}, limit=2)
    [order] = expired(sale, api_key, Request("k", lines={"TEE": 2}))
    if released:
        release_stock(sale.pk)
    notice = pay(order)
    assert notice.state == State.PENDING
    assert reconcile(sale.pk, "drop").drift == 0
    settle_payments()
    assert (state(notice), status(order)) == (State.APPLIED, "paid")
    release_stock(sale.pk)  # a late one of the first life: nothing is left to it
    assert units(sale) == (3, 0, 2)
    assert [type_ for _, type_ in events(order)] == ["order.placed", "order.expired", "order.paid"]

    refund(order)
    release_stock(sale.pk)
    assert units(sale) == (5, 0, 0)
    placed(sale, api_key, Request("again", lines={"TEE": 2}))  # within the limit again


def test_a_payment_of_a_cancelled_order_takes_the_stock_again_too(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, key, Request("k"))
    cancel_order(order.pk, client_id=client.pk)
    pay(order)
    work(sale)
    assert status(order) == "paid"
    assert units(sale) == (4, 0, 1)


def test_a_late_payment_without_stock_is_flagged_for_refund_and_the_event_says_so(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 2})
    [order] = expired(sale, api_key, Request("k", lines={"TEE": 2}))
    release_stock(sale.pk)
    placed(sale, api_key, Request("other", customer="bob"))
    notice = pay(order)
    settle_payments()
    assert (state(notice), status(order)) == (State.REFUND_DUE, "expired")
    assert refund_due(order) == Decimal("25.00")
    last = OrderEvent.objects.filter(order=order).latest("sequence")
    assert (last.sequence, last.type, last.refund_due) == (3, "order.expired", Decimal("25.00"))
    assert units(sale) == (1, 1, 0)

    refund(order, reference="re_1")  # the provider's own name for it
    assert (status(order), refund_due(order)) == ("refunded", None)
    assert state(notice) == State.PAID_BACK
    assert units(sale) == (1, 1, 0)


def test_late_payments_are_settled_together_and_only_so_many_as_there_is_stock_for(
    make_sale: MakeSale, api_key: str, django_assert_max_num_queries: Any
) -> None:
    sale = make_sale("drop", {"TEE": 20})
    orders = expired(sale, api_key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(20)))
    release_stock(sale.pk)
    placed(sale, api_key, *(Request(f"o-{n}", customer=f"o-{n}") for n in range(2)))  # take two
    notices = [pay(order, reference=f"p-{order.pk}") for order in orders]
    with django_assert_max_num_queries(85):  # two of them by themselves
        settle_payments()
    assert [state(notice) for notice in notices].count(State.APPLIED) == 18
    assert [state(notice) for notice in notices].count(State.REFUND_DUE) == 2
    assert [status(order) for order in orders].count("paid") == 18
    assert units(sale) == (0, 2, 18)
    for order in orders:
        release_stock(sale.pk)
        if status(order) == "paid":
            refund(order, reference=f"p-{order.pk}")
    release_stock(sale.pk)
    assert units(sale) == (18, 2, 0)


def test_one_late_payment_that_was_made_twice_is_flagged_among_others_that_are_not(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    orders = expired(sale, api_key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(3)))
    release_stock(sale.pk)
    notices = [pay(order, reference=f"p-{order.pk}") for order in orders]
    again = pay(orders[1], reference="another")
    settle_payments()
    settle_payments()
    assert [state(notice) for notice in notices] == [State.APPLIED] * 3
    assert state(again) == State.REFUND_DUE
    assert {status(order) for order in orders} == {"paid"}
    assert units(sale) == (2, 0, 3)


def test_a_sale_without_counters_keeps_no_other_sales_late_payments_waiting(
    make_sale: MakeSale, api_key: str
) -> None:
    lost, whole = make_sale("lost", {"CAP": 5}), make_sale("whole", {"TEE": 5})
    [first] = expired(lost, api_key, Request("k", sale="lost", lines={"CAP": 1}))
    [second] = expired(whole, api_key, Request("k", sale="whole"))
    notices = [pay(first, reference="p-1"), pay(second, reference="p-2")]
    client().delete(f"{{sale:{lost.pk}}}:config")
    with pytest.raises(CountersLost):
        settle_payments()
    assert [state(notice) for notice in notices] == [State.PENDING, State.APPLIED]


def test_of_two_lines_one_that_is_sold_out_means_a_refund_and_nothing_taken(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5, "CAP": 1})
    [order] = expired(sale, api_key, Request("k", lines={"TEE": 1, "CAP": 1}))
    release_stock(sale.pk)
    placed(sale, api_key, Request("other", customer="bob", lines={"CAP": 1}))
    pay(order)
    settle_payments()
    assert status(order) == "expired"
    found = reconcile(sale.pk, "drop")
    assert {sku.sku: sku.available for sku in found.skus} == {"TEE": 5, "CAP": 0}
    assert found.drift == 0


def test_a_second_payment_of_a_paid_order_is_to_be_refunded_and_the_order_stays_paid(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = placed(sale, api_key, Request("k"))
    pay(order, reference="pay-1")
    twice = pay(order, reference="pay-2")
    assert (twice.state, refund_due(order)) == (State.REFUND_DUE, Decimal("12.50"))
    refund(order, reference="pay-2")
    refund(order, reference="pay-2")
    assert (status(order), refund_due(order)) == ("paid", None)
    refund(order, reference="pay-1")
    assert status(order) == "refunded"


def test_a_refund_that_overtakes_its_payment_waits_for_it(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    in_time, late = placed(sale, api_key, Request("k-1"), Request("k-2"))
    assert refund(in_time).state == State.AHEAD
    pay(in_time)
    assert status(in_time) == "refunded"
    assert [type_ for _, type_ in events(in_time)][1:] == ["order.paid", "order.refunded"]

    assert late.hold_expires_at is not None
    expire_holds(now=late.hold_expires_at)
    refund(late)
    pay(late)
    work(sale)
    assert status(late) == "refunded"
    assert units(sale) == (5, 0, 0)


def test_a_payment_of_a_sale_that_takes_none_is_to_be_refunded(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5}, payment="none")
    [order] = placed(sale, api_key, Request("k"))
    with pytest.raises(PaymentMismatch, match="nothing is to be refunded"):
        refund(order)
    assert pay(order).state == State.REFUND_DUE
    assert status(order) == "confirmed"
    refund(order)
    assert (status(order), refund_due(order)) == ("confirmed", None)


# --- Failures in between --------------------------------------------------------------------------


def test_a_crash_between_redis_and_the_ledger_takes_the_stock_once(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    [order] = expired(sale, api_key, Request("k", lines={"TEE": 2}))
    release_stock(sale.pk)
    pay(order)
    with monkeypatch.context() as patched:
        patched.setattr("orders.payments.late.change_status", _crash)
        assert settle_payments() == 0  # as after a crash: everything but Redis is undone
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.in_flight, sku.sold, sku.drift) == (3, 2, 0, 0)
    settle_payments()
    assert units(sale) == (3, 0, 2)


def _crash(*_: object) -> None:
    raise ConnectionResetError


def test_what_redis_gave_and_the_ledger_refuses_goes_back(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 2})
    [order] = expired(sale, api_key, Request("k", lines={"TEE": 2}))
    release_stock(sale.pk)
    row = Allocation.objects.get()
    Allocation.objects.filter(pk=row.pk).update(allocated=1)  # as after a loss in the ledger
    notice = pay(order)
    settle_payments()
    assert (state(notice), status(order)) == (State.REFUND_DUE, "expired")
    release_stock(sale.pk)
    assert counters.snapshot(sale.pk, "drop").skus[row.pk].available == 2
    # One that was taken up again and let go a second time is not taken up a third time.
    assert pay(order, reference="pay-2").state == State.REFUND_DUE


def test_after_a_rebuild_a_late_payment_still_takes_its_stock_and_gives_it_back(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    late, later = expired(sale, api_key, Request("k-1"), Request("k-2"))
    pay(late)
    work(sale)
    rebuild_stock(sale.pk)
    pay(later)
    work(sale)
    assert units(sale) == (3, 0, 2)
    rebuild_stock(sale.pk)
    refund(late)
    refund(later)
    work(sale)
    assert units(sale) == (5, 0, 0)
