"""The operators' console, as operators use it."""

import re

from playwright.sync_api import Page, expect

from inventory.models import Sale
from tests.conftest import MakeSale
from tests.processes import Web

from .conftest import PATIENCE_MS, serious_violations

expect.set_options(timeout=PATIENCE_MS)


def test_the_dashboard_leads_to_the_live_page_of_a_sale(
    admin_page: Page, make_sale: MakeSale
) -> None:
    make_sale("drop", {"TEE": 50})
    admin_page.goto("/admin/")
    expect(admin_page.get_by_role("cell", name="open", exact=True)).to_be_visible()
    expect(admin_page.get_by_role("link", name="Dead letters").last).to_be_visible()
    assert serious_violations(admin_page) == []
    admin_page.get_by_role("link", name="Live", exact=True).click()
    expect(admin_page.get_by_text("50 left of 50")).to_be_visible()


def test_the_live_page_follows_the_sale(admin_page: Page, web: Web, make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 50})
    admin_page.goto(f"/admin/inventory/sale/{sale.pk}/live/")
    expect(admin_page.get_by_text("50 left of 50")).to_be_visible()
    for number in range(3):
        assert web.order(f"k-{number}").status_code == 202
    expect(admin_page.get_by_text("47 left of 50")).to_be_visible()
    expect(admin_page.locator("#figure-accepted")).to_have_text("3")
    expect(admin_page.locator("canvas")).to_have_count(4)
    # The legend shows the last second.
    expect(admin_page.locator("#chart-flow .u-series").first).to_contain_text(re.compile(r"\d:\d"))
    assert serious_violations(admin_page) == []


def test_a_switch_is_confirmed_before_it_is_used(admin_page: Page, make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 50})
    admin_page.goto(f"/admin/inventory/sale/{sale.pk}/live/")
    admin_page.get_by_role("link", name="Add stock").click()
    admin_page.get_by_label("Units to add").fill("25")
    admin_page.get_by_role("button", name="Show what will happen").click()
    expect(admin_page.get_by_text("TEE: allocated 50 → 75")).to_be_visible()
    assert serious_violations(admin_page) == []
    admin_page.get_by_role("button", name="Add stock").click()
    expect(admin_page.get_by_text("75 left of 75")).to_be_visible()

    admin_page.get_by_role("link", name="Pause").click()
    admin_page.get_by_role("button", name="Pause").click()
    expect(admin_page.locator("#state")).to_have_text("paused")
    assert Sale.objects.get().paused


def test_a_page_that_is_open_says_when_somebody_else_changes_the_sale(
    admin_page: Page, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    admin_page.goto(f"/admin/inventory/sale/{sale.pk}/live/")
    expect(admin_page.get_by_text("50 left of 50")).to_be_visible()
    Sale.objects.update(paused=True, version=2)
    expect(
        admin_page.get_by_text("The sale has changed since this page was opened")
    ).to_be_visible()
