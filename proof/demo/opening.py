"""Opens a demo sale: the sale itself, keys for its clients, and a webhook for its receiver."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shop.local.api_keys import Key, ensure_key
from shop.local.errors import CommandFailed
from shop.local.signed_payments import payment_secret
from shop.local.stack import Stack

from .people.order_plans import CLIENTS
from .people.plan import PRICE, Plan, plan_sale

OPEN = timedelta(hours=1)  # then the sale closes by itself, however the demo ended


@dataclass(frozen=True)
class Opened:
    """A sale that takes orders, and the keys and secrets to place and pay for them."""

    plan: Plan
    api_keys: Mapping[str, str]  # by client
    payment_secret: str
    webhook_secret: str


def new_plan(*, orders: int, stock: int) -> Plan:
    """Return the plan for a sale of this run alone."""
    return plan_sale(f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}", orders=orders, stock=stock)


async def open_sale(stack: Stack, plan: Plan, *, webhook_url: str) -> Opened:
    """Create the sale of `plan`, clients to sell it through, and a webhook for its events."""
    skus = [f"--sku={sku}:{units}:{PRICE}" for sku, units in plan.stock.items()]
    rules = [
        f"--limit={plan.limit}",
        f"--hold={plan.hold_seconds}",
        f"--closes={(datetime.now(UTC) + OPEN).isoformat()}",
    ]
    _, webhook, *keys = await asyncio.gather(
        stack.manage("create_sale", plan.sale, *skus, *rules),
        stack.manage("create_webhook", webhook_url),
        *(
            ensure_key(stack, Key(f"key_of_demo_{client}", client=f"demo {client}"))
            for client in CLIENTS
        ),
    )
    return Opened(
        plan=plan,
        api_keys=dict(zip(CLIENTS, keys, strict=True)),
        payment_secret=payment_secret(stack.state, stack.env),
        webhook_secret=webhook.splitlines()[-1].strip(),
    )


async def disable_webhook(stack: Stack, url: str) -> None:
    """Have the stack send no more events to `url`: the receiver there ends."""
    with suppress(CommandFailed):  # then there was no such webhook yet, or the stack is broken
        await stack.manage("disable_webhook", url)
