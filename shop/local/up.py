"""`up`: the stack in the foreground, with a demo sale open, until Ctrl-C or SIGTERM.

SIGHUP lets a new web process take over from the running one, without a refused connection.
"""

import argparse
import asyncio
import shlex
import sys
from time import monotonic

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .api_keys import Key, ensure_key
from .discovery import state_dir
from .drop_page import drop_page_keys, trying_out
from .processes.interrupts import on_hang_up, run_until_signal
from .signed_payments import VARIABLE, payment_secret
from .stack import Stack

SALE = "demo-drop"
SALE_OPTIONS = "--sku TEE-BLACK:500:25.00 --sku TEE-WHITE:500:25.00 --limit 4 --hold 600"
ORDER = f'{{"sale": "{SALE}", "customer": "ada", "lines": [{{"sku": "TEE-BLACK", "quantity": 1}}]}}'


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("up", help="run the whole stack until Ctrl-C or SIGTERM")
    parser.set_defaults(run=lambda _: run_until_signal(up()))


async def up() -> int:
    """Run until cancelled."""
    began = monotonic()
    stack = Stack(state_dir(), env=trying_out(), terminal=sys.stdout, keys=drop_page_keys())
    async with stack:
        key = await open_demo_sale(stack)
        stack.be_calm()
        show(stack, api_key=key, seconds=monotonic() - began)
        await _roll_on_hang_up(stack)
    return 0


async def _roll_on_hang_up(stack: Stack) -> None:
    """Roll the web process at every SIGHUP, until cancelled; many at once count as one."""
    asked = asyncio.Event()
    on_hang_up(asked.set)
    while await asked.wait():
        asked.clear()
        await stack.roll_web()


async def open_demo_sale(stack: Stack) -> str:
    """Return an API key for the demo sale; key and sale of an earlier start are used again."""
    key = await ensure_key(stack, Key("demo_api_key", client="demo"))
    if (await stack.web.get(f"/api/v1/sales/{SALE}")).status == 404:
        await stack.manage("create_sale", SALE, *SALE_OPTIONS.split())
    return key


def show(stack: Stack, *, api_key: str, seconds: float) -> None:
    """Print how to order and to pay, and last where everything is and who may enter.

    `seconds` is how long the start took.
    """
    # Outside the box and as it is, so that it can be copied.
    print(
        f"\ncurl -i {stack.web.url}/api/v1/orders \\\n"
        f"  -H 'Authorization: Bearer {api_key}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Idempotency-Key: try-$(date +%s)" \\\n'
        f"  -d '{ORDER}'\n\n"
        f"{shlex.quote(sys.executable)} -m shop.local pay ORDER_ID  # the id that it answers\n",
        flush=True,
    )
    table = Table.grid(padding=(0, 2))
    for name, value in {
        "Site": f"{stack.web.url}/",
        "  buy there": f"{stack.web.url}/sales/{SALE}",
        "Admin": f"{stack.web.url}/admin/",
        "  sign in": f"{stack.superuser}  {_password(stack)}",
        "API": f"{stack.web.url}/api/docs",
        "  demo key": api_key,
        "  payments": _payment_secret(stack),
        "Health": f"{stack.web.url}/readyz",
        **_flower(stack),
        "Logs": str(stack.state / "logs"),
        "Mail": _mail(stack),
    }.items():
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    title = f"Ready after {seconds:.0f} s. Ctrl-C stops everything."
    Console().print(Panel.fit(table, title=title, border_style="green"))


def _flower(stack: Stack) -> dict[str, str]:
    if "flower" not in stack.services:  # a small profile runs none
        return {}
    account = " ".join(stack.env["FLOWER_BASIC_AUTH"].split(":", 1))
    return {"Workers": f"{stack.flower.url}/", "  with": account}


def _payment_secret(stack: Stack) -> str:
    if stack.env.get(VARIABLE):
        return f"(the secret in {VARIABLE})"
    return payment_secret(stack.state, stack.env)


def _mail(stack: Stack) -> str:
    if stack.env.get("EMAIL_URL"):
        return "(the mail server in EMAIL_URL)"
    return str(stack.state / "mail")


def _password(stack: Stack) -> str:
    if stack.env.get("DJANGO_SUPERUSER_PASSWORD"):
        return "(the password in DJANGO_SUPERUSER_PASSWORD)"
    kept = stack.credentials.get("superuser_password")
    return kept or "(the password it was created with)"
