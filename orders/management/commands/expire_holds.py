"""manage.py expire_holds: put the stock of unpaid orders back on sale, now."""

import argparse
import json
import time
from typing import Any

import redis
from django.core.management.base import CommandError

from inventory.errors import InventoryError
from orders.services.holds import MARKING, expire_holds, over_for_certain
from orders.services.release import release_stock, sales_to_release
from shop.core.command_line.commands import SERVER_AWAY, OperatorCommand
from shop.core.command_line.terminal import Display


class Command(OperatorCommand):
    help = "Release the stock of unpaid orders past their hold, in PostgreSQL and in Redis."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        display = Display(self.stdout, options)
        time.sleep(MARKING.total_seconds())  # until all payments of before are marked
        try:
            expired = expire_holds(now=over_for_certain())
        except redis.RedisError as error:
            raise CommandError(
                f"Redis does not answer: {error}. It knows which payments are on their way; no "
                "hold is ended without it.",
                returncode=SERVER_AWAY,
            ) from error
        if not options["json"]:  # printed before Redis is asked, which may be away
            display.say(f"{expired:,} unpaid orders expired.")
        released, troubles = _release_all(display)
        if options["json"]:
            self.stdout.write(json.dumps({"expired": expired, "released": released}))
        if troubles:
            raise CommandError(" ".join(troubles), returncode=SERVER_AWAY)


def _release_all(display: Display) -> tuple[int, list[str]]:
    """Give ended holds back in Redis. Return of how many orders, and why some sales were left out:
    a sale with lost counters holds up no other."""
    sales, released, troubles = sales_to_release(), 0, []
    with display.progress("Releasing stock", total=len(sales)) as step:
        for sale_id in sales:
            try:
                released += release_stock(sale_id)
            except InventoryError as error:
                troubles.append(str(error))
            step()
    return released, troubles
