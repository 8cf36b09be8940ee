"""manage.py change_limit: change how many units one customer may buy."""

from argparse import ArgumentParser
from typing import Any

from inventory.domain import MAX_QUANTITY
from inventory.management.sale_command import SaleCommand
from inventory.models import Sale
from orders.reconciliation.limits import change_limit
from shop.core import clock
from shop.core.command_line import arguments


class Command(SaleCommand):
    help = (
        "Change how many units one customer may buy over the whole sale. Customers who have more "
        "keep them, and get no more. Where there was no limit, the units of customers are counted "
        "first; orders are answered 503 meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "limit", type=arguments.whole(0, MAX_QUANTITY), metavar="N", help="units; 0: no limit"
        )

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        limit = options["limit"]
        change_limit(sale, version=sale.version, now=clock.now(), limit=limit)
        return f"Sale {sale.slug}: {f'{limit:,} units' if limit else 'any number'} per customer."
