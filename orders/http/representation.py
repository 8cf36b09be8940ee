"""An order as the API writes it."""

from collections.abc import Sequence

import msgspec

from inventory.money import format_minor
from shop.core.clock import rfc3339


class LineView(msgspec.Struct, frozen=True, gc=False):
    """One line of an order as the API shows it."""

    sku: str
    quantity: int
    unit_price: str


class OrderView(msgspec.Struct, frozen=True, gc=False):
    """An order as the API shows it; amounts are exact decimals, times are RFC 3339."""

    id: str
    sale: str
    customer: str
    email: str | None
    status: str
    lines: list[LineView]
    total: str
    currency: str
    created_at: str
    hold_expires_at: str | None
    metadata: msgspec.Raw  # as the client wrote it
    refund_due: str | msgspec.UnsetType = msgspec.UNSET  # only where money has to go back


_encoder = msgspec.json.Encoder()
_NO_METADATA = msgspec.Raw(b"{}")


def encode_order(view: OrderView) -> bytes:
    """Return an order as JSON."""
    return _encoder.encode(view)


def order_view(
    *,
    order_id: str,
    sale: str,
    customer: str,
    email: str,
    status: str,
    lines: Sequence[tuple[str, int, int]],
    currency: str,
    accepted_at_ms: int,
    held_until_ms: int,
    metadata: str,
    refund_due: int = 0,
) -> OrderView:
    """Return an order for the API; amounts are in minor units.

    `email` is "" for none; `metadata` is JSON as text; `lines` is (SKU, quantity, unit price).
    """
    return OrderView(
        id=order_id,
        sale=sale,
        customer=customer,
        email=email or None,
        status=status,
        lines=[
            LineView(sku, quantity, format_minor(price, currency)) for sku, quantity, price in lines
        ],
        total=format_minor(sum(quantity * price for _, quantity, price in lines), currency),
        currency=currency,
        created_at=rfc3339(accepted_at_ms),
        hold_expires_at=rfc3339(held_until_ms) if held_until_ms else None,
        metadata=_NO_METADATA if metadata == "{}" else msgspec.Raw(metadata),
        refund_due=format_minor(refund_due, currency) if refund_due else msgspec.UNSET,
    )
