"""Checks that Redis and PostgreSQL agree, by the command that operators use: `reconcile`."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shop.local.errors import CommandFailed
from shop.local.stack import Stack

CHECK_SECONDS = 20.0  # of trying, while a check cannot tell


class Balance(NamedTuple):
    """Where the units of a SKU are."""

    sku: str
    allocated: int
    available: int
    in_flight: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """A reconciliation. `drift` is in units, None where it could not tell."""

    during: bool  # it had ended before the last order was sent
    drift: int | None
    reason: str = ""
    balances: Sequence[Balance] = ()


async def drift_of(stack: Stack, slugs: Sequence[str]) -> int | None:
    """Return the drift over these sales, in units; None where one of them could not be checked."""
    checks = await asyncio.gather(*(check_drift(stack, slug) for slug in slugs))
    drifts = [check.drift for check in checks if check.drift is not None]
    return sum(drifts) if len(drifts) == len(checks) else None


async def check_drift(
    stack: Stack, sale: str, *, during: Callable[[], bool] = lambda: False
) -> DriftCheck:
    """Reconcile, again and again while that cannot tell, for a server may be away.

    `during` is asked after each time.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + CHECK_SECONDS
    while (check := await _reconcile(stack, sale, during)).drift is None:
        if clock() > deadline:
            break
    return check


async def _reconcile(stack: Stack, sale: str, during: Callable[[], bool]) -> DriftCheck:
    try:
        output = await stack.manage("reconcile", sale, "--json")
    except CommandFailed as error:  # drift is a failure of the command, too
        output = error.output
    drift, balances = read_reconciliation(output)
    lines = output.strip().splitlines()
    reason = lines[-1] if drift is None and lines else ""
    return DriftCheck(during=during(), drift=drift, reason=reason, balances=balances)


def read_reconciliation(output: str) -> tuple[int | None, list[Balance]]:
    """Return the drift and the balances that `reconcile --json` has printed, None and none if it
    has printed none."""
    for line in output.splitlines():
        try:
            document = json.loads(line)
            skus = [sku for sale in document["sales"] for sku in sale["skus"]]
            return int(document["drift"]), [_balance(sku) for sku in skus]
        except (ValueError, TypeError, KeyError):
            continue
    return None, []


def _balance(sku: dict[str, Any]) -> Balance:
    return Balance(*(sku[name] for name in Balance._fields))
