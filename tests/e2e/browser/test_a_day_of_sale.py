"""An operator's day in the web admin: sign in, watch, pause, reopen, mend, stock up."""

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from inventory.models import Product
from orders.models import ApiClient, DeadLetter, Order
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.processes import Web

from .conftest import PATIENCE_MS, serious_violations

expect.set_options(timeout=PATIENCE_MS)

GOOD_ROWS = "sku,name,price,currency\nCAP,Cap,15.00,EUR\nMUG,Mug,8.50,EUR\n"
BAD_ROW = "PIN,Pin,a lot,EUR\n"


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_sale_is_watched_paused_and_opened_again(
    web: Web, page: Page, make_sale: MakeSale
) -> None:
    User.objects.create_superuser("ada", password="a long one")
    sale = make_sale("drop", {"TEE": 50})
    sign_in(page, "ada", "a long one")
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.get_by_text("50 left of 50")).to_be_visible()
    assert web.order("k-1").status_code == 202
    expect(page.get_by_text("49 left of 50")).to_be_visible()

    page.get_by_role("link", name="Pause").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state")).to_have_text("paused")
    assert web.order("k-2").status_code == 409

    page.get_by_role("link", name="Open").first.click()
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#state")).to_have_text("open")
    assert web.order("k-3").status_code == 202
    expect(page.get_by_text("48 left of 50")).to_be_visible()
    assert LogEntry.objects.filter(object_id=sale.pk, user__username="ada").count() == 2


def test_a_wrong_password_opens_nothing(page: Page, web: Web) -> None:
    User.objects.create_superuser("ada", password="a long one")
    sign_in(page, "ada", "another one")
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    expect(page.get_by_text("Please correct the error")).to_have_count(0)
    assert serious_violations(page) == []


def test_the_dashboard_is_no_wider_than_a_phone(admin_page: Page, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 1_000_000})
    admin_page.goto("/admin/")
    expect(admin_page.get_by_role("link", name="drop", exact=True)).to_be_visible()
    assert admin_page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_dead_letter_is_replayed(admin_page: Page, make_sale: MakeSale) -> None:
    admin_page.set_viewport_size({"width": 1280, "height": 900})
    letter = dead_letter(make_sale("drop", {"TEE": 50}), ApiClient.objects.get())
    admin_page.goto("/admin/orders/deadletter/")
    admin_page.get_by_role("link", name=str(letter.pk), exact=True).click()
    assert serious_violations(admin_page) == []
    admin_page.get_by_role("link", name="Replay").click()
    admin_page.get_by_role("button", name="Replay").click()
    expect(admin_page.get_by_text("is persisted: Awaiting payment")).to_be_visible()
    assert DeadLetter.objects.get().resolution == DeadLetter.Resolution.PERSISTED

    admin_page.goto(f"/admin/orders/order/{Order.objects.get().pk}/change/")
    expect(admin_page.get_by_role("heading", name="What happened")).to_be_visible()
    assert serious_violations(admin_page) == []


def test_a_file_with_one_bad_row_changes_nothing_until_it_is_mended(
    admin_page: Page, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 422")  # the refusal itself
    admin_page.goto("/admin/inventory/product/import/")
    choose(admin_page, GOOD_ROWS + BAD_ROW)
    refusal = admin_page.get_by_role("alert").filter(has_text="Nothing was changed.")
    expect(refusal).to_contain_text("Row 4")
    assert serious_violations(admin_page) == []
    assert not Product.objects.exists()

    choose(admin_page, GOOD_ROWS)
    expect(admin_page.get_by_text("2 new")).to_be_visible()
    assert not Product.objects.exists()
    admin_page.get_by_role("button", name="Yes, import it").click()
    expect(admin_page.get_by_role("link", name="MUG")).to_be_visible()
    assert set(Product.objects.values_list("sku", flat=True)) == {"CAP", "MUG"}


def choose(page: Page, rows: str) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": "products.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    page.get_by_role("button", name="Show what it would do").click()
