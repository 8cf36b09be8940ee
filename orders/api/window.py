"""The shop window: GET of a sale in front of Django, because everybody looks at the same moment.

While a thousand people want a unit, ten thousand watch its price tag. Django's request handling
would take the process away from those who order (see docs/adr/0002); this answers all who look at
one sale from one reading.
"""

from orders.intake.asgi import Application, Receive, Scope, Send, send_reply
from orders.intake.headers import OrderHeaders, read_headers
from orders.intake.replies import Reply, plain_reply, problem_reply

from .endpoint import problem_of
from .sales import live_sales

PREFIX = "/api/v1/sales/"


def with_window(application: Application) -> Application:
    """Return an ASGI application that shows sales itself and leaves the rest to `application`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if slug := _slug(scope):
            await send_reply(send, await _show(slug, read_headers(scope["headers"])))
        else:
            await application(scope, receive, send)

    return serve


def _slug(scope: Scope) -> str:
    """Return the sale that is asked for, "" where it is something else."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return ""
    slug = str(scope["path"]).removeprefix(PREFIX)
    return "" if "/" in slug else slug


async def _show(slug: str, headers: OrderHeaders) -> Reply:
    try:
        body = await live_sales(slug)
    except Exception as error:
        return problem_reply(headers, problem_of(error))
    reply = plain_reply(headers, 200, b"application/json", body)
    reply.add(b"access-control-allow-origin", b"*")
    return reply
