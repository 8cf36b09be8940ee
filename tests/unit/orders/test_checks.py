"""Settings that cannot work are told of at the start."""

import pytest
from pytest_django import Settings

from orders.checks import check_payment_secrets, check_sms_sender

GOOD = "whsec_YS1zZWNyZXQtb2YtdGVzdHM="


@pytest.mark.parametrize("bad", ["whsec_", "whsec_a", "not base64 at all: é"])
def test_a_payment_secret_that_verifies_nothing_is_named(settings: Settings, bad: str) -> None:
    settings.PAYMENT_WEBHOOK_SECRETS = [GOOD, bad]
    [error] = check_payment_secrets(None)
    assert "number 2" in error.msg


def test_a_good_payment_secret_passes(settings: Settings) -> None:
    settings.PAYMENT_WEBHOOK_SECRETS = [GOOD]
    assert check_payment_secrets(None) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("nowhere.Sender", "No module named 'nowhere'"), ("orders.notifications.sms.None_", "None_")],
)
def test_an_sms_sender_that_is_not_there_is_named(settings: Settings, path: str, said: str) -> None:
    settings.SMS_SENDER = path
    [error] = check_sms_sender(None)
    assert f"SMS_SENDER={path}" in error.msg
    assert said in error.msg


@pytest.mark.parametrize("path", ["", "orders.notifications.sms.FileSender"])
def test_an_sms_sender_that_is_there_passes(settings: Settings, path: str) -> None:
    settings.SMS_SENDER = path
    assert check_sms_sender(None) == []
