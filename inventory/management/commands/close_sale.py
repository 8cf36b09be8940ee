"""manage.py close_sale: no more orders; held ones live on."""

import argparse
from typing import Any

from inventory import selectors, services
from inventory.errors import InventoryError
from shop.core import clock
from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import GOOD, Display


class Command(OperatorCommand):
    help = "Close a sale: it takes no more orders; those that hold stock live on."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the sale")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(InventoryError):
            closed = services.close_sale(selectors.get_sale(options["slug"]), now=clock.now())
        display = Display(self.stdout, options)
        if closed:
            display.say(f"Sale {options['slug']} is closed.", GOOD)
        else:
            display.say(f"Sale {options['slug']} was closed already.")
