"""manage.py expire_holds: put the stock of unpaid orders back on sale, now."""

import argparse
import json
from typing import Any

from inventory.errors import InventoryError
from orders.services.holds import expire_holds
from orders.services.release import release_stock, sales_to_release
from shop.core import clock
from shop.core.commands import OperatorCommand, in_plain_words
from shop.core.terminal import Display


class Command(OperatorCommand):
    help = "Release the stock of unpaid orders past their hold, in PostgreSQL and in Redis."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        display = Display(self.stdout, options)
        expired = expire_holds(now=clock.now())
        if not options["json"]:  # said before Redis is asked, which may be away
            display.say(f"{expired:,} unpaid orders expired.")
        released = _release_all(display)
        if options["json"]:
            self.stdout.write(json.dumps({"expired": expired, "released": released}))


def _release_all(display: Display) -> int:
    """Give back in Redis what orders of any sale hold no longer. Returns of how many orders."""
    sales, released = sales_to_release(), 0
    with display.progress("Releasing stock", total=len(sales)) as step:
        for sale_id in sales:
            with in_plain_words(InventoryError):
                released += release_stock(sale_id)
            step()
    return released
