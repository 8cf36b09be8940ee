"""What `make up` sets for the drop page, and what it leaves to whoever has chosen."""

import pytest

from shop.local.drop_page import DROP_PAGE, drop_page_keys, trying_out


def test_on_a_machine_of_ones_own_payments_can_be_tried() -> None:
    assert trying_out({}) == {"TEST_PAYMENTS": "true"}


def test_the_drop_page_gets_a_key_that_the_stack_keeps() -> None:
    assert drop_page_keys({}) == {"DROP_PAGE_API_KEY": DROP_PAGE}


def test_what_is_chosen_stands() -> None:
    assert trying_out({"TEST_PAYMENTS": "false"}) == {}
    assert drop_page_keys({"DROP_PAGE_API_KEY": ""}) == {}


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
    chosen: dict[str, str],
) -> None:
    assert trying_out(chosen) == {}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8", ""])
def test_payments_can_be_tried_on_every_form_of_the_loopback(address: str) -> None:
    assert trying_out({"WEB_ADDRESS": address}) == {"TEST_PAYMENTS": "true"}


def test_under_https_there_are_no_test_payments() -> None:
    assert trying_out({"DJANGO_HTTPS": "true"}) == {}
