"""Orders taken out of the house: what the list shows, whole, page by page."""

import asyncio
import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from orders.admin import exports, order_rows
from orders.models import Order
from tests.factories import persisted_order

from .conftest import Sold

pytestmark = pytest.mark.django_db

PATH = "/admin/orders/order/export/"


@pytest.fixture(autouse=True)
def _others(sold: Sold) -> None:
    for n in range(6):
        persisted_order(sold.sale, sold.client, {"TEE": 1}, key=f"k-e{n}", customer=f"bob-{n}")


def rows(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.post(f"{PATH}?{query}", {"format": "csv"})
    assert isinstance(answer, StreamingHttpResponse)
    return list(csv.DictReader(StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def spreadsheet(client: Client, sold: Sold) -> BytesIO:
    return BytesIO(client.post(f"{PATH}?q={sold.order.pk}", {"format": "xlsx"}).content)


def newest_first() -> list[str]:
    return [str(pk) for pk in Order.objects.order_by("-pk").values_list("pk", flat=True)]


@pytest.mark.parametrize("page", [1, 3, 7, 2000])
def test_each_order_is_exported_once_the_newest_first_however_long_a_page_is(
    page: int, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_rows, "PAGE", page)
    assert [row["id"] for row in rows(admin_client)] == newest_first()


def test_a_row_holds_what_an_order_is(sold: Sold, admin_client: Client) -> None:
    [row] = rows(admin_client, f"q={sold.order.pk}")
    assert (row["sale"], row["client"], row["request_id"]) == ("drop", "storefront", "k-1")
    assert (row["status"], row["total"], row["currency"]) == ("awaiting_payment", "37.50", "EUR")
    assert row["lines"] == "2 x TEE; 1 x CAP"
    assert row["accepted_at"].endswith("Z")


def test_what_the_list_is_filtered_by_is_what_is_exported(sold: Sold, admin_client: Client) -> None:
    Order.objects.filter(customer__in=["bob-1", "bob-2"]).update(status="paid")
    found = rows(admin_client, "status__exact=paid&p=1")
    assert [row["customer"] for row in found] == ["bob-2", "bob-1"]
    assert rows(admin_client, f"sale={sold.sale.pk}&status__exact=refunded") == []


def test_a_page_costs_the_same_two_questions_wherever_it_stands(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_rows, "PAGE", 2)
    with CaptureQueriesContext(connection) as captured:
        rows(admin_client)
    pages = [q["sql"] for q in captured if q["sql"].endswith(" DESC LIMIT 2")]
    lines = [q["sql"] for q in captured if 'FROM "orders_orderline"' in q["sql"]]
    assert (len(pages), len(lines)) == (5, 4)
    assert all('"id" < ' in page for page in pages[1:])


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\tx", " =1", "＝1"]
)
def test_no_cell_is_a_formula(name: str, sold: Sold, admin_client: Client) -> None:
    Order.objects.filter(pk=sold.order.pk).update(customer=name)
    [row] = rows(admin_client, f"q={sold.order.pk}")
    assert row["customer"] == f"'{name}"
    sheet = load_workbook(spreadsheet(admin_client, sold)).worksheets[0]
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)


def test_no_cell_becomes_a_formula_where_semicolons_separate(
    sold: Sold, admin_client: Client
) -> None:
    Order.objects.filter(pk=sold.order.pk).update(customer="a; =1;-2;b")
    [row] = rows(admin_client, f"q={sold.order.pk}")
    assert row["customer"] == "a;' =1;'-2;b"


def test_a_csv_file_says_that_it_is_utf_8_and_is_plain_text_otherwise(
    sold: Sold, admin_client: Client
) -> None:
    Order.objects.filter(pk=sold.order.pk).update(customer="00123 Jörg")
    answer: Any = admin_client.post(f"{PATH}?q={sold.order.pk}", {"format": "csv"})
    content = answer.getvalue()
    assert content.startswith(b"\xef\xbb\xbfid,")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert "00123 Jörg" in content.decode()


def test_signs_that_no_file_holds_do_not_stop_an_export(sold: Sold, admin_client: Client) -> None:
    Order.objects.filter(pk=sold.order.pk).update(customer="a\x01b\x1f")
    [row] = rows(admin_client, f"q={sold.order.pk}")
    assert row["customer"] == "a\ufffdb\ufffd"
    assert load_workbook(spreadsheet(admin_client, sold))


def test_a_spreadsheet_keeps_zeros_and_long_numbers(sold: Sold, admin_client: Client) -> None:
    Order.objects.filter(pk=sold.order.pk).update(
        customer="00123", request_key="123456789012345678"
    )
    sheet = load_workbook(spreadsheet(admin_client, sold)).worksheets[0]
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    found = dict(zip(header, row, strict=True))
    assert (found["customer"], found["request_id"]) == ("00123", "123456789012345678")


@pytest.mark.parametrize(
    "query",
    [
        "sale=drop",
        "sale=9999999999999999999999",
        "sale=%D9%A1",
        "status__exact=nonsense",
        "status__exact=%00",
        "refund=maybe",
        "sale__id__exact=abc",
        "q=%00",
        "no_such_field=1",
    ],
)
def test_a_filter_that_is_wrong_exports_nothing(query: str, admin_client: Client) -> None:
    for method in (admin_client.get, admin_client.post):
        assert method(f"{PATH}?{query}", {"format": "csv"}).status_code == 400
    assert admin_client.get(f"/admin/orders/order/?{query}").status_code == 400


def test_a_spreadsheet_holds_the_same(sold: Sold, admin_client: Client) -> None:
    answer = admin_client.post(f"{PATH}?q={sold.order.pk}", {"format": "xlsx"})
    sheet = load_workbook(BytesIO(answer.content)).worksheets[0]
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    assert dict(zip(header, row, strict=True))["id"] == str(sold.order.pk)


def test_a_spreadsheet_has_a_bound_and_says_what_has_none(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "SPREADSHEET_ROWS", 6)
    page = admin_client.post(PATH, {"format": "xlsx"}).content.decode()
    assert "more than 6 orders: take the CSV" in page
    assert not LogEntry.objects.exists()


def test_it_is_written_down_who_took_what_out(admin_client: Client, admin_user: User) -> None:
    rows(admin_client, "status__exact=paid")
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (
        admin_user,
        "Exported as CSV: status__exact=paid",
    )


def test_who_may_not_export_gets_neither_the_button_nor_the_file(
    viewer: Client, staff: Callable[..., Client]
) -> None:
    assert viewer.post(PATH, {"format": "csv"}).status_code == 403
    assert viewer.get(PATH).status_code == 403
    assert PATH not in viewer.get("/admin/orders/order/").content.decode()
    allowed = staff("export_order")
    assert f"{PATH}?q=ada" in allowed.get("/admin/orders/order/?q=ada").content.decode()
    assert allowed.get(PATH).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_over_asgi_each_page_is_sent_before_the_next_one_is_read(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_rows, "PAGE", 3)
    read: list[int] = []
    pages = exports.pages

    def counted(orders: Any) -> Any:
        for page in pages(orders):
            read.append(len(page))
            yield page

    monkeypatch.setattr(exports, "pages", counted)

    async def take() -> list[tuple[int, bytes]]:
        client = AsyncClient()
        await client.aforce_login(admin_user)
        answer: Any = await client.post(PATH, {"format": "csv"})
        parts = [(len(read), part) async for part in answer]
        await sync_to_async(connections.close_all)()  # of the thread that has read them
        return parts

    parts = asyncio.run(take())
    assert [so_far for so_far, _ in parts] == [0, 1, 2, 3]
    text = b"".join(part for _, part in parts).decode("utf-8-sig")
    assert [row["id"] for row in csv.DictReader(StringIO(text, newline=""))] == newest_first()
