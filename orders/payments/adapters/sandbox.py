"""A payment provider for trying out: it signs as a real one does, and takes no money.

Its messages take the way of every other (Standard Webhooks), so that nothing but the missing
money tells its payments from others.
"""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.conf import settings
from standardwebhooks import Webhook

OUTCOMES = ("succeeded", "failed")


def is_on() -> bool:
    """Tell whether test payments are taken. Never under HTTPS, where customers are real."""
    return bool(settings.TEST_PAYMENTS and not settings.HTTPS)


def signed_message(
    *, order_id: UUID, outcome: str, amount: str, currency: str
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a fresh message: how the payment of an order went.

    All messages about an order are about one payment. The amount is an exact decimal.
    """
    data = {
        "order": str(order_id),
        "amount": amount,
        "currency": currency,
        "reference": f"test-{order_id}",
    }
    body = json.dumps({"type": f"payment.{outcome}", "data": data})
    notice_id, now = f"test-{uuid4()}", datetime.now(UTC)
    headers = {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(settings.PAYMENT_WEBHOOK_SECRETS[0]).sign(
            notice_id, now, body
        ),
    }
    return headers, body.encode()
