"""Placing an order: one function from (headers, body) to a reply, for whichever edge calls it."""

import hashlib
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import msgspec
import redis
from django.conf import settings

from inventory.counters import request_record
from inventory.domain import (
    Accepted,
    AcceptedBefore,
    BacklogFull,
    Closed,
    KeyReused,
    LimitReached,
    NoCounter,
    NotOpen,
    Outcome,
    Reservation,
    SoldOut,
)
from orders import problems
from orders.domain import (
    LineRecord,
    OrderRecord,
    Status,
    encode_record,
    format_order_id,
    new_order_id,
    request_digest,
    request_fingerprint,
)
from orders.problems import Problem
from orders.representation import encode_order, order_view
from shop.core.request_id import sane_request_id

from . import throttle
from .batcher import Batcher, NotJudged
from .directory import Client, Contents, Directory, DirectoryUnavailable, KnownSale
from .request import (
    OrderRequest,
    Refused,
    decode_order,
    is_json,
    read_idempotency_key,
    read_wait,
)
from .watch import StatusWatch

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Headers:
    """The request headers that an order is judged by."""

    authorization: bytes
    content_type: bytes
    idempotency_keys: list[bytes]
    prefer: list[bytes]
    request_id: str


class Intake:
    """Takes orders for one process. Belongs to the event loop in which it is first used."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.watch = StatusWatch()
        self._batcher = Batcher(self.directory)

    async def close(self) -> None:
        """Finish the batches under way."""
        await self._batcher.close()

    async def place_order(self, raw_headers: RawHeaders, body: bytes | None) -> Reply:
        """Judge one order. `body` is None where it did not arrive in time.

        Every outcome is a reply: the contract's problems are raised as Refused inside and mapped
        here, and what cannot be judged is 503, never a made-up yes or no.
        """
        headers = _read_headers(raw_headers)
        try:
            return await self._place(headers, body)
        except Refused as refused:
            return _problem_reply(headers, refused.problem)
        except (NotJudged, DirectoryUnavailable) as error:
            return _problem_reply(headers, _unavailable(str(error) or "PostgreSQL is away."))

    async def authenticate(self, authorization: bytes) -> Client:
        """Return the client whose key an Authorization header gives. Raises Refused."""
        scheme, _, key = authorization.strip().partition(b" ")
        if scheme.lower() != b"bearer" or not key.strip():
            raise Refused(Problem(problems.UNAUTHENTICATED, "The API key is missing."))
        key_hash = hashlib.sha256(key.strip()).hexdigest()
        client = (await self.directory.current()).clients.get(key_hash) or (
            await self.directory.newer()
        ).clients.get(key_hash)
        if client is None:
            raise Refused(Problem(problems.UNAUTHENTICATED, "The API key is not known."))
        return client

    async def _place(self, headers: _Headers, body: bytes | None) -> Reply:
        client = await self.authenticate(headers.authorization)
        if not throttle.allows(client):
            raise Refused(
                Problem(problems.RATE_LIMITED, "Too many orders a second.", retry_after=1)
            )
        key = read_idempotency_key(headers.idempotency_keys)
        request = decode_order(_checked_body(headers, body))
        sale = await self._find_sale(request)
        record, reservation = _prepare(client, key, headers.request_id, sale, request)
        outcome = await self._batcher.reserve(sale.id, sale.slug, reservation)

        if isinstance(outcome, Accepted):
            return await self._accepted(headers, record, reservation, outcome)
        if isinstance(outcome, AcceptedBefore):
            return _replayed(headers, record, outcome)
        return _refused_reply(headers, request, outcome)

    async def _find_sale(self, request: OrderRequest) -> KnownSale:
        """Return the sale with all SKUs of the request. Raises Refused."""
        contents = await self.directory.current()
        if not _offers_all(contents, request):
            contents = await self.directory.newer()
        sale = contents.sales.get(request.sale)
        if sale is None:
            raise Refused(Problem(problems.UNKNOWN_SALE, f"There is no sale {request.sale!r}."))
        if sale.id not in contents.on_record:
            raise Refused(Problem(problems.SALE_CLOSED, f"Sale {sale.slug} is closed."))
        unknown = [
            {"pointer": f"/lines/{index}/sku", "sku": line.sku, "detail": "is not in this sale"}
            for index, line in enumerate(request.lines)
            if line.sku not in sale.skus
        ]
        if unknown:
            raise Refused(
                Problem(problems.UNKNOWN_SKU, f"Sale {sale.slug} does not offer all SKUs.", unknown)
            )
        return sale

    async def _accepted(
        self, headers: _Headers, record: OrderRecord, reservation: Reservation, outcome: Accepted
    ) -> Reply:
        seconds = read_wait(headers.prefer)
        if seconds:
            status = await self.watch.next_status(
                uuid.UUID(bytes=record.order_id), Status.ACCEPTED, seconds
            )
            if status is not None:
                await self._remember_answer(record, reservation, outcome, status)
                return _order_reply(
                    headers, 201, record, outcome.now_ms, outcome.held_until_ms, status, seconds
                )
        return _order_reply(
            headers, 202, record, outcome.now_ms, outcome.held_until_ms, Status.ACCEPTED
        )

    async def _remember_answer(
        self, record: OrderRecord, reservation: Reservation, outcome: Accepted, status: str
    ) -> None:
        """Note that the first answer was 201, so that a repeated request is told the same."""
        if status != _first_persisted_status(outcome.held_until_ms):
            return
        try:
            await self._batcher.mark_answered_persisted(
                record.sale_id,
                reservation.digest,
                request_record(
                    fingerprint=reservation.fingerprint,
                    order_id=reservation.order_id,
                    now_ms=outcome.now_ms,
                    held_until_ms=outcome.held_until_ms,
                    note=reservation.note,
                    persisted=True,
                ),
            )
        except redis.RedisError as error:
            raise NotJudged("Redis did not answer.") from error


@cache
def intake() -> Intake:
    """Return this process's intake."""
    return Intake()


# --- From a request to what the counters are asked ----------------------------------------------


def _read_headers(raw: RawHeaders) -> _Headers:
    authorization = content_type = request_id = b""
    keys: list[bytes] = []
    prefer: list[bytes] = []
    for name, value in raw:
        if name == b"authorization":
            authorization = value
        elif name == b"content-type":
            content_type = value
        elif name == b"idempotency-key":
            keys.append(value)
        elif name == b"prefer":
            prefer.append(value)
        elif name == b"x-request-id":
            request_id = value
    return _Headers(authorization, content_type, keys, prefer, sane_request_id(request_id))


def _checked_body(headers: _Headers, body: bytes | None) -> bytes:
    if not is_json(headers.content_type):
        raise Refused(
            Problem(problems.UNSUPPORTED_MEDIA_TYPE, "An order is sent as application/json.")
        )
    if body is None:
        raise Refused(
            Problem(
                problems.BODY_TIMEOUT,
                f"The body took over {settings.INTAKE_BODY_TIMEOUT_SECONDS:.0f} seconds.",
            )
        )
    if len(body) > settings.INTAKE_MAX_BODY_BYTES:
        raise Refused(
            Problem(
                problems.BODY_TOO_LARGE,
                f"An order has at most {settings.INTAKE_MAX_BODY_BYTES} bytes.",
            )
        )
    return body


def _offers_all(contents: Contents, request: OrderRequest) -> bool:
    sale = contents.sales.get(request.sale)
    return sale is not None and all(line.sku in sale.skus for line in request.lines)


def _prepare(
    client: Client, key: str, http_request_id: str, sale: KnownSale, request: OrderRequest
) -> tuple[OrderRecord, Reservation]:
    lines = [
        LineRecord(sku.allocation_id, line.sku, line.quantity, sku.unit_price)
        for line in request.lines
        for sku in (sale.skus[line.sku],)
    ]
    fingerprint = request_fingerprint(request)
    record = OrderRecord(
        order_id=new_order_id(sale.id, time.time_ns() // 1_000_000),
        client_id=client.id,
        sale_id=sale.id,
        sale=sale.slug,
        request_key=key,
        fingerprint=fingerprint,
        customer=request.customer,
        email=request.email or "",
        currency=sale.currency,
        lines=lines,
        metadata=request.metadata or {},
        http_request_id=http_request_id,
    )
    return record, Reservation(
        digest=request_digest(client.id, key),
        fingerprint=fingerprint,
        order_id=record.order_id,
        customer=request.customer,
        note=b",".join(b"%d" % line.unit_price for line in lines),
        payload=encode_record(record),
        lines=[(line.allocation_id, line.quantity) for line in lines],
    )


# --- From an outcome to a reply -----------------------------------------------------------------


def _first_persisted_status(held_until_ms: int) -> Status:
    return Status.AWAITING_PAYMENT if held_until_ms else Status.CONFIRMED


def _replayed(headers: _Headers, record: OrderRecord, first: AcceptedBefore) -> Reply:
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
    replayed = first.order_id != record.order_id
    if first.answered_persisted:
        status, code = _first_persisted_status(first.held_until_ms), 201
    else:
        status, code = Status.ACCEPTED, 202
    reply = _order_reply(headers, code, stored, first.now_ms, first.held_until_ms, status)
    if replayed:
        reply.headers.append((b"idempotent-replayed", b"true"))
    return reply


def _order_reply(
    headers: _Headers,
    code: int,
    record: OrderRecord,
    now_ms: int,
    held_until_ms: int,
    status: str,
    waited: int = 0,
) -> Reply:
    order_id = format_order_id(record.order_id)
    body = encode_order(
        order_view(
            order_id=order_id,
            sale=record.sale,
            customer=record.customer,
            status=status,
            lines=[(line.sku, line.quantity, line.unit_price) for line in record.lines],
            currency=record.currency,
            accepted_at_ms=now_ms,
            held_until_ms=held_until_ms,
            metadata=record.metadata,
        )
    )
    reply = _reply(headers, code, b"application/json", body)
    reply.headers.append((b"location", b"/api/v1/orders/" + order_id.encode()))
    if code == 202:
        reply.headers.append((b"retry-after", b"1"))
    if waited:
        reply.headers.append((b"preference-applied", b"wait=%d" % waited))
    return reply


def _refused_reply(headers: _Headers, request: OrderRequest, outcome: Outcome) -> Reply:
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
            problem = _unavailable("Too many orders wait to be persisted.")
        case NoCounter(line):
            problem = _unavailable(f"The stock of /lines/{line} is not loaded.")
        case _:
            raise TypeError(f"{outcome!r} is no refusal")
    reply = _problem_reply(headers, problem)
    if replayed:
        reply.headers.append((b"idempotent-replayed", b"true"))
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


def _unavailable(reason: str) -> Problem:
    return Problem(problems.UNAVAILABLE, reason, retry_after=1)


def _problem_reply(headers: _Headers, problem: Problem) -> Reply:
    reply = _reply(headers, problem.type.status, problems.MEDIA_TYPE.encode(), problem.body())
    if problem.retry_after is not None:
        reply.headers.append((b"retry-after", b"%d" % problem.retry_after))
    if problem.type is problems.UNAUTHENTICATED:
        reply.headers.append((b"www-authenticate", b"Bearer"))
    return reply


def _reply(headers: _Headers, code: int, media_type: bytes, body: bytes) -> Reply:
    return Reply(
        code,
        [
            (b"content-type", media_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-request-id", headers.request_id.encode()),
        ],
        body,
    )
