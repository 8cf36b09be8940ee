"""Settings that cannot work are told of at the start."""

import pytest
from pytest_django import Settings

from orders.checks import check_payment_secrets

GOOD = "whsec_YS1zZWNyZXQtb2YtdGVzdHM="


@pytest.mark.parametrize("bad", ["whsec_", "whsec_a", "not base64 at all: é"])
def test_a_payment_secret_that_verifies_nothing_is_named(settings: Settings, bad: str) -> None:
    settings.PAYMENT_WEBHOOK_SECRETS = [GOOD, bad]
    [error] = check_payment_secrets(None)
    assert "number 2" in error.msg


def test_a_good_payment_secret_passes(settings: Settings) -> None:
    settings.PAYMENT_WEBHOOK_SECRETS = [GOOD]
    assert check_payment_secrets(None) == []
