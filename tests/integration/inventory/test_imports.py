"""Products and stock from files: a whole file, or nothing of it."""

import json
import re
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from inventory import counters
from inventory.imports import files
from inventory.models import Allocation, Product, Sale, StockMovement
from shop.core.stores.redis import client as redis_client
from tests.conftest import MakeSale

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCTS = "/admin/inventory/product/import/"
KEPT = re.compile(r'name="kept" value="(\w+)"')
HEADER = "sku,name,price,currency\n"


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50, "CAP": 10})


def stock_of(sale: Sale) -> str:
    return f"/admin/inventory/sale/{sale.pk}/import-stock/"


def send(client: Client, path: str, content: str | bytes, name: str = "file.csv") -> str:
    data = content.encode() if isinstance(content, str) else content
    return client.post(path, {"file": SimpleUploadedFile(name, data)}).content.decode()


def say_yes(client: Client, path: str, preview: str) -> str:
    [kept] = KEPT.findall(preview)
    return client.post(path, {"kept": kept}, follow=True).content.decode()


def excel(*rows: list[Any]) -> bytes:
    book, file = Workbook(), BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(file)
    return file.getvalue()


def allocated() -> dict[str, int]:
    return dict(Allocation.objects.values_list("product__sku", "allocated"))


def available(sale: Sale) -> dict[str, int]:
    names = dict(Allocation.objects.filter(sale=sale).values_list("pk", "product__sku"))
    skus = counters.snapshot(sale.pk, sale.slug).skus
    return {names[pk]: sku.available for pk, sku in skus.items()}


def test_a_file_of_products_is_shown_first_and_changes_nothing_before_a_yes(
    admin_client: Client,
) -> None:
    Product.objects.create(sku="MUG", name="Mug", price=8, currency="EUR")
    Product.objects.create(sku="PIN", name="Pin", price=3, currency="EUR")
    text = HEADER + "MUG,Mug,9.50,EUR\nPIN,Pin,3,EUR\nBAG,Tote bag,12.00,EUR\n"
    preview = send(admin_client, PRODUCTS, text)
    assert "1 new, 1 to change, 1 as they are" in preview
    assert Product.objects.get(sku="MUG").price == 8

    page = say_yes(admin_client, PRODUCTS, preview)
    assert "Imported products: 1 new, 1 changed." in page
    prices = dict(Product.objects.values_list("sku", "price"))
    assert prices == {"MUG": Decimal("9.5"), "PIN": 3, "BAG": 12}
    assert LogEntry.objects.get().change_message == "Imported products: 1 new, 1 changed."


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("BAG,Bag,twelve,EUR", "is no amount"),
        ("BAG,Bag,NaN,EUR", "A price is between"),
        ("BAG,Bag,1e30,EUR", "A price is between"),
        ("BAG,Bag,,EUR", "is no amount"),
        ("BAG,Bag,1.005,EUR", "more decimal places"),
        ("BAG,Bag,1,euro", "is no currency"),
        ("B AG,Bag,1,EUR", "Enter a valid value"),
        (",Bag,1,EUR", "This field cannot be blank"),
        ("BAG,,1,EUR", "This field cannot be blank"),
        ("MUG,Mug,1,EUR", "more than once"),
        ("PIN,Pin,1,USD", "keeps the currency"),
    ],
)
def test_one_bad_row_refuses_the_whole_file_and_says_which_and_why(
    row: str, said: str, admin_client: Client
) -> None:
    Product.objects.create(sku="PIN", name="Pin", price=3, currency="EUR")
    page = send(admin_client, PRODUCTS, f"{HEADER}MUG,Mug,9.50,EUR\n\n{row}\n")
    assert "Nothing was changed." in page
    assert "Row 4: " in page
    assert said in page
    assert not KEPT.search(page)
    assert list(Product.objects.values_list("sku", flat=True)) == ["PIN"]


@pytest.mark.parametrize(
    "row", ["BAG,Bag,1,", "BAG,Bag,1", "BAG,Bag,,EUR", "BAG,,1,EUR", ",Bag,1,EUR"]
)
def test_a_blank_cell_is_filled_with_nothing_that_was_not_written(
    row: str, admin_client: Client
) -> None:
    page = send(admin_client, PRODUCTS, f"{HEADER}{row}\n")
    assert "Row 2: " in page
    assert not KEPT.search(page)


def test_a_row_that_has_become_bad_since_the_preview_refuses_the_file(
    admin_client: Client,
) -> None:
    preview = send(admin_client, PRODUCTS, HEADER + "MUG,Mug,9.50,EUR\nBAG,Bag,1,EUR\n")
    Product.objects.create(sku="BAG", name="Bag", price=1, currency="USD")
    page = say_yes(admin_client, PRODUCTS, preview)
    assert "Nothing was changed." in page
    assert not Product.objects.filter(sku="MUG").exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("change", [{"price": 7}, {"name": "Pint"}, {"sku": "BAG"}])
def test_a_yes_is_no_yes_to_products_that_were_changed_since_the_preview(
    change: dict[str, Any], admin_client: Client
) -> None:
    Product.objects.create(sku="MUG", name="Mug", price=8, currency="EUR")
    text = HEADER + "MUG,Mug,9.50,EUR\nBAG,Bag,1,EUR\n"
    preview = send(admin_client, PRODUCTS, text)
    Product.objects.update(**change)
    assert "was changed by someone else" in say_yes(admin_client, PRODUCTS, preview)
    assert Product.objects.filter(**change).count() == Product.objects.count() == 1


def test_what_is_kept_for_a_yes_cannot_be_exchanged_or_used_elsewhere(
    sale: Sale, admin_client: Client
) -> None:
    other = Sale.objects.exclude(pk=sale.pk).first() or sale
    preview = send(admin_client, PRODUCTS, "sku,name,price,currency\nTEE,Tee,1,EUR\n")
    assert "is not kept any more" in say_yes(admin_client, stock_of(other), preview)

    [key] = cache.iter_keys("import:*")
    cache.set(key, cache.get(key).replace('"1"', '"0"'))
    assert "is not kept any more" in say_yes(admin_client, PRODUCTS, preview)
    assert Product.objects.get(sku="TEE").price == Decimal("12.5")


@pytest.mark.parametrize("kept", ["", "x", "é", "\0", "0" * 96, "a" * 5000])
def test_a_made_up_token_is_refused(kept: str, admin_client: Client) -> None:
    answer = admin_client.post(PRODUCTS, {"kept": kept})
    assert answer.status_code == 422
    assert "is not kept any more" in answer.content.decode()


def test_what_is_kept_is_plain_json(admin_client: Client) -> None:
    send(admin_client, PRODUCTS, HEADER + "MUG,Mug,9.50,EUR\n")
    raw = redis.Redis.from_url(settings.CACHE_URL)
    [key] = raw.keys("*import:*")
    assert json.loads(json.loads(raw.get(key)))["rows"] == [["2", "MUG", "Mug", "9.50", "EUR"]]


def test_a_yes_counts_once_and_only_for_who_sent_the_file(admin_client: Client, sale: Sale) -> None:
    preview = send(admin_client, PRODUCTS, HEADER + "MUG,Mug,9.50,EUR\n")
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert "is not kept any more" in say_yes(other, PRODUCTS, preview)
    assert "1 new" in say_yes(admin_client, PRODUCTS, preview)
    assert "taken in already" in say_yes(admin_client, PRODUCTS, preview)


def test_an_excel_file_is_read_as_its_cells_show(admin_client: Client) -> None:
    content = excel(["SKU ", "Name", "Price", "Currency"], [1001, "Mug", 9.5, "EUR"])
    say_yes(admin_client, PRODUCTS, send(admin_client, PRODUCTS, content, "products.xlsx"))
    assert Product.objects.values_list("sku", "price").get() == ("1001", Decimal("9.5"))


def test_a_refused_file_is_answered_as_one_and_what_was_left_out_is_said(
    admin_client: Client,
) -> None:
    wrong = SimpleUploadedFile("file.csv", (HEADER + "MUG,Mug,1e3,EUR\n").encode())
    assert admin_client.post(PRODUCTS, {"file": wrong}).status_code == 422
    assert admin_client.post(PRODUCTS, {}).status_code == 422

    book = Workbook()
    for row in (["sku", "name", "price", "currency", "note"], ["00123", "Mug", 9.5, "EUR", "x"]):
        book.worksheets[0].append(row)
    book.create_sheet("Old").sheet_state = "hidden"
    file = BytesIO()
    book.save(file)
    preview = send(admin_client, PRODUCTS, file.getvalue(), "products.xlsx")
    assert "Not read, since hidden: “Old”." in preview
    assert "Columns that are not read: “note”." in preview
    say_yes(admin_client, PRODUCTS, preview)
    assert Product.objects.get().sku == "00123"


def test_units_go_to_the_sku_that_is_shown_and_to_no_other(
    make_sale: MakeSale, admin_client: Client
) -> None:
    sale = make_sale("zeros", {"123": 1, "00123": 1})
    book, file = Workbook(), BytesIO()
    book.worksheets[0].append(["sku", "quantity"])
    book.worksheets[0].append([123, 500])
    book.worksheets[0]["A2"].number_format = "00000"
    book.save(file)
    preview = send(admin_client, stock_of(sale), file.getvalue(), "stock.xlsx")
    say_yes(admin_client, stock_of(sale), preview)
    assert allocated() == {"123": 1, "00123": 501}


def test_semicolons_and_a_byte_order_mark_are_read_as_excel_writes_them(
    admin_client: Client,
) -> None:
    text = "\ufeffsku;name;price;currency\r\nMUG;Mug, blue;9.50;EUR\r\n"
    say_yes(admin_client, PRODUCTS, send(admin_client, PRODUCTS, text))
    assert Product.objects.get().name == "Mug, blue"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"sku,name\nA,B\n", "does not name: price, currency"),
        (b"sku,sku\nA,B\n", "name each column once"),
        (HEADER.encode(), "no rows below the first"),
        (HEADER.encode() + b"A,B,1,EUR,more\n", "Row 2 has more cells"),
        (b"\xff\xfe\x00", "neither an Excel file nor a CSV file"),
        (b"PK\x03\x04 no archive", "no Excel file that can be read"),
        (b'sku,name,price,currency\n"A', "This is no CSV file"),
        (b"x" * (files.MAX_BYTES + 1), "larger than 1,024 KiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    content: bytes, said: str, admin_client: Client
) -> None:
    assert said in send(admin_client, PRODUCTS, content)


def test_a_file_of_too_many_rows_is_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 2)
    page = send(admin_client, PRODUCTS, HEADER + "A,A,1,EUR\nB,B,1,EUR\nC,C,1,EUR\n")
    assert "more than 2 rows" in page


def test_a_file_that_unpacks_to_too_much_is_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 100)
    assert "far larger than it looks" in send(admin_client, PRODUCTS, excel(["sku"], ["A"]))


def test_stock_from_a_file_is_on_sale_at_once_and_in_the_ledger(
    sale: Sale, admin_client: Client
) -> None:
    preview = send(admin_client, stock_of(sale), "sku,quantity,price\nTEE,5,12.50\nCAP,7,\n")
    assert allocated() == {"TEE": 50, "CAP": 10}
    page = say_yes(admin_client, stock_of(sale), preview)

    assert "Added 12 units of 2 SKUs from a file." in page
    assert allocated() == available(sale) == {"TEE": 55, "CAP": 17}
    added = StockMovement.objects.filter(kind="allocate").order_by("-pk")[:2]
    assert {movement.allocated for movement in added} == {5, 7}
    assert LogEntry.objects.get().object_id == str(sale.pk)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("MUG,5,", "does not offer"),
        ("TEE,0,", "whole number from 1"),
        ("TEE,2.5,", "whole number from 1"),
        ("TEE,many,", "whole number from 1"),
        ("CAP,1,", "more than once"),
        ("TEE,1,9.99", "keeps its price of 12.5"),
    ],
)
def test_one_bad_row_adds_no_stock_at_all(
    row: str, said: str, sale: Sale, admin_client: Client
) -> None:
    page = send(admin_client, stock_of(sale), f"sku,quantity,price\nCAP,7,\n{row}\n")
    assert said in page
    assert "Row 3: " in page
    assert not KEPT.search(page)
    assert allocated() == available(sale) == {"TEE": 50, "CAP": 10}


def test_a_yes_to_a_sale_that_was_changed_since_the_preview_adds_nothing(
    sale: Sale, admin_client: Client
) -> None:
    preview = send(admin_client, stock_of(sale), "sku,quantity\nTEE,5\n")
    Sale.objects.update(version=sale.version + 1)
    assert "was changed by someone else" in say_yes(admin_client, stock_of(sale), preview)
    assert allocated() == {"TEE": 50, "CAP": 10}


def test_stock_that_redis_was_not_told_of_is_added_all_the_same_and_said_so(
    sale: Sale, admin_client: Client
) -> None:
    preview = send(admin_client, stock_of(sale), "sku,quantity\nTEE,5\n")
    redis_client().delete(*redis_client().keys(f"*{{sale:{sale.pk}}}*"))
    page = say_yes(admin_client, stock_of(sale), preview)
    assert "Redis does not know of it yet" in page
    assert allocated() == {"TEE": 55, "CAP": 10}


@pytest.mark.parametrize("names", [(), ("add_product",), ("change_sale",)])
def test_who_may_not_change_the_stock_or_the_products_cannot_import_them(
    names: tuple[str, ...], sale: Sale
) -> None:
    user = User.objects.create_user("staff", is_staff=True)
    may = Permission.objects.filter(codename__in=("view_product", "view_sale", *names))
    user.user_permissions.set(may)
    client = Client()
    client.force_login(user)
    for path in (PRODUCTS, stock_of(sale)):
        assert client.get(path).status_code == 403
        assert client.post(path, {"kept": "x"}).status_code == 403
    assert PRODUCTS not in client.get("/admin/inventory/product/").content.decode()
