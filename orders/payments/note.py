"""Payment messages are written down, many at once, and applied by a task after that.

The provider is answered once its message is on record. A payment is in time or late by the moment
at which it was received, however long it then takes until it is applied.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec
import redis
from django.db import DataError, transaction

from inventory import outbox
from inventory.money import from_minor, with_currency
from orders.domain import OrderRecord, PaymentMessageType, decode_record, sale_id_of
from orders.errors import MessageChanged, OrderUnknown, PaymentMismatch
from orders.models import DeadLetter, PaymentNotice, ProviderMessage
from orders.task_names import SETTLE_PAYMENTS
from shop.core import clock
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit

from .provider_message import PaymentMessage, Unacted
from .settle import settle

SQL = Path(__file__).parent / "sql"
KEPT = "kept"
_COLUMNS = (
    "provider notice_id digest type order_id amount currency reference state detail received_at"
).split()
_State = PaymentNotice.State
_Kind = ProviderMessage.Kind
_Id = tuple[str, str]  # the provider, and its id of the message


@dataclass(frozen=True, slots=True)
class Noted:
    """A message that is on record, now or since it first came."""

    notice_id: str
    state: str  # of the notice; KEPT: of what no program acts on


Message = PaymentMessage | Unacted
Answer = Noted | OrderUnknown | PaymentMismatch | MessageChanged | redis.RedisError


class _Row(NamedTuple):
    """The record of a message."""

    state: str
    detail: str
    digest: bytes | None  # None: it was written down before there were digests


class _Price(NamedTuple):
    """The price of an order, wherever on its way the order is."""

    total: Decimal
    currency: str
    is_given_up: bool = False
    is_in_outbox: bool = False  # it has no row yet that could be locked


def note_payment(message: PaymentMessage) -> PaymentNotice:
    """Write one message down, and apply it to its order at once.

    A message that comes again changes nothing. Raises OrderUnknown, PaymentMismatch and
    MessageChanged, after the message is kept for a person to look at; redis.RedisError where the
    order may be one that Redis alone knows.
    """
    [answer] = note([message])
    if isinstance(answer, OrderUnknown | MessageChanged | redis.RedisError):
        raise answer
    with transaction.atomic():
        rows = PaymentNotice.objects.select_for_update()
        notice = rows.get(provider=message.provider, notice_id=message.notice_id)
        if notice.state == _State.PENDING:
            settle(notice)
    if isinstance(answer, PaymentMismatch):
        raise answer
    if notice.state == _State.REFUSED:
        raise PaymentMismatch(notice.detail)
    return notice


def note(messages: Sequence[Message]) -> list[Answer]:
    """Write messages down, in one transaction, and return the answer to the sender of each.

    A message that PostgreSQL cannot hold fails alone. Raises django.db.DatabaseError where
    nothing can be written, and nothing was.
    """
    try:
        with transaction.atomic():
            return _note(messages)
    except DataError as error:
        if len(messages) == 1:
            return [PaymentMismatch(f"It cannot be kept: {error}"[:300])]
        middle = len(messages) // 2
        return [*note(messages[:middle]), *note(messages[middle:])]


def _note(messages: Sequence[Message]) -> list[Answer]:
    payments = [each for each in messages if isinstance(each, PaymentMessage)]
    noted = iter(_note_payments(payments) if payments else [])
    answers = [
        next(noted) if isinstance(each, PaymentMessage) else _keep(each) for each in messages
    ]
    for message, answer in zip(messages, answers, strict=True):
        if isinstance(answer, MessageChanged):
            _write_down(message, _Kind.CHANGED)
    return answers


# --- Payments -------------------------------------------------------------------------------------


def _note_payments(payments: Sequence[PaymentMessage]) -> list[Answer]:
    prices, trouble = _prices({each.order_id for each in payments})
    kept_otherwise = _kept_otherwise(payments)
    fitting = [
        each
        for each in payments
        if _id(each) not in kept_otherwise and not _may_lose_its_unit(each, prices)
    ]
    rows = _insert(_firsts(fitting, prices, trouble), prices)
    known = _on_record({_id(each) for each in payments} - rows.keys())
    answers: list[Answer] = []
    for each in payments:
        row, price = rows.get(_id(each)) or known.get(_id(each)), prices.get(each.order_id)
        if _id(each) in kept_otherwise or (row and not _says_the_same(row, each)):
            answers.append(MessageChanged(each.notice_id))
            continue
        if row and row.state == _State.UNMATCHED and price and not _may_lose_its_unit(each, prices):
            row = rows[_id(each)] = _decide_anew(each, price)
        answers.append(_answer(each, row, price, trouble))
    if any(row.state == _State.PENDING for row in rows.values()):
        send_on_commit(SETTLE_PAYMENTS)
    return answers


def _answer(
    message: PaymentMessage,
    row: _Row | None,
    price: _Price | None,
    trouble: redis.RedisError | None,
) -> Answer:
    if row is None or (trouble and row.state == _State.UNMATCHED):
        return trouble or redis.ConnectionError("Redis did not mark the order as being paid.")
    if row.state == _State.UNMATCHED:
        return OrderUnknown(message.order_id)
    if price and (refusal := _refusal(message, price)):
        return PaymentMismatch(refusal)
    return Noted(message.notice_id, row.state)


def _may_lose_its_unit(message: PaymentMessage, prices: Mapping[UUID, _Price]) -> bool:
    """Tell whether an order's hold may end before the payment is on record: then it is not taken.

    An order with a row is locked by now: it has released its units already, or will not. One
    without a row could be persisted and expired before this transaction ends, were it not for
    its mark.
    """
    price = prices.get(message.order_id)
    return message.is_unmarked and price is not None and price.is_in_outbox


def _firsts(
    payments: Iterable[PaymentMessage], prices: Collection[UUID], trouble: redis.RedisError | None
) -> list[PaymentMessage]:
    """Return the first message under each id that can be decided now, in the sequence of the ids.

    Two that note the same ones at the same time then wait for each other in one direction only.
    """
    firsts: dict[_Id, PaymentMessage] = {}
    for each in payments:
        if trouble is None or each.order_id in prices:
            firsts.setdefault(_id(each), each)
    return [firsts[key] for key in sorted(firsts)]


def _insert(payments: Sequence[PaymentMessage], prices: dict[UUID, _Price]) -> dict[_Id, _Row]:
    """Write down what is not on record yet. Returns that, by id."""
    if not payments:
        return {}
    decided = [(each, *_verdict(each, prices.get(each.order_id))) for each in payments]
    now = clock.now()
    columns = [
        (
            each.provider,
            each.notice_id,
            each.digest.hex() if each.is_from_provider else None,
            each.type.value,
            str(each.order_id),
            from_minor(each.amount, each.currency),
            each.currency,
            each.reference,
            state.value,
            detail,
            (each.received_at or now).isoformat(),
        )
        for each, state, detail in decided
    ]
    written = set(
        sql.run(SQL / "insert_notices.sql", {**sql.columns(_COLUMNS, columns), "now": now})
    )
    fresh = [(each, state, detail) for each, state, detail in decided if _id(each) in written]
    rows = {_id(each): _Row(state, detail, each.digest) for each, state, detail in fresh}
    for each, state, _ in fresh:
        if state == _State.PENDING and prices[each.order_id].is_given_up:
            rows[_id(each)] = _settle(each)  # no task will: there is no order to apply it to
    return rows


def _verdict(message: PaymentMessage, price: _Price | None) -> tuple[PaymentNotice.State, str]:
    if price is None:
        return _State.UNMATCHED, "There is no such order."
    refusal = _refusal(message, price)
    if refusal and not _is_a_part(message, price):
        return _State.REFUSED, refusal
    return _State.PENDING, ""


def _refusal(message: PaymentMessage, price: _Price) -> str:
    """Return why the sender is refused, "" where it is not."""
    if (from_minor(message.amount, message.currency), message.currency) == (
        price.total,
        price.currency,
    ):
        return ""
    return f"The order is over {with_currency(price.total, price.currency)}."


def _is_a_part(message: PaymentMessage, price: _Price) -> bool:
    """Tell whether a part of the money went back: its sender is refused, and yet it is counted."""
    amount = from_minor(message.amount, message.currency)
    same_currency = message.currency == price.currency
    return (
        message.type is PaymentMessageType.REFUNDED and same_currency and 0 < amount < price.total
    )


def _decide_anew(message: PaymentMessage, price: _Price) -> _Row:
    """Decide on a message that comes again, whose order was not known at first."""
    state, detail = _verdict(message, price)
    # Received now: when it came first, its sender was not told that it would count.
    sql.run(
        SQL / "decide_notice_anew.sql",
        {
            "provider": message.provider,
            "notice_id": message.notice_id,
            "state": state.value,
            "detail": detail,
            "received_at": message.received_at or clock.now(),
            "now": clock.now(),
        },
    )
    if state == _State.PENDING and price.is_given_up:
        return _settle(message)
    return _Row(state, detail, message.digest)


def _settle(message: PaymentMessage) -> _Row:
    rows = PaymentNotice.objects.select_for_update()
    notice = rows.get(provider=message.provider, notice_id=message.notice_id)
    if notice.state == _State.PENDING:
        settle(notice)
    return _Row(notice.state, notice.detail, message.digest)


def _on_record(ids: Collection[_Id]) -> dict[_Id, _Row]:
    """Return what is on record under those ids."""
    if not ids:
        return {}
    rows = PaymentNotice.objects.filter(
        provider__in={provider for provider, _ in ids}, notice_id__in=[each for _, each in ids]
    ).values_list("provider", "notice_id", "state", "detail", "digest")
    return {
        (provider, notice_id): _Row(state, detail, bytes(digest) if digest else None)
        for provider, notice_id, state, detail, digest in rows
    }


def _says_the_same(row: _Row, message: PaymentMessage) -> bool:
    return row.digest is None or row.digest == message.digest


# --- What they cost -------------------------------------------------------------------------------


def _prices(ids: Collection[UUID]) -> tuple[dict[UUID, _Price], redis.RedisError | None]:
    """Return what these orders cost, as far as they are known, from wherever they are by now.

    Where Redis does not answer, its error comes with them: what is missing may be an order.
    """
    found = _in_ledger(ids)
    if missing := [each for each in ids if each not in found]:
        found |= _in_letters(missing)
        try:
            found |= _in_outboxes([each for each in missing if each not in found])
        except redis.RedisError as error:
            return found, error
        # Persisted between the two looks.
        found |= _in_ledger([each for each in missing if each not in found])
    return found, None


def _in_ledger(ids: Collection[UUID]) -> dict[UUID, _Price]:
    """Return what orders in the ledger cost, and let none of them expire before the commit.

    Expiry locks an order and then looks for its payments. So either it sees this one, or this one
    waits here and comes too late.
    """
    if not ids:
        return {}
    rows = sql.run(SQL / "share_orders.sql", {"order_ids": sql.array(map(str, ids))})
    return {pk: _Price(total, currency) for pk, total, currency in rows}


def _in_letters(ids: Collection[UUID]) -> dict[UUID, _Price]:
    resolutions = ("", DeadLetter.Resolution.REJECTED)
    letters = DeadLetter.objects.filter(order_id__in=ids, resolution__in=resolutions)
    found = {}
    for order_id, payload, resolution in letters.values_list("order_id", "payload", "resolution"):
        price = _price_of(bytes(payload), is_given_up=bool(resolution))
        if order_id and price:
            found[order_id] = price
    return found


def _in_outboxes(ids: Collection[UUID]) -> dict[UUID, _Price]:
    of_sale = [(sale_id, each.bytes) for each in ids if (sale_id := sale_id_of(each))]
    entries = outbox.find_all(of_sale).items() if of_sale else []
    priced = ((order_id, _price_of(entry.payload)) for order_id, entry in entries)
    return {
        UUID(bytes=order_id): price._replace(is_in_outbox=True)
        for order_id, price in priced
        if price
    }


def _price_of(payload: bytes, *, is_given_up: bool = False) -> _Price | None:
    """Return what a record's order costs, None where it cannot be read."""
    try:
        record: OrderRecord = decode_record(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _Price(from_minor(record.total, record.currency), record.currency, is_given_up)


# --- What a person has to read --------------------------------------------------------------------


def _kept_otherwise(payments: Sequence[PaymentMessage]) -> set[_Id]:
    """Return the ids under which another message is kept, that no program acts on."""
    kept = ProviderMessage.objects.filter(
        notice_id__in=[each.notice_id for each in payments], kind=_Kind.MONEY
    )
    return set(kept.values_list("provider", "notice_id"))


def _keep(message: Unacted) -> Answer:
    """Keep what concerns money and no program acts on, once for each id."""
    same = {"provider": message.provider, "notice_id": message.notice_id}
    known = ProviderMessage.objects.filter(**same, kind=_Kind.MONEY).values_list(
        "digest", flat=True
    )
    is_payment = PaymentNotice.objects.filter(**same).exists()
    if is_payment or any(bytes(digest) != message.digest for digest in known):
        return MessageChanged(message.notice_id)
    _write_down(message, _Kind.MONEY)
    return Noted(message.notice_id, KEPT)


def _write_down(message: Message, kind: ProviderMessage.Kind) -> None:
    row = ProviderMessage(
        provider=message.provider,
        notice_id=message.notice_id,
        digest=message.digest,
        kind=kind,
        type=_printable(str(message.type))[:64],
        order_id=message.order_id,
        body=_printable(message.body.decode(errors="replace")),
        received_at=message.received_at or clock.now(),
    )
    ProviderMessage.objects.bulk_create([row], ignore_conflicts=True)


def _printable(text: str) -> str:
    """Return `text` as a text column takes it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _id(message: PaymentMessage) -> _Id:
    return message.provider, message.notice_id
