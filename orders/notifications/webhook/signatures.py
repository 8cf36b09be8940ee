"""Signing messages (Standard Webhooks, "Webhook signatures")."""

from datetime import datetime

from standardwebhooks import Webhook

from orders.models import Endpoint


def signers(endpoint: Endpoint, *, now: datetime) -> list[Webhook]:
    """Return what signs for an endpoint: its secret, and the previous one for as long as that is
    valid."""
    secrets = [endpoint.secret]
    until = endpoint.previous_secret_until
    if endpoint.previous_secret and until and now < until:
        secrets.append(endpoint.previous_secret)
    return [Webhook(secret) for secret in secrets]


def signed_headers(
    signing: list[Webhook], message_id: str, body: bytes, *, now: datetime
) -> dict[str, str]:
    """Return the headers that prove where a message comes from and when it was sent."""
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(message_id, now, text) for signer in signing),
    }
