"""manage.py rebuild_stock: rebuild Redis from PostgreSQL after a loss."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from inventory.errors import InventoryError
from inventory.management.sale_command import chosen_sales
from orders.reconciliation.rebuild import Rebuilt, rebuild_stock
from shop.core.command_line.commands import SERVER_AWAY, OperatorCommand, in_plain_words
from shop.core.command_line.terminal import BAD, GOOD, Display


class Command(OperatorCommand):
    help = (
        "Rebuild the Redis side of a sale (default: of all sales) from PostgreSQL after a loss. "
        "Meanwhile the sale answers 503; orders still in the outbox are persisted first."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one sale (default: all)")
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(InventoryError):
            sales = chosen_sales(options["slug"])
        display = Display(self.stdout, options)
        done: list[Rebuilt] = []
        troubles = []
        with display.progress("Rebuilding stock", total=len(sales)) as step:
            for sale in sales:
                try:
                    done.append(rebuild_stock(sale.pk))
                except (InventoryError, ValueError) as error:  # it costs that sale alone
                    troubles.append(f"Sale {sale.slug} could not be rebuilt: {error}")
                else:
                    if not options["json"]:  # at once: the next one may fail
                        _say(done[-1], display)
                step()
        if options["json"]:
            self.stdout.write(json.dumps({"sales": [asdict(each) for each in done]}))
        if troubles:
            raise CommandError(" ".join(troubles), returncode=SERVER_AWAY)


def _say(done: Rebuilt, display: Display) -> None:
    display.say(
        f"{done.sale}: epoch {done.epoch}, {done.persisted} orders persisted from the outbox, "
        f"{done.requests} request records written back.",
        GOOD,
    )
    for order_id in done.lost:
        display.say(f"{done.sale}: order {order_id} is lost.", BAD)
