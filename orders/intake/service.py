"""Placing an order: one function from (headers, body) to a reply, for whichever edge calls it."""

import hashlib
import logging
import time
import uuid
from functools import cache

import redis
from django.conf import settings

from inventory.counters import request_record
from inventory.reservation import Accepted, AcceptedBefore, Reservation
from orders import problems
from orders.domain import (
    LineRecord,
    OrderRecord,
    Status,
    encode_record,
    new_order_id,
    request_digest,
    request_fingerprint,
)
from orders.problems import Problem, Refused

from . import throttle
from .batcher import Batcher, NotJudged
from .directory import Client, Contents, Directory, DirectoryUnavailable, KnownSale
from .headers import (
    OrderHeaders,
    RawHeaders,
    is_json,
    read_headers,
    read_idempotency_key,
    read_wait,
)
from .memory import Memory
from .replies import (
    Reply,
    first_persisted_status,
    order_reply,
    problem_reply,
    refused_reply,
    repeated_reply,
    unavailable,
)
from .request import OrderRequest, decode_order
from .watch import StatusWatch

logger = logging.getLogger(__name__)


class Intake:
    """Takes orders for one process. Belongs to the event loop in which it is first used."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.watch = StatusWatch()
        self.memory = Memory()
        self._batcher = Batcher(self.directory, self.memory)

    async def close(self) -> None:
        """Finish the batches under way."""
        await self._batcher.close()
        await self.memory.close()

    async def place_order(self, raw_headers: RawHeaders, body: bytes | None) -> Reply:
        """Judge one order. `body` is None where it did not arrive in time.

        Every outcome is a reply: the contract's problems are raised as Refused inside and mapped
        here, and what cannot be judged is 503, never a made-up yes or no.
        """
        headers = read_headers(raw_headers)
        try:
            return await self._place(headers, body)
        except Refused as refused:
            return problem_reply(headers, refused.problem)
        except (NotJudged, DirectoryUnavailable) as error:
            return problem_reply(headers, unavailable(str(error) or "PostgreSQL is away."))
        except Exception:
            # Whether the order was taken is unknown here, and a repetition tells: that is a 503.
            logger.exception("an order failed [%s]", headers.request_id)
            return problem_reply(headers, unavailable("Something failed on our side."))

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

    async def _place(self, headers: OrderHeaders, body: bytes | None) -> Reply:
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
            self.memory.note(sale.id, record.order_id, client.id)
            return await self._accepted(headers, record, reservation, outcome)
        if isinstance(outcome, AcceptedBefore):
            return repeated_reply(headers, record, outcome)
        return refused_reply(headers, request, outcome)

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
        self,
        headers: OrderHeaders,
        record: OrderRecord,
        reservation: Reservation,
        outcome: Accepted,
    ) -> Reply:
        seconds = read_wait(headers.prefer)
        if seconds:
            status = await self.watch.next_status(
                uuid.UUID(bytes=record.order_id), Status.ACCEPTED, seconds
            )
            if status is not None:
                await self._remember_answer(record, reservation, outcome, status)
                return order_reply(
                    headers, 201, record, outcome.now_ms, outcome.held_until_ms, status, seconds
                )
        return order_reply(
            headers, 202, record, outcome.now_ms, outcome.held_until_ms, Status.ACCEPTED
        )

    async def _remember_answer(
        self, record: OrderRecord, reservation: Reservation, outcome: Accepted, status: str
    ) -> None:
        """Note that the first answer was 201, so that a repeated request is told the same."""
        if status != first_persisted_status(outcome.held_until_ms):
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


def _checked_body(headers: OrderHeaders, body: bytes | None) -> bytes:
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
