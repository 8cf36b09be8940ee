"""Looks at whether both sides agree, by the command that operators use: `reconcile`."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shop.local.errors import CommandFailed
from shop.local.stack import Stack

LOOK_SECONDS = 20.0  # of trying, while a look cannot tell


class Balance(NamedTuple):
    """Where the units of a SKU are."""

    sku: str
    allocated: int
    available: int
    in_flight: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class Look:
    """A reconciliation. `drift` is in units, None where it could not tell."""

    during: bool  # it had ended before the last order was sent
    drift: int | None
    reason: str = ""
    balances: Sequence[Balance] = ()


async def look(stack: Stack, sale: str, *, during: Callable[[], bool]) -> Look:
    """Reconcile, again and again while that cannot tell, for a server may be away.

    `during` is asked after each time.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + LOOK_SECONDS
    while (seen := await _reconcile(stack, sale, during)).drift is None:
        if clock() > deadline:
            break
    return seen


async def _reconcile(stack: Stack, sale: str, during: Callable[[], bool]) -> Look:
    try:
        output = await stack.manage("reconcile", sale, "--json")
    except CommandFailed as error:  # drift is a failure of the command, too
        output = error.output
    drift, balances = read_reconciliation(output)
    lines = output.strip().splitlines()
    reason = lines[-1] if drift is None and lines else ""
    return Look(during=during(), drift=drift, reason=reason, balances=balances)


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
