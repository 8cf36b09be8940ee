"""`pay`: sends the running stack, as its payment provider would, the payment of an order."""

import argparse
import os
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg2

from .database import connect, query
from .discovery import database_url, state_dir
from .errors import LocalStackError
from .signed_payments import CALLBACK, Message, payment_secret, signed_headers
from .web import Web

TOTAL = "SELECT trim_scale(total)::text, currency FROM orders_order WHERE id = %s"
TYPES = ("succeeded", "failed", "refunded")
SECONDS = 15.0  # of patience


class NoSuchOrder(LocalStackError):
    """The ledger has no such order, or not yet."""


class NoStack(LocalStackError):
    """No stack runs that could take the payment."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("pay", help="pay an order of the running stack")
    parser.add_argument("order", type=UUID, metavar="ORDER_ID")
    parser.add_argument(
        "--type", choices=TYPES, default=TYPES[0], help="what became of the payment (%(default)s)"
    )
    parser.set_defaults(run=lambda arguments: pay(arguments.order, arguments.type))


def pay(order_id: UUID, type_: str, env: Mapping[str, str] = os.environ) -> int:
    """Send the message, print the answer, and return 0 if it was taken, else 1.

    Every call is a message of its own, about one and the same payment of the order.
    """
    state = state_dir()
    message = _message(order_id, type_, env.get("DATABASE_URL") or database_url(state))
    status, answer = _send(_web(env), message, payment_secret(state, env))
    print(answer)
    return 0 if status == 200 else 1


def _web(env: Mapping[str, str]) -> Web:
    """Return the address that `make up` listens on in the same environment."""
    return Web(env.get("WEB_ADDRESS") or "127.0.0.1", int(env.get("PORT") or 8000))


def _message(order_id: UUID, type_: str, database: str) -> Message:
    """Return the message of a payment of exactly the order's total."""
    try:
        with closing(connect(database)) as connection:
            found = query(connection, TOTAL, str(order_id))
    except psycopg2.OperationalError as error:
        raise NoStack(
            f"PostgreSQL does not answer; start everything with: make up\n{error}"
        ) from error
    if not found:
        raise NoSuchOrder(f"there is no order {order_id} in the ledger")
    [(total, currency)] = found
    return Message(f"payment.{type_}", str(order_id), total, currency, f"by-hand-{order_id}")


def _send(web: Web, message: Message, secret: str) -> tuple[int, str]:
    body = message.body()
    headers = signed_headers(secret, f"by-hand-{uuid4()}", body)
    connection = HTTPConnection(urlsplit(web.url).netloc, timeout=SECONDS)
    try:
        connection.request("POST", CALLBACK, body, headers)
        response = connection.getresponse()
        return response.status, f"{response.status} {response.read().decode(errors='replace')}"
    except (OSError, HTTPException) as error:
        raise NoStack(f"{web.url} does not answer ({error}); start it with: make up") from error
    finally:
        connection.close()
