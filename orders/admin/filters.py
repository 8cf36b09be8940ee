"""Filters and searches of lists of orders: each is answered through an index."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from inventory.admin import uuid_in
from inventory.models import Sale
from orders.models import ApiClient
from shop.core.admin.lists import OfferedFilter

RECENT_SALES = 30
_IS_ID = re.compile(r"[0-9]{1,18}")


class SaleFilter(admin.SimpleListFilter):
    """Orders by sale. Only the latest sales are offered: years of them would not fit a page."""

    title = "sale"
    parameter_name = "sale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        latest = list(Sale.objects.order_by("-pk").values_list("pk", "slug")[:RECENT_SALES])
        return [(str(pk), slug) for pk, slug in latest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(sale=_id_in(value)) if value else queryset


class OwnerFilter(admin.SimpleListFilter):
    """Webhooks by the client whose orders they are sent."""

    title = "orders of"
    parameter_name = "client"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        owners = ApiClient.objects.filter(endpoints__isnull=False).distinct()
        return [("shop", "The whole shop"), *((str(c.pk), c.name) for c in owners)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "shop":
            return queryset.filter(client__isnull=True)
        return queryset.filter(client=_id_in(value)) if value else queryset


class RefundFilter(OfferedFilter):
    """Orders with a refund due."""

    title = "refund"
    parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("due", "Due")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(refund_due__isnull=False) if self.value() == "due" else queryset


def matching(term: str) -> Q:
    """Match orders by id, request id or customer, each through its index.

    The index on request ids begins with client and sale and leaves out rejected orders: those are
    few, and have an index of their own.
    """
    clients = list(ApiClient.objects.values_list("pk", flat=True))
    sales = list(Sale.objects.values_list("pk", flat=True))
    request = Q(client__in=clients, sale__in=sales, request_key=term) & ~Q(status="rejected")
    matches = Q(customer=term) | request | Q(status="rejected", request_key=term)
    order_id = uuid_in(term)
    return matches | Q(pk=order_id) if order_id else matches


def _id_in(value: str) -> int:
    if not _IS_ID.fullmatch(value):
        raise BadRequest("It filters by the number of a row, and this is none.")
    return int(value)
