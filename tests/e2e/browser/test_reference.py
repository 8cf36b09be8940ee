"""The API reference and the pages of problems, in a browser of a phone's width."""

from playwright.sync_api import Page, expect

from orders.api.openapi import DEMO_SALE, DEMO_SKU
from orders.models import Order
from tests.conftest import MakeSale
from tests.processes import Web, await_condition

from .conftest import PATIENCE_MS, serious_violations

PLACING = "#operations-Orders-placeOrder"


def test_an_order_can_be_placed_from_the_reference(
    page: Page, web: Web, make_sale: MakeSale
) -> None:
    make_sale(DEMO_SALE, {DEMO_SKU: 5})
    page.goto("/api/docs#/Orders/placeOrder")
    page.locator("button.authorize").first.click()
    page.locator(".auth-container input").first.fill(web.api_key)
    page.locator(".auth-btn-wrapper button.authorize").first.click()
    page.locator(".btn-done").first.click()
    for _ in range(2):
        page.locator(f"{PLACING} .execute").click()
        answer = page.locator(
            f"{PLACING} .live-responses-table tr.response .response-col_status"
        ).first
        expect(answer).to_contain_text("202", timeout=PATIENCE_MS)
    await_condition("the order is persisted", Order.objects.count)
    assert Order.objects.count() == 1  # the same key: the second one is a repetition


def test_the_reference_fits_a_phone(page: Page) -> None:
    page.goto("/api/docs#/Orders/placeOrder")
    expect(page.locator(f"{PLACING} .responses-table").first).to_be_visible(timeout=PATIENCE_MS)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_pages_of_problems_are_for_everybody(page: Page) -> None:
    for path in ("/problems/", "/problems/sold-out", "/problems/unavailable"):
        page.goto(path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious_violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
