"""manage.py reconcile: is every unit where both sides say it is?"""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.selectors import get_sale
from orders.errors import ReconciliationImpossible
from orders.services.reconcile import Reconciliation, reconcile, repair

DRIFT, CANNOT_TELL = 1, 2


class Command(BaseCommand):
    help = (
        "Compare Redis with PostgreSQL exactly, also while orders flow. "
        "Exit code 0: no drift; 1: drift found; 2: could not tell."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one sale (default: all)")
        parser.add_argument(
            "--repair", action="store_true", help="correct Redis' counters by the drift found"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        check = repair if options["repair"] else reconcile
        try:
            sales = [get_sale(options["slug"])] if options["slug"] else list(Sale.objects.all())
            results = [check(sale.pk, sale.slug) for sale in sales]
        except (InventoryError, ReconciliationImpossible) as error:
            raise CommandError(str(error), returncode=CANNOT_TELL) from error
        drift = sum(result.drift for result in results)
        if options["json"]:
            self.stdout.write(json.dumps(_document(results, drift)))
        else:
            # A pipe has no width: whatever reads it wants the names whole.
            width = None if self.stdout.isatty() else 160
            Console(file=self.stdout, width=width).print(_table(results))  # type: ignore[arg-type]
            verdict = f"Drift: {drift}" + (", repaired." if drift and options["repair"] else ".")
            self.stdout.write((self.style.ERROR if drift else self.style.SUCCESS)(verdict))
        if drift:
            sys.exit(DRIFT)


def _document(results: list[Reconciliation], drift: int) -> dict[str, Any]:
    return {
        "sales": [
            {
                "sale": result.sale,
                "drift": result.drift,
                "skus": [{**asdict(sku), "drift": sku.drift} for sku in result.skus],
            }
            for result in results
        ],
        "drift": drift,
    }


def _table(results: list[Reconciliation]) -> Table:
    columns = ("allocated", "available", "in_flight", "held", "sold", "drift")
    table = Table()
    for column in ("sale", "SKU"):
        table.add_column(column, overflow="fold")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right", no_wrap=True)
    for result in results:
        for sku in result.skus:
            table.add_row(result.sale, sku.sku, *(f"{getattr(sku, name):,}" for name in columns))
    return table
