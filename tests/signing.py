"""Messages of payment providers, signed for real."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from standardwebhooks import Webhook
from stripe import WebhookSignature

STRIPE_SECRET = "whsec_of_stripes"


def signed(
    body: bytes, *, notice_id: str = "msg-1", secret: str = "", age: timedelta = timedelta()
) -> dict[str, str]:
    """The headers of a callback that Standard Webhooks signs, `age` ago."""
    at = datetime.now(UTC) - age
    signer = Webhook(secret or settings.PAYMENT_WEBHOOK_SECRETS[0])
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signer.sign(notice_id, at, body.decode()),
    }


def signed_by_stripe(
    body: bytes, *, secret: str = STRIPE_SECRET, age: timedelta = timedelta()
) -> dict[str, str]:
    """The header of an event that Stripe signs, `age` ago."""
    at = int((datetime.now(UTC) - age).timestamp())
    header = WebhookSignature.generate_signature_header(body.decode(), secret, at)
    return {"stripe-signature": header}
