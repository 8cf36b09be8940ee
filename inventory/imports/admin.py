"""The buttons that lead to an import: of products on their list, of stock on a sale's page."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from import_export.results import Result

from inventory.models import Product, Sale
from shop.core.admin.buttons import button
from shop.core.admin.lists import ShopAdmin

from .columns import WholeFile
from .pages import Import, import_page
from .products import ProductResource
from .stock import StockResource

IMPORT_PRODUCTS = ("inventory.add_product", "inventory.change_product")
IMPORT_STOCK = ("inventory.restock_sale",)


class ImportsProducts(ShopAdmin):
    """A button above the list of products."""

    actions_list = ("import_products",)

    @button(description="Import", permissions=IMPORT_PRODUCTS, icon="upload", url_path="import")
    def import_products(self, request: HttpRequest) -> HttpResponse:
        what = Import(
            title="Import products",
            text="New SKUs become products; known ones get the name and price of the file. Running "
            "sales keep their prices. One bad row refuses the whole file.",
            example="sku,name,price,currency\nTEE-M,T-shirt M,25.00,EUR",
            permissions=IMPORT_PRODUCTS,
            back=reverse("admin:inventory_product_changelist"),
            resource=ProductResource,
            done=lambda _, result: _products_are_in(request, result),
        )
        return import_page(self, request, what)


class ImportsStock(ShopAdmin):
    """A button on the page of a sale."""

    actions_detail: tuple[Any, ...] = ("import_stock",)

    @button(
        description="Add stock from a file",
        permissions=IMPORT_STOCK,
        icon="upload",
        url_path="import-stock",
    )
    def import_stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        sale: Sale | None = self.get_object(request, unquote(object_id))
        if sale is None:
            raise Http404
        what = Import(
            title=f"Add stock to {sale.slug}",
            text="Adds the quantities of the file to what the sale has of these SKUs, and puts "
            "them on sale at once. A price, if the file has one, has to be the sale's. One bad row "
            "refuses the whole file.",
            example="sku,quantity\nTEE-M,500",
            permissions=IMPORT_STOCK,
            back=reverse("admin:inventory_sale_change", args=[sale.pk]),
            resource=lambda seen: StockResource(sale, version=int(seen or sale.version)),
            adds=True,
            done=lambda resource, _: self._stock_is_in(request, sale, resource),
        )
        return import_page(self, request, what)

    def _stock_is_in(self, request: HttpRequest, sale: Sale, resource: WholeFile) -> None:
        assert isinstance(resource, StockResource), "it was made above"
        units, skus = sum(resource.units.values()), len(resource.units)
        text = f"Added {units:,} units of {skus:,} SKUs from a file."
        self.log_change(request, sale, text)
        messages.success(request, text)
        if resource.warning:
            messages.warning(request, resource.warning)


def _products_are_in(request: HttpRequest, result: Result) -> None:
    text = f"Imported products: {result.totals['new']:,} new, {result.totals['update']:,} changed."
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=get_content_type_for_model(Product),
        object_repr="products",
        action_flag=CHANGE,
        change_message=text,
    )
    messages.success(request, text)
