"""Admission: from a request to a reservation, as far as this process can check it."""

import time
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings

from inventory.money import from_minor
from inventory.reservation import Reservation
from orders.domain import (
    LineRecord,
    OrderRecord,
    earlier_metadata,
    encode_record,
    new_order_id,
    request_digest,
    request_fingerprint,
)
from orders.http import problems
from orders.http.decoding import field_error
from orders.http.headers import OrderHeaders, is_json, read_idempotency_key
from orders.http.order_request import Given, OrderRequest, decode_order
from orders.http.problems import Problem, Refused
from orders.reads.known import NotCached, require_sale
from orders.reads.reference_cache import Client, KnownSale, Snapshot

from . import order_spans

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class Admitted(msgspec.Struct, frozen=True):
    """An order that is in order; the counters have the last word."""

    headers: OrderHeaders
    request: OrderRequest
    sale: KnownSale
    record: OrderRecord
    reservation: Reservation
    span: "Span | None"  # to be ended with the answer, where this order is sampled


def admit(
    snapshot: Snapshot, client: Client, headers: OrderHeaders, body: bytes | None
) -> Admitted:
    """Check all else of a request that can be checked here. `body` is None where it did not come.

    May be repeated with a newer snapshot. Raises Refused, NotCached.
    """
    key = read_idempotency_key(headers.idempotency_keys)
    given = decode_order(_checked_body(headers, body))
    sale = _find_sale(snapshot, given.order)
    span = order_spans.order_begun(headers.traceparent)
    record, reservation = _prepare(client, key, headers, sale, given, span)
    return Admitted(headers, given.order, sale, record, reservation, span)


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


def _find_sale(snapshot: Snapshot, request: OrderRequest) -> KnownSale:
    """Return the sale with all SKUs of the request. Raises Refused, NotCached."""
    sale = require_sale(snapshot, request.sale)
    if sale.id not in snapshot.on_record:
        raise Refused(Problem(problems.SALE_CLOSED, f"Sale {sale.slug} is closed."))
    unknown = [
        {"pointer": f"/lines/{index}/sku", "sku": line.sku, "detail": "is not in this sale"}
        for index, line in enumerate(request.lines)
        if line.sku not in sale.skus
    ]
    if unknown:
        raise NotCached(
            Problem(problems.UNKNOWN_SKU, f"Sale {sale.slug} does not offer all SKUs.", unknown)
        )
    return sale


_FEW = 500_000  # units a line, whose total fits at any price
_MAX_TOTAL = 10**15  # PostgreSQL's numeric(19,4), excluded


def _check_total(lines: list[LineRecord], currency: str) -> None:
    """Raises Refused where the ledger could not hold the order's total."""
    total = sum(line.quantity * line.unit_price for line in lines)
    if from_minor(total, currency) >= _MAX_TOTAL:
        detail = f"come to more than {_MAX_TOTAL - 1:,} {currency}"
        errors = [field_error("/lines", detail)]
        raise Refused(Problem(problems.INVALID_REQUEST, "Some fields are not valid.", errors))


def _prepare(
    client: Client,
    key: str,
    headers: OrderHeaders,
    sale: KnownSale,
    given: Given,
    span: "Span | None",
) -> tuple[OrderRecord, Reservation]:
    recorded_in = order_spans.traceparent_of(span) if span is not None else ""
    lines = [
        LineRecord(sku.allocation_id, line.sku, line.quantity, sku.unit_price)
        for line in given.order.lines
        for sku in (sale.skus[line.sku],)
    ]
    if any(line.quantity > _FEW for line in lines):
        _check_total(lines, sale.currency)
    fingerprint = request_fingerprint(given.canonical)
    record = OrderRecord(
        order_id=new_order_id(sale.id, time.time_ns() // 1_000_000),
        client_id=client.id,
        sale_id=sale.id,
        sale=sale.slug,
        request_key=key,
        fingerprint=fingerprint,
        customer=given.order.customer,
        email=given.order.email or "",
        currency=sale.currency,
        lines=lines,
        metadata=earlier_metadata(given.metadata),
        metadata_text=given.metadata,
        http_request_id=headers.request_id,
        traceparent=recorded_in or headers.traceparent,
    )
    return record, Reservation(
        digest=request_digest(client.id, key),
        fingerprint=fingerprint,
        order_id=record.order_id,
        customer=given.order.customer,
        note=b",".join(b"%d" % line.unit_price for line in lines),
        payload=encode_record(record),
        lines=[(line.allocation_id, line.quantity) for line in lines],
        traceparent=recorded_in,
        is_free=not any(line.unit_price for line in lines),
    )
