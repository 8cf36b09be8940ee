"""manage.py create_sale: stock, rules and an open sale in one step."""

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from inventory import services
from inventory.domain import MAX_HOLD_SECONDS, MAX_QUANTITY, parse_sku_spec
from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.validators import validate_currency
from shop.core import clock
from shop.core.command_line import arguments
from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import GOOD, Display


class Command(OperatorCommand):
    help = (
        "Create a sale: creates products where missing, allocates their stock to the sale, "
        "loads the counters and opens the sale (now, unless --opens)."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs["epilog"] = (
            "Example: manage.py create_sale spring-drop --sku TEE-BLACK:500:25.00 "
            "--sku CAP:200:15.00 --limit 2 --hold 600 --opens 2026-11-27T12:00:00+01:00"
        )
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the sale's name in URLs: letters, digits, - and _")
        parser.add_argument(
            "--sku",
            action="append",
            required=True,
            metavar="CODE:QTY[:PRICE]",
            help="a SKU, how many units of it this sale sells, and at what price; repeat for more",
        )
        parser.add_argument("--name", help="the sale's title (default: the slug)")
        parser.add_argument("--currency", default="EUR", help="ISO 4217 (default: %(default)s)")
        parser.add_argument(
            "--limit",
            type=arguments.whole(0, MAX_QUANTITY),
            default=0,
            metavar="N",
            help="units per customer over the whole sale (default: no limit)",
        )
        parser.add_argument(
            "--hold",
            type=arguments.whole(1, MAX_HOLD_SECONDS),
            default=900,
            metavar="SECONDS",
            help="how long an unpaid order keeps its stock (default: %(default)s)",
        )
        parser.add_argument(
            "--opens",
            type=arguments.moment,
            metavar="ISO",
            help="when it opens, ISO 8601 (default: now; no zone: UTC)",
        )
        parser.add_argument(
            "--closes",
            type=arguments.moment,
            metavar="ISO",
            help="when it closes (default: never)",
        )
        parser.add_argument(
            "--payment",
            choices=Sale.Payment.values,
            default=Sale.Payment.REQUIRED,
            help="required: held until paid; none: confirmed at once (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(ValidationError, InventoryError):
            validate_currency(options["currency"])  # before prices are read as amounts in it
            sale = services.create_sale(
                slug=options["slug"],
                name=options["name"] or options["slug"],
                currency=options["currency"],
                skus=[
                    parse_sku_spec(text, options["currency"]) for text in _unique(options["sku"])
                ],
                opens_at=options["opens"] or clock.now(),
                closes_at=options["closes"],
                limit=options["limit"],
                hold_seconds=options["hold"],
                payment=options["payment"],
            )
        Display(self.stdout, options).say(
            f"Sale {sale.slug} takes orders from {sale.opens_at.isoformat()} on.", GOOD
        )


def _unique(specs: list[str]) -> list[str]:
    codes = [spec.split(":")[0] for spec in specs]
    repeated = {code for code in codes if codes.count(code) > 1}
    if repeated:
        raise CommandError(f"--sku names {', '.join(sorted(repeated))} more than once.")
    return specs
