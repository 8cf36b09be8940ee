"""manage.py extend_sale: a later closing time."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from inventory import services
from inventory.errors import RuleRefused
from inventory.management.sale_command import SaleCommand
from inventory.models import Sale
from shop.core import clock
from shop.core.command_line import arguments


class Command(SaleCommand):
    help = "Let a sale close later, also one whose closing time has just passed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        when = parser.add_mutually_exclusive_group(required=True)
        when.add_argument(
            "--closes",
            type=arguments.moment,
            metavar="ISO",
            help="when it closes, ISO 8601 (no zone: UTC)",
        )
        when.add_argument("--never", action="store_true", help="only by manage.py close_sale")

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        closes_at = None if options["never"] else options["closes"]
        _require_later(sale, closes_at)
        services.change_window(
            sale,
            version=sale.version,
            now=clock.now(),
            opens_at=sale.opens_at,
            closes_at=closes_at,
        )
        until = f"closes at {closes_at.isoformat()}" if closes_at else "stays open until closed"
        return f"Sale {sale.slug} {until}."


def _require_later(sale: Sale, closes_at: datetime | None) -> None:
    if closes_at is None:
        return
    if sale.closes_at is None or closes_at < sale.closes_at:
        now_set = sale.closes_at.isoformat() if sale.closes_at else "never"
        raise RuleRefused(
            f"That is no extension: sale {sale.slug!r} closes {now_set}. "
            f"To end it now: manage.py close_sale {sale.slug}"
        )
