"""What `make up` sets for the drop page, and what it leaves to whoever has chosen."""

from pathlib import Path

import pytest

from shop.local.credentials import Credentials
from shop.local.drop_page import KEPT_AS, trying_out


def test_at_the_first_start_there_is_no_key_yet_and_payments_can_be_tried(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {}) == {"DROP_PAGE_API_KEY": "", "TEST_PAYMENTS": "true"}


def test_a_kept_key_is_used_again(tmp_path: Path) -> None:
    Credentials(tmp_path).keep(KEPT_AS, "fso_kept")
    assert trying_out(tmp_path, {})["DROP_PAGE_API_KEY"] == "fso_kept"


def test_what_is_chosen_stands(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {"TEST_PAYMENTS": "false", "DROP_PAGE_API_KEY": ""}) == {}


@pytest.mark.parametrize(
    "chosen",
    [
        {"DATABASE_URL": "postgresql://shop@ledger/shop"},
        {"WEB_ADDRESS": "0.0.0.0"},
        {"WEB_ADDRESS": "::"},
        {"WEB_ADDRESS": "shop.example"},
        {"PAYMENT_WEBHOOK_SECRET": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
    ],
)
def test_payments_cannot_be_tried_where_others_could_pay_so(
    tmp_path: Path, chosen: dict[str, str]
) -> None:
    assert "TEST_PAYMENTS" not in trying_out(tmp_path, chosen)
    assert trying_out(tmp_path, {**chosen, "TEST_PAYMENTS": "true"}) == {"DROP_PAGE_API_KEY": ""}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8", ""])
def test_payments_can_be_tried_on_every_form_of_the_loopback(tmp_path: Path, address: str) -> None:
    assert trying_out(tmp_path, {"WEB_ADDRESS": address})["TEST_PAYMENTS"] == "true"


def test_under_https_there_are_no_test_payments(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {"DJANGO_HTTPS": "true"}) == {"DROP_PAGE_API_KEY": ""}
