"""The drop page, as customers use it."""

import re
from datetime import timedelta
from itertools import product

import pytest
from playwright.sync_api import Page, Route, expect

from orders.models import ApiClient, Order
from shop.core import clock
from tests.conftest import MakeSale
from tests.examples import is_thorough
from tests.processes import Web, await_condition

from .conftest import PATIENCE_MS, serious_violations

ORDERS = "**/api/v1/orders"
SALES = "**/api/v1/sales/*"

expect.set_options(timeout=PATIENCE_MS)
pytestmark = pytest.mark.usefixtures("page_client")


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def order(page: Page, customer: str = "ada@example.com") -> None:
    """Fill in the form, and send it once it can be sent."""
    page.get_by_label("Name or e-mail").fill(customer)
    button(page, "Order ·")


def expect_status(page: Page, status: str) -> None:
    expect(page.get_by_role("status").get_by_role("heading")).to_have_text(status)


# --- Buying -------------------------------------------------------------------------------------


def test_a_customer_orders_two_and_pays(
    page: Page, make_sale: MakeSale, page_client: ApiClient
) -> None:
    make_sale("drop", {"TEE": 5, "CAP": 5}, price="12.50")
    page.goto("/sales/drop")
    page.get_by_role("radio", name="CAP").check()
    page.get_by_label("Quantity").select_option("2")
    order(page)
    expect_status(page, "Awaiting payment")
    expect(page.get_by_role("definition").first).to_have_text("2 × CAP")
    expect(page.get_by_text("€25.00", exact=True)).to_be_visible()
    expect(page.get_by_role("timer").filter(visible=True)).to_have_text(re.compile(r"1[45]:\d\d"))
    button(page, "Pay (test)")
    expect_status(page, "Paid")
    placed = Order.objects.get()
    assert (placed.status, placed.client) == ("paid", page_client)
    assert (placed.customer, placed.email) == ("ada@example.com", "ada@example.com")


def test_a_failed_payment_can_be_tried_again(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop")
    page.goto("/sales/drop")
    order(page)
    button(page, "Let the payment fail")
    expect(page.get_by_role("alert")).to_contain_text("The payment failed.")
    button(page, "Pay (test)")
    expect_status(page, "Paid")


def test_a_cancelled_order_is_over_and_another_one_can_be_placed(
    page: Page, make_sale: MakeSale
) -> None:
    make_sale("drop", {"TEE": 1})
    page.goto("/sales/drop")
    order(page)
    button(page, "Cancel the order")
    expect_status(page, "Cancelled")
    button(page, "Order something else")
    expect(page.get_by_text("1 left")).to_be_visible()
    order(page)
    expect_status(page, "Awaiting payment")
    assert Order.objects.count() == 2


def test_an_order_that_is_not_paid_expires_on_the_page(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", hold_seconds=2)
    page.goto("/sales/drop")
    order(page)
    expect_status(page, "Expired")


def test_everything_can_be_done_with_the_keyboard(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", {"CAP": 5, "TEE": 5})
    page.goto("/sales/drop")
    expect(page.get_by_role("button", name="Order ·")).to_be_enabled()
    page.get_by_role("radio", name="CAP").focus()
    for key in ("ArrowDown", "Tab", "a", "d", "a", "Tab", "2", "Tab", "Enter"):
        page.keyboard.press(key)
    expect_status(page, "Awaiting payment")
    expect(page.get_by_role("region", name="Your order")).to_be_focused()
    expect(page.get_by_role("definition").first).to_have_text("2 × TEE")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_status(page, "Paid")


# --- The sale, live -----------------------------------------------------------------------------


def test_a_sold_out_sale_tells_what_is_held_and_takes_orders_when_it_comes_back(
    page: Page, web: Web, make_sale: MakeSale
) -> None:
    make_sale("drop", {"TEE": 1})
    first = web.order("first")
    page.goto("/sales/drop")
    expect(page.get_by_text("Sold out — 1 held, may come back")).to_be_visible()
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    web.http.post(f"{first.headers['location']}/cancel").raise_for_status()
    expect(page.get_by_text("1 left")).to_be_visible()
    order(page)
    expect_status(page, "Awaiting payment")


def test_what_is_left_can_be_ordered_and_what_is_gone_can_not(
    page: Page, web: Web, make_sale: MakeSale
) -> None:
    make_sale("drop", {"CAP": 1, "TEE": 5})
    web.order("first", lines=[{"sku": "CAP", "quantity": 1}])
    page.goto("/sales/drop")
    page.get_by_role("radio", name="CAP").check()
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    page.get_by_role("radio", name="TEE").check()
    expect(page.get_by_role("button", name="Order ·")).to_be_enabled()


def test_who_comes_too_late_is_told_so_in_words_and_can_try_again(
    page: Page, web: Web, make_sale: MakeSale, expected_errors: list[str]
) -> None:
    expected_errors.append("409")
    make_sale("drop", {"TEE": 1})
    page.goto("/sales/drop")
    expect(page.get_by_text("1 left")).to_be_visible()
    page.route(SALES, lambda route: route.abort("blockedbyclient"))
    expected_errors.append("ERR_BLOCKED_BY_CLIENT")
    web.order("first", customer="bob")
    order(page)
    expect(page.get_by_role("alert")).to_contain_text("Sold out")
    expect(page.get_by_role("button", name="Order ·")).to_be_visible()
    assert Order.objects.filter(customer="ada@example.com").count() == 0


def test_a_sale_opens_on_the_page_by_itself(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", opens_at=clock.now() + timedelta(seconds=4))
    page.goto("/sales/drop")
    expect(page.get_by_role("button", name="Not open yet")).to_be_disabled()
    expect(page.get_by_text("scheduled")).to_be_visible()
    order(page)
    expect_status(page, "Awaiting payment")


def test_a_countdown_goes_by_the_servers_clock(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", opens_at=clock.now() + timedelta(hours=1))
    page.clock.set_fixed_time(clock.now() - timedelta(days=1000))
    page.goto("/sales/drop")
    expect(page.get_by_role("timer").first).to_have_text(re.compile(r"(59:\d\d|01:00:0\d)"))


# --- Lost answers -------------------------------------------------------------------------------


def lose_the_answer(route: Route) -> None:
    route.fetch()
    route.abort()


def refuse_the_first_request(route: Route) -> None:
    body = '{"title": "Not available right now", "detail": "Redis does not answer."}'
    headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
    route.fulfill(status=503, body=body, headers=headers)


@pytest.mark.parametrize("first", [lose_the_answer, refuse_the_first_request])
def test_a_request_that_is_sent_again_is_one_order(
    page: Page, make_sale: MakeSale, expected_errors: list[str], first: object
) -> None:
    expected_errors.append("ERR_FAILED")
    keys: list[str] = []
    page.on("request", lambda request: keys.extend(key_of(request.headers)))
    make_sale("drop")
    page.route(ORDERS, first, times=1)
    page.goto("/sales/drop")
    order(page)
    expect(page.get_by_role("alert")).to_contain_text("Trying again in")
    expect_status(page, "Awaiting payment")
    assert len(keys) >= 2
    assert len(set(keys)) == 1
    assert Order.objects.count() == 1


def key_of(headers: dict[str, str]) -> list[str]:
    return [headers["idempotency-key"]] if "idempotency-key" in headers else []


def test_a_reload_before_the_answer_resumes_the_same_order(
    page: Page, make_sale: MakeSale, expected_errors: list[str]
) -> None:
    expected_errors.append("ERR_FAILED")
    make_sale("drop")
    page.route(ORDERS, lose_the_answer)  # of every try, until that is seen
    page.goto("/sales/drop")
    order(page)
    expect(page.get_by_role("alert")).to_contain_text("Trying again in")
    page.unroute(ORDERS)
    page.reload()
    expect_status(page, "Awaiting payment")
    await_condition("it is persisted", Order.objects.exists)
    page.reload()
    expect_status(page, "Awaiting payment")
    assert Order.objects.count() == 1


# --- For everybody ------------------------------------------------------------------------------


def test_nothing_keeps_anybody_from_using_the_pages(page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 5, "CAP": 1})
    make_sale("later", opens_at=clock.now() + timedelta(days=1))
    for path in ("/", "/sales/later", "/sales/drop"):
        page.goto(path)
        expect(page.get_by_text(" left").first).to_be_visible()
        assert_usable_by_everybody(page)
    order(page)
    expect(page.get_by_role("button", name="Pay (test)")).to_be_visible()
    assert_usable_by_everybody(page)


def assert_usable_by_everybody(page: Page) -> None:
    looks = product((390, 1280), ("light", "dark"))
    for width, scheme in looks if is_thorough() else [(390, "light"), (1280, "dark")]:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert serious_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
