"""Replies to orders: from an outcome to an HTTP response."""

import time
from random import randint

import msgspec

from inventory.reservation import (
    AcceptedBefore,
    BacklogFull,
    Closed,
    KeyReused,
    LimitReached,
    NoCounter,
    NotOpen,
    Outcome,
    SoldOut,
)
from orders.domain import OrderRecord, Status, format_order_id

from . import problems
from .headers import OrderHeaders
from .order_request import OrderRequest
from .problems import Problem
from .representation import encode_order, order_view

LONGEST_PAUSE = 3  # seconds, before a client asks again


class Reply(msgspec.Struct):
    """An HTTP response. `head` has the header lines as they go over the wire."""

    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header lines as ASGI takes them."""
        lines = (line.partition(b": ") for line in self.head.splitlines())
        return [(name, value) for name, _, value in lines]

    def add(self, name: bytes, value: bytes) -> None:
        """Add a header. Its parts have no line breaks: they are ours, or were checked."""
        self.head += b"%b: %b\r\n" % (name, value)


def first_persisted_status(held_until_ms: int) -> Status:
    """Return the status that an order has once it is persisted."""
    return Status.AWAITING_PAYMENT if held_until_ms else Status.CONFIRMED


def repeated_reply(headers: OrderHeaders, record: OrderRecord, first: AcceptedBefore) -> Reply:
    """Answer a repeated request as the first time, from its record."""
    prices = [int(price) for price in first.note.split(b",")]
    stored = msgspec.structs.replace(
        record,
        order_id=first.order_id,
        lines=[
            msgspec.structs.replace(line, unit_price=price)
            for line, price in zip(record.lines, prices, strict=True)
        ],
    )
    # Our own order id: the script ran twice because a connection broke in between. No replay then.
    is_replay = first.order_id != record.order_id
    if first.answered_persisted:
        status, code = first_persisted_status(first.held_until_ms), 201
    else:
        status, code = Status.ACCEPTED, 202
    reply = order_reply(headers, code, stored, first.now_ms, first.held_until_ms, status)
    if is_replay:
        reply.add(b"idempotent-replayed", b"true")
    return reply


def order_reply(
    headers: OrderHeaders,
    code: int,
    record: OrderRecord,
    now_ms: int,
    held_until_ms: int,
    status: str,
    waited: int = 0,
) -> Reply:
    """Answer with an order; `waited` is the Prefer: wait that was honoured, in seconds."""
    order_id = format_order_id(record.order_id)
    body = encode_order(
        order_view(
            order_id=order_id,
            sale=record.sale,
            customer=record.customer,
            email=record.email,
            status=status,
            lines=[(line.sku, line.quantity, line.unit_price) for line in record.lines],
            currency=record.currency,
            accepted_at_ms=now_ms,
            held_until_ms=held_until_ms,
            metadata=record.metadata_as_given,
        )
    )
    reply = plain_reply(headers, code, b"application/json", body)
    reply.add(b"location", b"/api/v1/orders/" + order_id.encode())
    if code == 202:
        reply.add(b"retry-after", b"1")
    if waited:
        reply.add(b"preference-applied", b"wait=%d" % waited)
    return reply


def refused_reply(headers: OrderHeaders, request: OrderRequest, outcome: Outcome) -> Reply:
    """Answer with the problem that an outcome other than acceptance is."""
    replayed = False
    match outcome:
        case SoldOut(shortages, replayed):
            problem = Problem(
                problems.SOLD_OUT, "Nothing was held.", _shortages(request, shortages)
            )
        case LimitReached(taken, limit, replayed):
            problem = Problem(
                problems.PURCHASE_LIMIT, f"The limit is {limit}, and {taken} are taken already."
            )
        case KeyReused():
            problem = Problem(problems.KEY_REUSED, "The key belongs to a different request.")
        case NotOpen(None):
            problem = Problem(problems.SALE_NOT_OPEN, f"Sale {request.sale} is paused.")
        case NotOpen(int(opens_at_ms)):
            seconds = max(1, -(-(opens_at_ms - time.time_ns() // 1_000_000) // 1000))
            problem = Problem(
                problems.SALE_NOT_OPEN,
                f"Sale {request.sale} is not open yet.",
                retry_after=seconds,
            )
        case Closed():
            problem = Problem(problems.SALE_CLOSED, f"Sale {request.sale} is closed.")
        case BacklogFull():
            problem = unavailable("Too many orders wait to be persisted.")
        case NoCounter(line):
            problem = unavailable(f"The stock of /lines/{line} is not loaded.")
        case _:
            raise TypeError(f"{outcome!r} is no refusal")
    reply = problem_reply(headers, problem)
    if replayed:
        reply.add(b"idempotent-replayed", b"true")
    return reply


def _shortages(request: OrderRequest, shortages: dict[int, int]) -> list[dict[str, object]]:
    return [
        {
            "pointer": f"/lines/{line}",
            "sku": request.lines[line].sku,
            "requested": request.lines[line].quantity,
            "available": available,
            "detail": "is sold out" if available == 0 else "has too few units left",
        }
        for line, available in shortages.items()
    ]


def unavailable(reason: str) -> Problem:
    """Return the problem of a request that was not decided, or perhaps was.

    Retry-After differs between replies: a server that comes back must not meet all of them at once.
    """
    return Problem(problems.UNAVAILABLE, reason, retry_after=randint(1, LONGEST_PAUSE))  # noqa: S311


def problem_reply(headers: OrderHeaders, problem: Problem) -> Reply:
    """Answer with a problem (RFC 9457)."""
    reply = plain_reply(headers, problem.type.status, problems.MEDIA_TYPE.encode(), problem.body())
    for name, value in problem.header_lines():
        reply.add(name.lower(), value)
    return reply


def plain_reply(headers: OrderHeaders, code: int, media_type: bytes, body: bytes) -> Reply:
    """Answer with `body`."""
    head = (
        b"content-type: %b\r\ncontent-length: %d\r\ncache-control: no-store\r\nx-request-id: %b\r\n"
    )
    return Reply(code, head % (media_type, len(body), headers.request_id.encode()), body)
