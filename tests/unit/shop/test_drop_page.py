"""What `make up` sets for the drop page, and what it leaves to whoever has chosen."""

from pathlib import Path

from shop.local.credentials import Credentials
from shop.local.drop_page import KEPT_AS, trying_out


def test_at_the_first_start_there_is_no_key_yet_and_payments_can_be_tried(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {}) == {"DROP_PAGE_API_KEY": "", "TEST_PAYMENTS": "true"}


def test_a_kept_key_is_used_again(tmp_path: Path) -> None:
    Credentials(tmp_path).keep(KEPT_AS, "fso_kept")
    assert trying_out(tmp_path, {})["DROP_PAGE_API_KEY"] == "fso_kept"


def test_what_is_chosen_stands(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {"TEST_PAYMENTS": "false", "DROP_PAGE_API_KEY": ""}) == {}


def test_under_https_there_are_no_test_payments(tmp_path: Path) -> None:
    assert trying_out(tmp_path, {"DJANGO_HTTPS": "true"}) == {"DROP_PAGE_API_KEY": ""}
