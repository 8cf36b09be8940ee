"""Looks at whether both sides agree, by the command that operators use: `reconcile`."""

import asyncio
import json
from collections.abc import Sequence

from shop.local.errors import CommandFailed
from shop.local.stack import Stack

TRIES = 5  # while it cannot tell


async def drift_of(stack: Stack, slugs: Sequence[str]) -> int | None:
    """Return the drift over these sales, in units; None where it could not be told."""
    found = await asyncio.gather(*(_drift(stack, slug) for slug in slugs))
    told = [drift for drift in found if drift is not None]
    return sum(told) if len(told) == len(found) else None


async def _drift(stack: Stack, slug: str) -> int | None:
    for _ in range(TRIES):
        try:
            output = await stack.manage("reconcile", slug, "--json")
        except CommandFailed as error:  # drift is a failure of the command, too
            output = error.output
        if (drift := read_drift(output)) is not None:
            return drift
    return None


def read_drift(output: str) -> int | None:
    """Return the drift that `reconcile --json` has printed, None where it has printed none."""
    for line in output.splitlines():
        try:
            return int(json.loads(line)["drift"])
        except (ValueError, TypeError, KeyError):
            continue
    return None
