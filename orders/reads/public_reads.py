"""GET of a sale and of an order, in front of Django.

While a thousand people want a unit, ten thousand watch its price, and each client that got a 202
comes back to see what became of its order. Django's request handling would take the process away
from those who order (see docs/adr/0002). Requests that come at the same moment share one reading.
"""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import parse_qs

from inventory.errors import SaleUnknown
from orders.http.asgi import Application, Receive, Scope, Send, send_reply
from orders.http.failures import problem_of
from orders.http.headers import read_headers
from orders.http.replies import Reply, plain_reply, problem_reply

from .known import client_of, may_have_sale
from .order_reads import follow
from .reference_cache import ReferenceCache
from .sale_reads import live_sales
from .status_watch import StatusWatch

MAX_SLUG = 64  # characters; no sale has more
SALES = "/api/v1/sales/"
ORDERS = "/api/v1/orders/"


class Shared(Protocol):
    """The reference cache and the status watch that all requests of one event loop share."""

    references: ReferenceCache
    watch: StatusWatch


def with_public_reads(application: Application, shared: Callable[[], Shared]) -> Application:
    """Return an ASGI application that shows sales and orders itself, and leaves the rest."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if slug := _last_part(scope, SALES):
            await send_reply(send, await _show_sale(slug, scope, shared()))
        elif order_id := _last_part(scope, ORDERS):
            await send_reply(send, await _show_order(order_id, scope, shared()))
        else:
            await application(scope, receive, send)

    return serve


def _last_part(scope: Scope, prefix: str) -> str:
    """Return the last part of a path that is read under `prefix`, "" for any other request."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(prefix):
        return ""
    name = str(scope["path"]).removeprefix(prefix)
    return "" if "/" in name else name


async def _show_sale(slug: str, scope: Scope, shared: Shared) -> Reply:
    headers = read_headers(scope["headers"])
    try:
        reply = plain_reply(headers, 200, b"application/json", await _sale(slug, shared))
    except Exception as error:
        reply = problem_reply(headers, problem_of(error))
    reply.add(b"access-control-allow-origin", b"*")
    return reply


async def _sale(slug: str, shared: Shared) -> bytes:
    """Return a sale in JSON. An unknown one costs no query: the reference cache knows."""
    if len(slug) > MAX_SLUG or not await may_have_sale(shared.references, slug):
        raise SaleUnknown(slug[:MAX_SLUG])
    return await live_sales(slug)


async def _show_order(order_id: str, scope: Scope, shared: Shared) -> Reply:
    headers = read_headers(scope["headers"])
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    try:
        client = await client_of(shared.references, headers.authorization)
        body = await follow(
            client, order_id, wait=query.get("wait", [None])[-1], watch=shared.watch
        )
    except Exception as error:
        return problem_reply(headers, problem_of(error))
    return plain_reply(headers, 200, b"application/json", body)
