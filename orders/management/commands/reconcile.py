"""manage.py reconcile: is every unit where both sides say it is?"""

import argparse
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.selectors import get_sale
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord
from orders.services.reconcile import reconcile
from orders.services.reconciliations import record_of
from orders.services.repair import Correction, repair

DRIFT, CANNOT_TELL = 1, 2


class Command(BaseCommand):
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
        try:
            sales = [get_sale(options["slug"])] if options["slug"] else list(Sale.objects.all())
            records = [record_of(sale, reconcile(sale.pk, sale.slug)) for sale in sales]
            made = self._repair(records) if options["repair"] else []
        except (InventoryError, ReconciliationImpossible) as error:
            raise CommandError(str(error), returncode=CANNOT_TELL) from error
        drift = sum(record.drift or 0 for record in records)
        if options["json"]:
            self.stdout.write(json.dumps(_document(records, drift)))
        else:
            self._print(records, made, drift, repaired=options["repair"])
        if drift:
            sys.exit(DRIFT)

    def _repair(self, records: list[ReconciliationRecord]) -> list[Correction]:
        made: list[Correction] = []
        for record in records:
            if record.drift:
                made += repair(record.sale_id, record.sale.slug)
                record.repaired = True
                record.save()
        return made

    def _print(
        self,
        records: list[ReconciliationRecord],
        made: list[Correction],
        drift: int,
        *,
        repaired: bool,
    ) -> None:
        # A pipe has no width: whatever reads it wants the names whole.
        width = None if self.stdout.isatty() else 160
        Console(file=self.stdout, width=width).print(_table(records))  # type: ignore[arg-type]
        for record in records:
            for finding in record.findings:
                self.stdout.write(f"{record.sale.slug}: {_sentence(finding)}")
        for each in made:
            self.stdout.write(
                f"Corrected {each.sku}: {each.held:+} held and {each.sold:+} sold in the ledger, "
                f"{each.counter:+} in Redis."
            )
        hint = ", repaired." if repaired else ". To mend it: manage.py reconcile --repair"
        verdict = f"Drift: {drift}" + (hint if drift else ".")
        self.stdout.write((self.style.ERROR if drift else self.style.SUCCESS)(verdict))


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


def _table(records: list[ReconciliationRecord]) -> Table:
    columns = ("allocated", "available", "in_flight", "held", "sold", "drift")
    table = Table()
    for column in ("sale", "SKU"):
        table.add_column(column, overflow="fold")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right", no_wrap=True)
    for record in records:
        for sku in record.skus:
            table.add_row(record.sale.slug, sku["sku"], *(f"{sku[name]:,}" for name in columns))
    return table
