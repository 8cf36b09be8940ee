"""The table of where every unit of a demo sale was at its end, SKU by SKU."""

from rich.table import Table

from proof.reconciliation import Balance

from .evidence import Evidence, units_in

GAVE_BACK = ("cancelled", "expired", "refunded")
COLUMNS = ("SKU", "allocated", "= available", "+ held", "+ sold", "returned", "oversold", "drift")


def balance_table(evidence: Evidence) -> Table:
    """Return the table: what is allocated is available, held or sold, and nothing else."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "SKU" else "right", no_wrap=True)
    given_back = units_in(evidence.rows, GAVE_BACK)
    for each in final_balances(evidence):
        amounts = (
            each.allocated,
            each.available,
            each.held,
            each.sold,
            given_back[each.sku],
            evidence.oversold[each.sku],
            each.allocated - each.available - each.in_flight - each.held - each.sold,
        )
        table.add_row(each.sku, *(f"{amount:,}" for amount in amounts))
    return table


def final_balances(evidence: Evidence) -> list[Balance]:
    """Return the balances of the last check after the sale, none where none could be made."""
    after = [check for check in evidence.drift_checks if not check.during]
    return list(after[-1].balances) if after else []
