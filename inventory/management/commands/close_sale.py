"""manage.py close_sale: no more orders; held ones live on."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory import selectors, services
from inventory.errors import InventoryError
from shop.core import clock


class Command(BaseCommand):
    help = "Close a sale: it takes no more orders; those that hold stock live on."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            closed = services.close_sale(selectors.get_sale(options["slug"]), now=clock.now())
        except InventoryError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            self.style.SUCCESS(f"Sale {options['slug']} is closed.")
            if closed
            else f"Sale {options['slug']} was closed already."
        )
