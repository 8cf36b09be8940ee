"""Products from a file: new ones are made, known ones get its name and price."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets
from import_export.instance_loaders import CachedInstanceLoader
from tablib import Dataset

from inventory.domain import MAX_UNIT_PRICE
from inventory.errors import RuleRefused
from inventory.models import Product
from inventory.money import AmountRefused, to_minor

from .columns import Column, Columns, Holds, WholeFile

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
    """A file of products: all of its columns have to be there.

    `state` is that of the known products when a person has looked at what the file would do; an
    empty one takes them as they are.
    """

    price = fields.Field(attribute="price", column_name="price", widget=Price())
    # Declared, since the model's default would stand in for a cell that is blank.
    currency = fields.Field(attribute="currency", column_name="currency")
    columns = Columns(
        (
            Column("sku", Holds.CODE),
            Column("name", Holds.TEXT),
            Column("price", Holds.AMOUNT),
            Column("currency", Holds.CODE),
        )
    )

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

    def __init__(self, state: str = "") -> None:
        super().__init__()
        self.state = state

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        self.counted = Counter(dataset["sku"])
        # Locked, so that what is compared is what is changed: until the end of the transaction.
        known = Product.objects.select_for_update(no_key=True).filter(sku__in=self.counted)
        rows = list(known.order_by("pk").values_list("sku", "name", "price", "currency"))
        self.currencies = {sku: currency for sku, *_, currency in rows}
        found = sha256(json.dumps(rows, default=str).encode()).hexdigest()
        seen, self.state = self.state or found, found
        if found != seen:
            raise RuleRefused("A product of the file was changed by someone else: look again.")

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
