"""The effects of payments: each notice is decided once, whatever came before it.

A payment and a refund each count once by the provider's name of them. A notice
that no program can decide is flagged to a person, and changes nothing until then (the table is in
docs/order-life.md).
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Q

from inventory.money import with_currency
from orders import lifecycle
from orders.domain import EventType, Status
from orders.models import Order, OrderEvent, PaymentNotice
from orders.reads import selectors
from orders.services.events import Event, record_events
from orders.services.transitions import change_status
from orders.task_names import SETTLE_PAYMENTS
from shop.core import clock
from shop.core.logs import correlation
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit

from . import books
from .books import Money, Share

logger = logging.getLogger(__name__)

State, Type = PaymentNotice.State, PaymentNotice.Type
KEEPS_HOLD = "The order keeps its hold to its end."
GIVEN_UP = "The order could not be persisted, and was given up."
RELEASED = (Status.CANCELLED, Status.EXPIRED)
# A refund that comes before its payment: the payment may still come.
_MAY_BE_PAID = (Status.AWAITING_PAYMENT, *RELEASED)
_STATE_OF = {
    Share.SERVES: State.APPLIED,
    Share.IDLE: State.REFUND_DUE,
    Share.GONE: State.PAID_BACK,
}


def settle(notice: PaymentNotice) -> None:
    """Decide a notice that waits, in the caller's transaction, which holds its row.

    A payment of an order that has released its stock goes on waiting: the stock is to be
    reacquired first (`late_payments`).
    """
    if order := _locked(notice.order_id):
        _lock_references([notice])
        _decide(notice, order)
    else:
        _without_order(notice)


def settle_all(notices: Sequence[PaymentNotice]) -> None:
    """Decide notices that wait, as `settle` does, in a transaction of the caller's, which has them.

    The payments that are all that was ever said of an order which awaits its payment, and tries
    that failed, which are next to all there are, cost a few statements together; each of the others
    is decided by itself. The orders are locked in the sequence of their ids, so that two callers
    cannot wait for each other.
    """
    ids = sorted({notice.order_id for notice in notices})
    locked = Order.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    orders = {order.pk: order for order in locked}
    _lock_references(notices)
    plain, failed = _plain(notices, orders), _failed(notices, orders)
    together = {notice.pk for notice in (*plain, *failed)}
    for notice in sorted(notices, key=lambda each: each.pk):
        if notice.pk in together:
            continue
        if order := orders.get(notice.order_id):
            order.refresh_from_db(fields=["status", "refund_due"])
            _decide(notice, order)
        else:
            _without_order(notice)
    conclude_all(failed, KEEPS_HOLD)
    # Last: every order of a sale needs the rows of its stock, and waits until this is committed.
    if plain:
        conclude_all(plain)
        change_status(lifecycle.PAY, sorted(notice.order_id for notice in plain))


def awaits_stock(notice: PaymentNotice, order: Order) -> bool:
    """Tell whether a payment is good for an order that has released its stock, for the first time.

    That stock is then to be reacquired; everything else `settle` can decide. The caller holds the
    rows of both.
    """
    if not _may_reacquire(notice, order):
        return False
    _lock_references([notice])
    return not _counted_before(notice) and not _waits_already(notice)


def alone_and_late(
    notices: Sequence[PaymentNotice], orders: dict[UUID, Order]
) -> list[PaymentNotice]:
    """Return those for which `awaits_stock` is so, and which are all that was said of their order.

    The caller has the rows of both; others that name the same payments wait for its transaction.
    """
    _lock_references(notices)
    late = [
        notice
        for notice in notices
        if (order := orders.get(notice.order_id)) is not None and _may_reacquire(notice, order)
    ]
    return _alone(late, notices)


def _may_reacquire(notice: PaymentNotice, order: Order) -> bool:
    lets_reacquire = order.status in RELEASED and order.gap_end is None and notice.amount > 0
    return lets_reacquire and notice.type == Type.SUCCEEDED and not mismatch(notice, order)


def apply(notice: PaymentNotice, order: Order, detail: str = "") -> None:
    """Note that a payment has had its effect, and work off a refund that came before it."""
    _conclude(notice, State.APPLIED, detail)
    order.refresh_from_db(fields=["status", "refund_due"])
    _balance(order)
    _settle_waiting_refunds(order)


def owe(notice: PaymentNotice, order: Order, reason: str) -> None:
    """Flag a payment that nothing can be given for, to be refunded; the order's event says so."""
    with correlation.about(order_id=order.pk):
        amount = with_currency(notice.amount, notice.currency)
        logger.warning("order %s: %s to be refunded", order.pk, amount)
    _conclude(notice, State.REFUND_DUE, reason)
    _balance(order)
    if order.status in (*RELEASED, Status.REJECTED):
        sequence = OrderEvent.objects.filter(order=order).count() + 1
        type_ = EventType(f"order.{order.status}")
        record_events([Event(order.pk, sequence, type_, order.refund_due)])
    _settle_waiting_refunds(order)


def count_elsewhere(notice: PaymentNotice, why: str) -> bool:
    """Let a payment that is to be refunded count for its order no more: a person says so.

    Returns False where it is not to be refunded, by now. In a transaction of the caller's.
    """
    order = _locked(notice.order_id)  # before its notices, as when another one is settled
    notice = PaymentNotice.objects.select_for_update().get(pk=notice.pk)
    if notice.state != State.REFUND_DUE:
        return False
    _conclude(notice, State.REPEATED, f"Counted by hand: {why}"[:300])
    if order:
        _balance(order)
    return True


def owe_without_order(order_id: UUID) -> None:
    """Flag what was paid for an accepted order that a person has given up, to be refunded."""
    waiting = PaymentNotice.objects.select_for_update().filter(
        order_id=order_id, state=State.PENDING
    )
    for notice in waiting.order_by("pk"):
        _lock_references([notice])
        _without_order(notice)


# --- Many at once ---------------------------------------------------------------------------------


def _plain(notices: Sequence[PaymentNotice], orders: dict[UUID, Order]) -> list[PaymentNotice]:
    """Return the payments that simply pay their order."""
    waiting = [
        notice
        for notice in notices
        if (order := orders.get(notice.order_id)) is not None
        and order.status == Status.AWAITING_PAYMENT
        and notice.type == Type.SUCCEEDED
        and not mismatch(notice, order)
    ]
    return _alone(waiting, notices)


def _failed(notices: Sequence[PaymentNotice], orders: dict[UUID, Order]) -> list[PaymentNotice]:
    """Return the tries to pay that failed, which change nothing."""
    return [
        notice
        for notice in notices
        if (order := orders.get(notice.order_id)) is not None
        and notice.type == Type.FAILED
        and not mismatch(notice, order)
    ]


def _alone(some: Sequence[PaymentNotice], all_: Sequence[PaymentNotice]) -> list[PaymentNotice]:
    """Return the notices that are the only ones of their order and of their payment.

    Tries that failed before do not count. `all_` are those that are decided at the same time.
    """
    if not some:
        return []
    of_money = [notice for notice in all_ if notice.type != Type.FAILED]
    of_order = Counter(notice.order_id for notice in of_money)
    of_name = Counter((notice.provider, notice.reference) for notice in of_money)
    others = PaymentNotice.objects.exclude(pk__in=[notice.pk for notice in all_])
    said = list(
        others.filter(
            Q(order_id__in=[notice.order_id for notice in some])
            | Q(reference__in=[notice.reference for notice in some])
        )
        .exclude(type=Type.FAILED)
        .values_list("order_id", "provider", "reference")
    )
    known_orders = {order_id for order_id, _, _ in said}
    known_names = {(provider, name) for _, provider, name in said}
    return [
        notice
        for notice in some
        if of_order[notice.order_id] == of_name[notice.provider, notice.reference] == 1
        and notice.order_id not in known_orders
        and (notice.provider, notice.reference) not in known_names
    ]


def conclude_all(notices: Sequence[PaymentNotice], detail: str = "") -> None:
    """Note that payments, or tries to pay, have had their effect, in one statement."""
    if not notices:
        return
    now = clock.now()
    PaymentNotice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
        state=State.APPLIED, detail=detail, settled_at=now
    )
    for notice in notices:
        notice.state, notice.detail, notice.settled_at = State.APPLIED, detail, now


# --- One by one -----------------------------------------------------------------------------------


def _decide(notice: PaymentNotice, order: Order) -> None:
    if reason := mismatch(notice, order):
        _conclude(notice, State.REFUSED, reason)
    elif notice.type == Type.SUCCEEDED:
        _succeeded(notice, order)
    elif notice.type == Type.REFUNDED:
        _refunded(notice, order)
    else:
        _conclude(notice, State.APPLIED, KEEPS_HOLD)


def mismatch(notice: PaymentNotice, order: Order) -> str:
    """Return why a notice cannot be about the money of an order, "" where it can."""
    fits = notice.amount == order.total or (
        notice.type == Type.REFUNDED and 0 < notice.amount < order.total
    )
    if fits and notice.currency == order.currency:
        return ""
    return f"The order is over {with_currency(order.total, order.currency)}."


def _succeeded(notice: PaymentNotice, order: Order) -> None:
    known = _counted_before(notice)
    if elsewhere := [each for each in known if each.order_id != order.pk]:
        reason = f"The payment {notice.reference} has paid order {elsewhere[0].order_id}."
        _conclude(notice, State.REFUSED, reason[:300])
    elif known or _waits_already(notice):
        _conclude(notice, State.REPEATED)
    elif change_status(lifecycle.PAY, [order.pk]):
        apply(notice, order)
    elif not notice.amount:
        _conclude(notice, State.APPLIED, "The order costs nothing.")
    elif order.status in RELEASED and order.gap_end is None:
        _conclude(notice, State.PENDING, "The hold has ended; its stock is to be taken again.")
        send_on_commit(SETTLE_PAYMENTS)
    else:
        owe(notice, order, _why_nothing_is_given(order))


def _why_nothing_is_given(order: Order) -> str:
    if order.status == Status.PAID:
        return "The order is paid already: it was paid twice."
    return f"The order is {order.status}."


def _refunded(notice: PaymentNotice, order: Order) -> None:
    known = _counted_before(notice)
    payments, refunds = _counted(order)
    if elsewhere := [each for each in known if each.order_id != order.pk]:
        reason = f"{notice.reference} has gone back for order {elsewhere[0].order_id}."
        _conclude(notice, State.REFUSED, reason[:300])
    elif any(each.amount >= notice.amount for each in known) or _waits_already(notice):
        _conclude(notice, State.REPEATED)
    elif books.is_ambiguous(notice.reference, payments, refunds):
        _conclude(
            notice,
            State.REFUSED,
            "It may be a refund that is counted already under another name: a person decides.",
        )
    elif sum(each.amount for each in known) + books.kept(payments, refunds) < notice.amount:
        _before_its_payment(notice, order)
    else:
        for each in known:  # the same refund has grown since
            _conclude(each, State.REPEATED, "A later message says how much it has become.")
        _conclude(notice, State.PARTLY if notice.amount < order.total else State.APPLIED)
        _balance(order)


def _before_its_payment(notice: PaymentNotice, order: Order) -> None:
    waiting = PaymentNotice.objects.filter(
        order_id=order.pk, type=Type.SUCCEEDED, state=State.PENDING
    )
    if order.status in _MAY_BE_PAID or waiting.exists():
        _conclude(notice, State.AHEAD, "Waits for the payment that it pays back.")
    else:
        _conclude(notice, State.REFUSED, f"The order is {order.status}: nothing is to be refunded.")


def _balance(order: Order) -> None:
    """Bring order and notices to what the books say, in the transaction that holds the order."""
    payments, refunds = _counted(order)
    kept, paid = books.kept(payments, refunds), order.status == Status.PAID
    if refunds and not kept:
        change = lifecycle.REFUND if paid else lifecycle.REFUND_UNSERVED
        if change_status(change, [order.pk]):
            order.status, paid = Status.REFUNDED, False
    _note_due(order, books.due(kept, order.total, gives_goods=paid))
    _note_shares(books.shares(payments, refunds, gives_goods=paid))
    if refunds and books.is_settled(kept, order.total, gives_goods=paid):
        partly = PaymentNotice.objects.filter(pk__in=[each.key for each in refunds])
        partly.filter(state=State.PARTLY).update(state=State.APPLIED)


def _note_due(order: Order, due: Decimal | None) -> None:
    if order.refund_due != due:
        order.refund_due = due
        order.save(update_fields=["refund_due"])


def _note_shares(found: dict[int, Share]) -> None:
    for share in set(found.values()):
        state = _STATE_OF[share]
        keys = [key for key, each in found.items() if each is share]
        changed = PaymentNotice.objects.filter(pk__in=keys).exclude(state=state)
        if share is Share.SERVES:  # why nothing was given for it is no longer so
            changed.update(state=state, detail="")
        else:
            changed.update(state=state)


def _counted(order: Order) -> tuple[list[Money], list[Money]]:
    """Return the payments and the refunds of an order that count, the oldest first."""
    rows = PaymentNotice.objects.filter(order_id=order.pk, state__in=PaymentNotice.COUNTED)
    payments, refunds = [], []
    columns = "pk", "type", "reference", "amount", "state"
    for pk, type_, reference, amount, state in rows.order_by("pk").values_list(*columns):
        money = Money(pk, reference, amount, serves=state == State.APPLIED)
        if type_ == Type.SUCCEEDED:
            payments.append(money)
        elif type_ == Type.REFUNDED:
            refunds.append(money)
    return payments, refunds


def _counted_before(notice: PaymentNotice) -> list[PaymentNotice]:
    """Return the notices by which this money counts already, of whatever order.

    Within an order a name is enough: what a person notes by hand has no provider.
    """
    same = Q(provider=notice.provider) | Q(order_id=notice.order_id)
    rows = PaymentNotice.objects.filter(
        same, type=notice.type, reference=notice.reference, state__in=PaymentNotice.COUNTED
    )
    return list(rows.exclude(pk=notice.pk).order_by("pk"))


def _waits_already(notice: PaymentNotice) -> bool:
    """Tell whether an earlier message about the same money is still to be decided."""
    return PaymentNotice.objects.filter(
        pk__lt=notice.pk,
        provider=notice.provider,
        type=notice.type,
        order_id=notice.order_id,
        reference=notice.reference,
        amount__gte=notice.amount,
        state__in=(State.PENDING, State.AHEAD),
    ).exists()


def _settle_waiting_refunds(order: Order) -> None:
    waiting = PaymentNotice.objects.select_for_update().filter(
        order_id=order.pk, type=Type.REFUNDED, state=State.AHEAD
    )
    for notice in waiting.order_by("pk"):
        _decide(notice, order)


def _without_order(notice: PaymentNotice) -> None:
    """Decide a notice whose order is not in the ledger: on its way there, given up, or no order."""
    if selectors.record_on_its_way(notice.order_id):
        _conclude(notice, State.PENDING)  # without a word that is not so once the order is there
    elif order := _locked(notice.order_id):  # persisted between the two looks
        _decide(notice, order)
    elif not selectors.is_given_up(notice.order_id):
        _conclude(notice, State.UNMATCHED, "There is no such order.")
    elif notice.type != Type.SUCCEEDED:
        _without_goods(notice)
    elif _counted_before(notice) or _waits_already(notice):
        _conclude(notice, State.REPEATED)
    else:
        _conclude(notice, State.REFUND_DUE, GIVEN_UP)


def _without_goods(notice: PaymentNotice) -> None:
    """Work off what a provider says further of an order that was given up."""
    due = PaymentNotice.objects.filter(
        order_id=notice.order_id, type=Type.SUCCEEDED, state=State.REFUND_DUE
    )
    if notice.type == Type.FAILED:
        _conclude(notice, State.APPLIED)
    elif _counted_before(notice):
        _conclude(notice, State.REPEATED)
    elif payment := (due.filter(reference=notice.reference) or due.order_by("pk")).first():
        if notice.amount == payment.amount:
            _conclude(payment, State.PAID_BACK, GIVEN_UP)
        _conclude(notice, State.APPLIED if notice.amount == payment.amount else State.PARTLY)
    else:
        _conclude(notice, State.AHEAD, "Waits for the payment that it pays back.")


def _lock_references(notices: Iterable[PaymentNotice]) -> None:
    """Let two orders that one payment or refund names be decided one after the other."""
    names = sorted({f"{each.provider} {each.type} {each.reference}" for each in notices})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) name",
            [sql.array(names)],
        )


def _locked(order_id: UUID) -> Order | None:
    return Order.objects.select_for_update().filter(pk=order_id).first()


def _conclude(notice: PaymentNotice, state: PaymentNotice.State, detail: str = "") -> None:
    notice.state, notice.detail = state, detail
    notice.settled_at = None if state == State.PENDING else clock.now()
    notice.save(update_fields=["state", "detail", "settled_at"])
