"""Exports of orders: as CSV of any length, or as a spreadsheet up to its bound."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters, get_content_type_for_model
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from import_export.formats.base_formats import XLSX
from tablib import Dataset

from orders.models import Order
from shop.core import clock
from shop.core.admin.lists import BigTableAdmin

from .order_rows import COLUMNS, Row, pages

EXPORT = "orders.export_order"
SPREADSHEET_ROWS = 10_000
BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8


class ExportForm(forms.Form):
    """The choice of the format of an export."""

    format = forms.ChoiceField(
        choices=[
            ("csv", "CSV, any number of orders"),
            ("xlsx", f"Excel, up to {SPREADSHEET_ROWS:,} orders"),
        ],
        initial="csv",
        widget=forms.RadioSelect,
    )


class ExportsOrders(BigTableAdmin):
    """A button of the list that exports all that its filters and search have found."""

    change_list_template = "admin/orders/order_list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export)
        return [path("export/", view, name="orders_order_export"), *super().get_urls()]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(EXPORT) and self.has_view_permission(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"has_export_permission": self.has_export_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            orders = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise BadRequest("It asks for a page that there is not.") from error
        form = ExportForm(request.POST or None)
        if not form.is_valid():
            return self._page(request, form)
        if form.cleaned_data["format"] == "csv":
            _note(request, "CSV")
            return _streamed(request, orders)
        if orders.order_by()[: SPREADSHEET_ROWS + 1].count() > SPREADSHEET_ROWS:
            text = f"These are more than {SPREADSHEET_ROWS:,} orders: take the CSV, or filter them."
            messages.error(request, text)
            return self._page(request, form)
        _note(request, "Excel")
        return _spreadsheet(orders)

    def _page(self, request: HttpRequest, form: ExportForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Export orders",
            "opts": self.opts,
            "form": form,
            "columns": COLUMNS,
            "is_filtered": bool(request.GET),
            "back": reverse("admin:orders_order_changelist", query=request.GET),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/orders/export.html", context)


def _streamed(request: HttpRequest, orders: QuerySet[Order]) -> StreamingHttpResponse:
    parts = _csv(orders)
    # An iterator of the wrong kind would be read to its end before the first byte goes out.
    content = _from_thread(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(
        content, content_type="text/csv; charset=utf-8", headers=_as_file("csv")
    )


def _csv(orders: QuerySet[Order]) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _csv_of([COLUMNS])
    for page in pages(orders):
        yield _csv_of(page)


def _csv_of(rows: Iterable[Iterable[str]]) -> str:
    """Return rows as CSV (RFC 4180)."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


async def _from_thread(parts: Iterator[str]) -> AsyncIterator[str]:
    while part := await sync_to_async(_next)(parts):
        yield part


def _next(parts: Iterator[str]) -> str:
    return next(parts, "")


def _spreadsheet(orders: QuerySet[Order]) -> HttpResponse:
    rows: list[Row] = [row for page in pages(orders) for row in page]
    sheet = XLSX()
    content = sheet.export_data(Dataset(*rows[:SPREADSHEET_ROWS], headers=COLUMNS))
    return HttpResponse(content, content_type=sheet.get_content_type(), headers=_as_file("xlsx"))


def _as_file(extension: str) -> dict[str, str]:
    name = f"orders-{clock.now():%Y-%m-%d}.{extension}"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _note(request: HttpRequest, kind: str) -> None:
    """Log the export of personal data, with its user and its filters."""
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=get_content_type_for_model(Order),
        object_repr="orders",
        action_flag=CHANGE,
        change_message=f"Exported as {kind}: {request.GET.urlencode() or 'all of them'}",
    )
