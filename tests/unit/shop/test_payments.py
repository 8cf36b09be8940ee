"""What the local stack's payment provider signs with, and what it sends."""

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shop.local.signed_payments import Message, NoPaymentSecret, payment_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_chosen_secret_wins_over_the_one_that_was_made(tmp_path: Path) -> None:
    (tmp_path / "payment_webhook_secret").write_text("whsec_made")
    assert payment_secret(tmp_path, {"PAYMENT_WEBHOOK_SECRET": SECRET}) == SECRET
    assert payment_secret(tmp_path, {"PAYMENT_WEBHOOK_SECRET": ""}) == "whsec_made"
    assert payment_secret(tmp_path, {}) == "whsec_made"


def test_of_two_secrets_the_first_signs(tmp_path: Path) -> None:
    env = {"PAYMENT_WEBHOOK_SECRET": f"{SECRET}, whsec_old"}
    assert payment_secret(tmp_path, env) == SECRET


def test_without_any_secret_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NoPaymentSecret, match="make up"):
        payment_secret(tmp_path, {})


def test_a_signed_message_verifies_by_its_secret_alone() -> None:
    body = Message("payment.succeeded", "o-1", "25.00", "EUR", "charge-1").body()
    headers = signed_headers(SECRET, "msg_1", body)
    assert Webhook(SECRET).verify(body, headers) == json.loads(body)
    assert headers["webhook-id"] == "msg_1"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"25.00", b"0.01"), headers)
