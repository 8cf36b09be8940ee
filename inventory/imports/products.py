"""Products from a file: new ones are made, known ones get its name and price."""

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets
from import_export.instance_loaders import CachedInstanceLoader
from tablib import Dataset

from inventory.domain import MAX_UNIT_PRICE
from inventory.models import Product
from inventory.money import AmountRefused, to_minor

from .columns import Columns, WholeFile

TWICE = "This SKU stands in the file more than once."


class Price(widgets.Widget):
    """An exact amount, written with a point."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Decimal:
        try:
            price = Decimal(value)
        except InvalidOperation:
            raise ValueError(f"{value!r} is no amount; write it like 12.50.") from None
        if not (price.is_finite() and 0 <= price <= MAX_UNIT_PRICE):
            raise ValueError(f"A price is between 0 and {MAX_UNIT_PRICE:,}.")
        return price


class ProductResource(WholeFile, resources.ModelResource):
    """A file of products: all of its columns have to be there."""

    price = fields.Field(attribute="price", column_name="price", widget=Price())
    columns = Columns("sku", "name", "price", "currency")

    class Meta:
        model = Product
        fields = ("sku", "name", "price", "currency")
        import_id_fields = ("sku",)
        instance_loader_class = CachedInstanceLoader  # one query, not one a row
        use_transactions = True
        use_bulk = True
        batch_size = 1000
        skip_unchanged = True
        skip_html_diff = True
        store_row_values = True

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        self.counted = Counter(dataset["sku"])
        known = Product.objects.filter(sku__in=self.counted)
        self.currencies = dict(known.values_list("sku", "currency"))

    def validate_instance(
        self,
        instance: Product,
        import_validation_errors: dict[str, Any] | None = None,
        validate_unique: bool = True,
    ) -> None:
        errors = dict(import_validation_errors or {})
        try:
            instance.clean_fields(exclude=errors)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if self.counted[instance.sku] > 1:
            errors["sku"] = TWICE
        if not errors.keys() & {"price", "currency"}:
            errors |= _price_errors(instance)
        kept = self.currencies.get(instance.sku, instance.currency)
        if instance.currency != kept:
            errors["currency"] = f"A product keeps the currency that it was made with: {kept}."
        if errors:
            raise ValidationError(errors)


def _price_errors(product: Product) -> dict[str, str]:
    try:
        to_minor(product.price, product.currency)
    except AmountRefused as error:
        return {"price": str(error)}
    return {}
