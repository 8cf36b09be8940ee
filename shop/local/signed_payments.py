"""Speaks to the product as a payment provider does, in messages signed per Standard Webhooks."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from standardwebhooks import Webhook

from .errors import LocalStackError

CALLBACK = "/api/v1/payments/callback"
VARIABLE = "PAYMENT_WEBHOOK_SECRET"
SECRET_FILE = "payment_webhook_secret"  # noqa: S105 - a name; the settings keep the secret there


class NoPaymentSecret(LocalStackError):
    """There is no secret for payments yet."""


class Message(NamedTuple):
    """A provider's message about one payment."""

    type: str  # payment.succeeded, payment.failed or payment.refunded
    order_id: str
    amount: str  # as the API writes amounts: "25.00"
    currency: str
    reference: str  # the provider's name of the payment

    def body(self) -> bytes:
        """Return the message as JSON."""
        data = {
            "order": self.order_id,
            "amount": self.amount,
            "currency": self.currency,
            "reference": self.reference,
        }
        return json.dumps({"type": self.type, "data": data}).encode()


def payment_secret(state: Path, env: Mapping[str, str]) -> str:
    """Return what the provider signs with: of `env`, else what the stack of `state` has made.

    Raises NoPaymentSecret.
    """
    if chosen := env.get(VARIABLE):
        return chosen.split(",")[0].strip()  # two of them while one replaces the other
    try:
        return (state / SECRET_FILE).read_text()
    except OSError as error:
        raise NoPaymentSecret(f"no {VARIABLE}, and none in {state}; start with: make up") from error


def signed_headers(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers that prove who sends `body`, and when.

    Source: Standard Webhooks, "Webhook signatures".
    """
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }
