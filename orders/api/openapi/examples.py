"""Examples of bodies: orders, payments, events, a sale, the health checks."""

import msgspec

from inventory.domain import SaleState
from orders.domain import EventType, Status
from orders.http.representation import OrderView, order_view
from orders.notifications.webhook.message import Message

from .shapes import Check, Json, Liveness, Readiness, SaleView, SkuView

# The demo sale of `make up`: where it runs, the examples can be sent as they are.
DEMO_SALE, DEMO_SKU, OTHER_DEMO_SKU = "demo-drop", "TEE-BLACK", "TEE-WHITE"
DEMO_ORDER = "019ac542-4c7b-8000-8004-9d3f1c5e7a21"

_METADATA = {"basket": "b-4711"}
_HELD_UNTIL_MS = 1_795_781_400_123


def _order(status: Status, held_until_ms: int, refund_due: int = 0) -> OrderView:
    return order_view(
        order_id=DEMO_ORDER,
        sale=DEMO_SALE,
        customer="ada",
        email="ada@example.com",
        status=status.value,
        lines=[(DEMO_SKU, 1, 2500), (OTHER_DEMO_SKU, 2, 2500)],
        currency="EUR",
        accepted_at_ms=1_795_780_800_123,
        held_until_ms=held_until_ms,
        metadata=msgspec.json.encode(_METADATA).decode(),
        refund_due=refund_due,
    )


def _shown(view: OrderView, summary: str = "") -> Json:
    return {
        "summary": summary or view.status,
        "value": msgspec.json.decode(msgspec.json.encode(view)),
    }


def _readiness(**failing: str) -> Json:
    said = {
        "postgresql": "ok",
        "redis": "ok",
        "durability": "always: an accepted order survives a crash of Redis and of its machine",
        "eviction": "noeviction",
        "memory": "12% of 1,024 MiB used",
        "worker": "last sweep 0.4 s ago",
        "sales": "ok",
        "duties": "nothing waits longer than 0.2 s",
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
_LIVES = {
    status: _order(status, 0 if status is Status.CONFIRMED else _HELD_UNTIL_MS) for status in Status
}
_PAID_TOO_LATE = _order(Status.EXPIRED, _HELD_UNTIL_MS, refund_due=7500)

ORDER_ACCEPTED = {"accepted": _shown(_LIVES[Status.ACCEPTED])}
ORDERS_PERSISTED = {
    status.value: _shown(_LIVES[status]) for status in (Status.AWAITING_PAYMENT, Status.CONFIRMED)
}
ORDERS = {status.value: _shown(view) for status, view in _LIVES.items()} | {
    "paid_too_late": _shown(_PAID_TOO_LATE, "expired, and paid when its stock was sold")
}
ORDER_CANCELLED = {"cancelled": _shown(_LIVES[Status.CANCELLED])}

_PAYMENT = {"order": DEMO_ORDER, "amount": "75.00", "currency": "EUR", "reference": "pay-4711"}
PAYMENTS: Json = {
    word: {"value": {"type": f"payment.{word}", "data": _PAYMENT}}
    for word in ("succeeded", "failed", "refunded")
}
PAYMENT_TAKEN: Json = {
    state: {"value": {"notice": "msg_2pKqXfVn7Yb1", "state": state}}
    for state in ("pending", "applied")
}
STRIPE_EVENTS: Json = {
    "succeeded": {
        "value": {
            "id": "evt_3RnT8uKq1Xw0",
            "object": "event",
            "type": "payment_intent.succeeded",
            "data": {
                "object": {
                    "id": "pi_3RnT8uKq1Xw0",
                    "object": "payment_intent",
                    "amount": 7500,
                    "amount_received": 7500,
                    "currency": "eur",
                    "metadata": {"order": DEMO_ORDER},
                }
            },
        }
    }
}
STRIPE_EVENT_TAKEN: Json = {
    state: {"value": {"notice": "evt_3RnT8uKq1Xw0", "state": state}}
    for state in ("applied", "ignored")
}


def event(type_: EventType) -> Json:
    """Return examples of the message about an event."""
    sequence, view = _EVENTS[type_]
    message = Message(type_.value, "2026-11-27T12:04:11.482Z", sequence, view)
    return {type_.value: {"value": msgspec.json.decode(msgspec.json.encode(message))}}


_EVENTS = {
    EventType.PLACED: (1, _LIVES[Status.AWAITING_PAYMENT]),
    EventType.PAID: (2, _LIVES[Status.PAID]),
    EventType.CANCELLED: (2, _LIVES[Status.CANCELLED]),
    EventType.EXPIRED: (2, _LIVES[Status.EXPIRED]),
    EventType.REJECTED: (1, _LIVES[Status.REJECTED]),
    EventType.REFUNDED: (3, _LIVES[Status.REFUNDED]),
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
METRICS: Json = {"drift": {"value": 'shop_drift_units{sale="demo-drop"} 0.0\n'}}
