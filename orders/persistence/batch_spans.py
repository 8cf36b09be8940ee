"""The spans of a batch on its way into PostgreSQL: for batches that hold sampled orders."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from orders.domain import OrderRecord, format_order_id
from shop.core.tracing import process
from shop.core.tracing.traceparent import is_sampled

MOST_LINKS = 128  # of a span, as the SDK keeps them


@contextmanager
def batch_persisted(sale_id: int, orders: int, records: Iterable[OrderRecord]) -> Iterator[None]:
    """Record the block: a span with links to the sampled orders, and a span in each one's trace."""
    if process.active is None or not (sampled := _sampled(records)):
        yield
        return
    began = time.time_ns()
    try:
        yield
    except Exception as error:
        _record(sale_id, orders, sampled, began, error)
        raise
    _record(sale_id, orders, sampled, began, None)


def _sampled(records: Iterable[OrderRecord]) -> list[OrderRecord]:
    return list(islice((r for r in records if is_sampled(r.traceparent)), MOST_LINKS))


def _record(
    sale_id: int,
    orders: int,
    sampled: Sequence[OrderRecord],
    began: int,
    error: Exception | None,
) -> None:
    if (active := process.active) is None:
        return
    ended = time.time_ns()
    batch = active.record(
        "persist batch",
        kind="consumer",
        attributes={"shop.sale_id": sale_id, "shop.batch.orders": orders},
        links=[record.traceparent for record in sampled],
        start_ns=began,
        end_ns=ended,
        error=error,
    )
    for record in sampled:
        active.record(
            "persist order",
            parent=record.traceparent,
            attributes={
                "shop.order_id": format_order_id(record.order_id),
                "shop.sale": record.sale,
                "shop.batch.orders": orders,
            },
            links=[batch],
            start_ns=began,
            end_ns=ended,
            error=error,
        )
