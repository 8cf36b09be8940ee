"""manage.py rebuild_stock: after a loss of Redis, make it what PostgreSQL says."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.selectors import get_sale
from orders.services.rebuild import rebuild_stock


class Command(BaseCommand):
    help = (
        "Rebuild the Redis side of a sale (default: of all sales) from PostgreSQL after a loss. "
        "Meanwhile the sale answers 503; orders still in the outbox are persisted first."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one sale (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sales = [get_sale(options["slug"])] if options["slug"] else list(Sale.objects.all())
        except InventoryError as error:
            raise CommandError(str(error)) from error
        for sale in sales:
            done = rebuild_stock(sale.pk)
            self.stdout.write(
                self.style.SUCCESS(
                    f"{done.sale}: epoch {done.epoch}, {done.persisted} orders persisted from the "
                    f"outbox, {done.requests} request records written back."
                )
            )
            for order_id in done.lost:
                self.stdout.write(self.style.ERROR(f"{done.sale}: order {order_id} is lost."))
