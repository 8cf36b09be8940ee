"""manage.py add_stock: more units of a SKU, while it sells."""

from argparse import ArgumentParser
from typing import Any

from inventory import services
from inventory.domain import SkuSpec, parse_sku_spec
from inventory.errors import InvalidSkuSpec, RuleRefused
from inventory.management.sale_command import SaleCommand
from inventory.models import Allocation, Sale
from shop.core import clock


class Command(SaleCommand):
    help = (
        "Add units of a SKU that a sale offers, while it sells. Running it twice adds them twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--sku",
            action="append",
            required=True,
            metavar="CODE:QTY",
            help="the SKU, and how many units are added",
        )

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        spec = _only(options["sku"], sale)
        row = services.add_stock(
            sale,
            version=sale.version,
            now=clock.now(),
            allocation_id=_row_of(sale, spec.code).pk,
            units=spec.quantity,
        )
        return f"Sale {sale.slug} has {row.allocated:,} units of {spec.code} in all."


def _only(specs: list[str], sale: Sale) -> SkuSpec:
    """Return the one SKU that was named: of two, the first could be added and the other refused."""
    if len(specs) > 1:
        raise RuleRefused("--sku: one SKU at a time.")
    spec = parse_sku_spec(specs[0], sale.currency)
    if spec.price is not None:
        raise InvalidSkuSpec(specs[0], "the price of a sale stays as it is: expected CODE:QTY")
    return spec


def _row_of(sale: Sale, code: str) -> Allocation:
    row = sale.allocations.filter(product__sku=code).first()
    if row is None:
        raise RuleRefused(f"Sale {sale.slug!r} does not offer SKU {code!r}.")
    return row
