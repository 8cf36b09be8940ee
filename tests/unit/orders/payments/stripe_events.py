"""Events in the shape that Stripe documents, with what surrounds the few fields that matter."""

import json
from typing import Any

_ENVELOPE = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2025-09-30.clover",
    "created": 1795780800,
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_1", "idempotency_key": "e3c9"},
}
_SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "amount_subtotal": 2500,
    "amount_total": 2500,
    "automatic_tax": {"enabled": False, "liability": None, "status": None},
    "cancel_url": None,
    "client_reference_id": None,
    "currency": "eur",
    "customer_details": {"email": "ada@example.com", "tax_exempt": "none", "tax_ids": []},
    "metadata": {},
    "mode": "payment",
    "payment_intent": "pi_1",
    "payment_method_types": ["card"],
    "payment_status": "paid",
    "status": "complete",
}
_INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 2500,
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 2500,
    "capture_method": "automatic_async",
    "currency": "eur",
    "last_payment_error": None,
    "latest_charge": "ch_1",
    "metadata": {},
    "status": "succeeded",
}
_CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 2500,
    "amount_captured": 2500,
    "amount_refunded": 2500,
    "balance_transaction": "txn_1",
    "billing_details": {"address": {"city": None}, "email": None},
    "currency": "eur",
    "metadata": {},
    "paid": True,
    "payment_intent": "pi_1",
    "refunded": True,
    "status": "succeeded",
}


def event(type_: str, thing: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(_ENVELOPE | {"type": type_, "data": {"object": thing}} | changes).encode()


def session(type_: str = "completed", *, id_: str = "evt_1", **changes: Any) -> bytes:
    return event(f"checkout.session.{type_}", _SESSION | changes, id=id_)


def intent(type_: str = "succeeded", *, id_: str = "evt_1", **changes: Any) -> bytes:
    return event(f"payment_intent.{type_}", _INTENT | changes, id=id_)


def failed_intent(*, id_: str = "evt_1", **changes: Any) -> bytes:
    error = {"code": "card_declined", "type": "card_error", "message": "Your card was declined."}
    failed = {
        "amount_received": 0,
        "status": "requires_payment_method",
        "last_payment_error": error,
        "latest_charge": "ch_1",
    }
    return intent("payment_failed", id_=id_, **failed | changes)


def refunded_charge(*, id_: str = "evt_1", **changes: Any) -> bytes:
    return event("charge.refunded", _CHARGE | changes, id=id_)
