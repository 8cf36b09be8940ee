"""manage.py expire_holds: put the stock of unpaid orders back on sale, now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.errors import InventoryError
from orders.services.holds import expire_holds
from orders.services.release import release_stock, sales_to_release
from shop.core import clock


class Command(BaseCommand):
    help = "Release the stock of unpaid orders past their hold, in PostgreSQL and in Redis."

    def handle(self, *args: Any, **options: Any) -> None:
        expired = expire_holds(now=clock.now())
        self.stdout.write(f"{expired:,} unpaid orders expired.")
        try:
            for sale_id in sales_to_release():
                release_stock(sale_id)
        except InventoryError as error:
            raise CommandError(f"Their stock is not back in Redis yet: {error}") from error
