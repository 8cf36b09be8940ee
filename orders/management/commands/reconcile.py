"""manage.py reconcile: compare Redis with PostgreSQL, and repair drift."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from inventory.errors import InventoryError
from inventory.management.sale_command import chosen_sales
from inventory.models import Sale
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord
from orders.reconciliation.compare import reconcile
from orders.reconciliation.history import record_of
from orders.reconciliation.repair import Correction, repair
from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import BAD, GOOD, Display

DRIFT, CANNOT_TELL = 1, 2
UNITS = ("allocated", "available", "in_flight", "held", "sold", "drift")


class Command(OperatorCommand):
    help = (
        "Compare Redis with PostgreSQL exactly, also while orders flow. "
        "Exit code 0: no drift; 1: drift found; 2: could not tell."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one sale (default: all)")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="mend what drifted: stock rows by their orders, then Redis' counters; each "
            "correction is a line in the stock ledger",
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        display = Display(self.stdout, options)
        with in_plain_words(InventoryError, ReconciliationImpossible, returncode=CANNOT_TELL):
            sales = chosen_sales(options["slug"])
            records, troubles = _compare(sales, display)
            made = _repair(records, display) if options["repair"] else []
        drift = sum(record.drift or 0 for record in records)
        if options["json"]:
            self.stdout.write(json.dumps(_document(records, drift)))
        else:
            _print(records, made, display)
            _print_verdict(drift, display, repaired=options["repair"])
        if drift:
            sys.exit(DRIFT)
        if troubles:
            raise CommandError(" ".join(troubles), returncode=CANNOT_TELL)


def _compare(
    sales: Sequence[Sale], display: Display
) -> tuple[list[ReconciliationRecord], list[str]]:
    """Return the results, and why some sales could not be compared.

    Raises the error of a sale that is the only one.
    """
    records, troubles = [], []
    with display.progress("Comparing Redis with PostgreSQL", total=len(sales)) as step:
        for sale in sales:
            try:
                records.append(record_of(sale, reconcile(sale.pk, sale.slug)))
            except (InventoryError, ReconciliationImpossible) as error:
                if len(sales) == 1:
                    raise
                troubles.append(f"Sale {sale.slug}: {error}")
            step()
    return records, troubles


def _repair(records: Sequence[ReconciliationRecord], display: Display) -> list[Correction]:
    made: list[Correction] = []
    drifted = [record for record in records if record.drift]
    with display.progress("Repairing", total=len(drifted)) as step:
        for record in drifted:
            made += repair(record.sale_id, record.sale.slug)
            record.repaired = True
            record.save()
            step()
    return made


def _print(
    records: Sequence[ReconciliationRecord], made: Sequence[Correction], display: Display
) -> None:
    rows = [
        (record.sale.slug, sku["sku"], *(sku[name] for name in UNITS))
        for record in records
        for sku in record.skus
    ]
    display.table(("sale", "SKU", *(name.replace("_", " ") for name in UNITS)), rows)
    for record in records:
        for finding in record.findings:
            display.say(f"{record.sale.slug}: {_sentence(finding)}")
    for each in made:
        display.say(
            f"Corrected {each.sku}: {each.held:+} held and {each.sold:+} sold in the ledger, "
            f"{each.counter:+} in Redis."
        )


def _print_verdict(drift: int, display: Display, *, repaired: bool) -> None:
    if not drift:
        display.say("Drift: 0.", GOOD)
        return
    hint = ", repaired." if repaired else ". To mend it: manage.py reconcile --repair"
    display.say(f"Drift: {drift}{hint}", BAD)


def _document(records: list[ReconciliationRecord], drift: int) -> dict[str, Any]:
    return {
        "sales": [
            {
                "sale": record.sale.slug,
                "drift": record.drift,
                "skus": record.skus,
                **({"findings": record.findings} if record.findings else {}),
            }
            for record in records
        ],
        "drift": drift,
    }


def _sentence(finding: dict[str, Any]) -> str:
    if not finding["orders"]:
        return f"{finding['text']}."
    named = ", ".join(finding["orders"])
    more = f", and {finding['count'] - len(finding['orders']):,} more"
    rest = more if finding["count"] > len(finding["orders"]) else ""
    return f"{finding['count']:,} orders: {finding['text']}: {named}{rest}."
