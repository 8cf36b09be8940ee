"""The shop window: GET of a sale and of an order in front of Django.

While a thousand people want a unit, ten thousand watch its price tag, and everyone who was told 202
comes back to see what became of it. Django's request handling would take the process away from
those who order (see docs/adr/0002); this answers all who look at the same moment from one reading.
"""

from urllib.parse import parse_qs

from inventory.errors import SaleUnknown
from orders.http.asgi import Application, Receive, Scope, Send, send_reply
from orders.http.failures import problem_of
from orders.http.headers import OrderHeaders, read_headers
from orders.http.replies import Reply, plain_reply, problem_reply
from orders.intake.placing import intake

from .order_reads import follow
from .sale_reads import live_sales

MAX_SLUG = 64  # characters; no sale has more
SALES = "/api/v1/sales/"
ORDERS = "/api/v1/orders/"


def with_window(application: Application) -> Application:
    """Return an ASGI application that shows sales and orders itself, the rest by `application`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if slug := _last_part(scope, SALES):
            await send_reply(send, await _show_sale(slug, read_headers(scope["headers"])))
        elif order_id := _last_part(scope, ORDERS):
            await send_reply(send, await _show_order(order_id, scope))
        else:
            await application(scope, receive, send)

    return serve


def _last_part(scope: Scope, prefix: str) -> str:
    """Return what is asked for under `prefix`, "" where it is something else."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(prefix):
        return ""
    name = str(scope["path"]).removeprefix(prefix)
    return "" if "/" in name else name


async def _show_sale(slug: str, headers: OrderHeaders) -> Reply:
    try:
        reply = plain_reply(headers, 200, b"application/json", await _sale(slug))
    except Exception as error:
        reply = problem_reply(headers, problem_of(error))
    reply.add(b"access-control-allow-origin", b"*")
    return reply


async def _sale(slug: str) -> bytes:
    """Return a sale in JSON. That there is none costs no query: it is known to the intake."""
    if len(slug) > MAX_SLUG or not await intake().knows_sale(slug):
        raise SaleUnknown(slug[:MAX_SLUG])
    return await live_sales(slug)


async def _show_order(order_id: str, scope: Scope) -> Reply:
    headers = read_headers(scope["headers"])
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    try:
        client = await intake().authenticate(headers.authorization)
        body = await follow(client, order_id, query.get("wait", [None])[-1])
    except Exception as error:
        return problem_reply(headers, problem_of(error))
    return plain_reply(headers, 200, b"application/json", body)
