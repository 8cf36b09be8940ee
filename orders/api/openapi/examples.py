"""Examples of bodies: orders as they are sent and answered, a sale, the health checks."""

import msgspec

from inventory.domain import SaleState
from orders.domain import Status
from orders.representation import order_view

from .shapes import Check, Json, Liveness, Readiness, SaleView, SkuView

# The demo sale of `make up`: where it runs, the examples can be sent as they are.
DEMO_SALE, DEMO_SKU, OTHER_DEMO_SKU = "demo-drop", "TEE-BLACK", "TEE-WHITE"
DEMO_ORDER = "019ac542-4c7b-8000-8004-9d3f1c5e7a21"

_METADATA = {"basket": "b-4711"}
_HELD_UNTIL_MS = 1_795_781_400_123


def _order(status: Status, held_until_ms: int) -> Json:
    view = order_view(
        order_id=DEMO_ORDER,
        sale=DEMO_SALE,
        customer="ada",
        status=status.value,
        lines=[(DEMO_SKU, 1, 2500), (OTHER_DEMO_SKU, 2, 2500)],
        currency="EUR",
        accepted_at_ms=1_795_780_800_123,
        held_until_ms=held_until_ms,
        metadata=_METADATA,
    )
    return {"summary": status.value, "value": msgspec.to_builtins(view)}


def _readiness(**failing: str) -> Json:
    said = {
        "postgresql": "ok",
        "redis": "ok",
        "durability": "always: an accepted order survives a crash of Redis and of its machine",
        "eviction": "noeviction",
        "worker": "last sweep 0.4 s ago",
    } | failing
    view = Readiness(
        status="not ready" if failing else "ready",
        failing=list(failing),
        checks={name: Check(name not in failing, text) for name, text in said.items()},
    )
    return {"value": msgspec.to_builtins(view)}


ORDER_REQUESTS: Json = {
    "small": {
        "summary": "One unit",
        "value": {
            "sale": DEMO_SALE,
            "customer": "ada",
            "lines": [{"sku": DEMO_SKU, "quantity": 1}],
        },
    },
    "full": {
        "summary": "Two SKUs, a mail address for the confirmation, and metadata",
        "value": {
            "sale": DEMO_SALE,
            "customer": "ada",
            "email": "ada@example.com",
            "lines": [
                {"sku": DEMO_SKU, "quantity": 1},
                {"sku": OTHER_DEMO_SKU, "quantity": 2},
            ],
            "metadata": _METADATA,
        },
    },
}
ORDER_ACCEPTED = {"accepted": _order(Status.ACCEPTED, _HELD_UNTIL_MS)}
ORDERS_PERSISTED = {
    "awaiting_payment": _order(Status.AWAITING_PAYMENT, _HELD_UNTIL_MS),
    "confirmed": _order(Status.CONFIRMED, 0),
}

_OPEN_SALE = SaleView(
    sale=DEMO_SALE,
    state=SaleState.OPEN,
    opens_at="2026-11-27T12:00:00.000Z",
    closes_at=None,
    limit=4,
    hold_seconds=600,
    skus=[
        SkuView(DEMO_SKU, "T-shirt, black", "25.00", "EUR", 500, available=0, held=38, sold=462),
        SkuView(
            OTHER_DEMO_SKU, "T-shirt, white", "25.00", "EUR", 500, available=171, held=42, sold=287
        ),
    ],
)
SALES: Json = {"open": {"value": msgspec.to_builtins(_OPEN_SALE)}}

ALIVE: Json = {"alive": {"value": msgspec.to_builtins(Liveness("ok"))}}
READY = {"ready": _readiness()}
NOT_READY = {
    "no-worker": _readiness(worker="the last sweep ended 31 s ago: are beat and a worker running?")
}
