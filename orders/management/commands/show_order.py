"""manage.py show_order: show one order and its story, in whichever store it is."""

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import CommandError

from inventory.errors import InventoryError
from orders.domain import parse_order_id
from orders.errors import OrderError
from orders.management.order_lookup import Known, look_up
from orders.reads.order_story import Entry
from shop.core import clock
from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import Display


class Command(OperatorCommand):
    help = (
        "Show an order of any client, wherever it is on its way, with its events, payments, "
        "movements of stock and deliveries in the order of time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="its id, as the API and the admin show it")
        parser.add_argument("--json", action="store_true", help="print the order as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        order_id = parse_order_id(options["id"])
        if order_id is None:
            raise CommandError(f"{options['id']!r} is no order id.")
        with in_plain_words(OrderError, InventoryError):
            known = look_up(order_id)
        if options["json"]:
            self.stdout.write(msgspec.json.encode(_document(known)).decode())
        else:
            _print(known, Display(self.stdout, options))


def _document(known: Known) -> dict[str, Any]:
    return {
        "order": known.view,
        "client": known.client.name,
        "history": [
            {"at": _time(entry), "what": entry.kind, "detail": entry.detail}
            for entry in known.history
        ],
    }


def _print(known: Known, display: Display) -> None:
    view = known.view
    facts = {
        "order": view.id,
        "status": view.status,
        "sale": view.sale,
        "customer": view.customer,
        "mail address": view.email or "none",
        "client": known.client.name,
        "total": f"{view.total} {view.currency}",
        "accepted": view.created_at,
        "hold ends": view.hold_expires_at,
    }
    if known.is_being_paid:
        facts["payment"] = "received, being applied"
    if view.refund_due is not msgspec.UNSET:
        facts["refund due"] = f"{view.refund_due} {view.currency}"
    display.facts(facts)
    display.table(
        ("SKU", "quantity", "unit price"),
        [(line.sku, line.quantity, line.unit_price) for line in view.lines],
    )
    if known.history:
        rows = [(_time(entry), entry.kind, entry.detail) for entry in known.history]
        display.table(("when", "what", "detail"), rows)
    else:
        display.say("It is in the outbox, and not in PostgreSQL yet.")


def _time(entry: Entry) -> str:
    return clock.rfc3339(clock.to_ms(entry.at))
