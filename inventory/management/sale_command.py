"""Commands that change one sale while it runs, and what they have in common."""

import argparse
from typing import Any

from django.core.management.base import CommandError

from inventory.errors import CountersLost, CountersUnavailable, InventoryError
from inventory.models import Sale
from inventory.selectors import get_sale
from shop.core.command_line.commands import SERVER_AWAY, OperatorCommand, in_plain_words
from shop.core.command_line.terminal import GOOD, Display


class SaleCommand(OperatorCommand):
    """Makes one change of one sale, by `change`, and prints what it returns."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the sale's slug; a command adds what it changes."""
        parser.add_argument("slug", help="the sale")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the change and say what was done. Raises CommandError with one line for people."""
        with in_plain_words(InventoryError):
            try:
                done = self.change(get_sale(options["slug"]), options)
            except (CountersUnavailable, CountersLost) as error:
                raise CommandError(_written(error), returncode=SERVER_AWAY) from error
        Display(self.stdout, options).say(done, GOOD)

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        """Change the sale and return what is the case now.

        Raises InventoryError: before anything is changed, but for CountersLost and
        CountersUnavailable.
        """
        raise NotImplementedError


def chosen_sales(slug: str | None) -> list[Sale]:
    """Return the sale of this name, all where None is given. Raises SaleUnknown.

    An empty name is one that no sale has: a variable that was not set must not mean all of them.
    """
    return list(Sale.objects.all()) if slug is None else [get_sale(slug)]


def _written(error: CountersUnavailable | CountersLost) -> str:
    return f"{error} The change is in PostgreSQL, and workers bring it to Redis: do not repeat it."
