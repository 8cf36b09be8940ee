"""The operations: each endpoint's parameters, body and responses."""

from orders.http import problems
from orders.http.order_request import OrderRequest
from orders.http.representation import OrderView
from orders.payments.adapters.standard import PaymentCallback

from . import examples, parameters
from .headers import header_references
from .responses import json_content, problem_responses, response
from .shapes import Json, Liveness, NoticeView, Readiness, SaleView, StripeEvent

_WITH_API_KEY: list[Json] = [{"ApiKey": []}]
_ORDER_LINKS: Json = {
    operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
    for operation in ("getOrder", "cancelOrder")
}

_PUBLIC: list[Json] = []
_OPEN: list[Json] = [{}]  # beside another scheme: that one is optional
_SIGNED: list[Json] = []  # by headers of the message, for which OpenAPI has no scheme

_OF_ANY_CONNECTION = (
    problems.MALFORMED_REQUEST,
    problems.REQUEST_TIMEOUT,
    problems.BODY_TIMEOUT,
    problems.TARGET_TOO_LONG,
    problems.UNSUPPORTED_CODING,
    problems.EXPECTATION_FAILED,
    problems.TOO_MANY_CONNECTIONS,
    problems.HEAD_TOO_LARGE,
    problems.NOT_IMPLEMENTED,
    problems.VERSION_NOT_SUPPORTED,
)
_ANYWHERE = (
    problems.BAD_REQUEST,
    problems.METHOD_NOT_ALLOWED,
    problems.BODY_TOO_LARGE,
    *_OF_ANY_CONNECTION,
)
_OF_ORDERS = (
    *_ANYWHERE,
    problems.UNAUTHENTICATED,
    problems.NOT_FOUND,
    problems.ORDER_LOST,
    problems.UNAVAILABLE,
)
_OF_PLACING = set(problems.ALL.values()) - {
    problems.NOT_FOUND,
    problems.BAD_REQUEST,
    problems.ORDER_LOST,
    problems.NOT_CANCELLABLE,
    problems.BAD_SIGNATURE,
    problems.PAYMENT_MISMATCH,
}
_OF_MESSAGES = (
    *_ANYWHERE,
    problems.MALFORMED_JSON,
    problems.BAD_SIGNATURE,
    problems.NOT_FOUND,
    problems.INVALID_REQUEST,
    problems.UNAVAILABLE,
)


def place_order() -> Json:
    """Return the operation `placeOrder`."""
    return {
        "operationId": "placeOrder",
        "tags": ["Orders"],
        "summary": "Place an order",
        "description": (
            "Checks the sale, the customer's limit and the stock of every line, and holds all of "
            "it or nothing, in one atomic step. Repeat it with the same `Idempotency-Key` "
            "whenever you are not sure of the outcome."
        ),
        "security": _WITH_API_KEY,
        "parameters": [
            parameters.IDEMPOTENCY_KEY,
            parameters.PREFER,
            parameters.REQUEST_ID,
            parameters.TRACEPARENT,
        ],
        "requestBody": {
            "required": True,
            "description": "At most 16 KiB, of which `metadata` takes at most 2 KiB.",
            "content": json_content(OrderRequest, examples.ORDER_REQUESTS),
        },
        "responses": {
            "201": response(
                "Persisted in time: the answer to `Prefer: wait`, in the order's new status",
                json_content(OrderView, examples.ORDERS_PERSISTED),
                *("Location", "Idempotent-Replayed", "Preference-Applied"),
                links=_ORDER_LINKS,
            ),
            "202": response(
                "Accepted: the stock is held and the order is durable",
                json_content(OrderView, examples.ORDER_ACCEPTED),
                *("Location", "Idempotent-Replayed", "Retry-After"),
                links=_ORDER_LINKS,
            ),
        }
        | problem_responses("placeOrder", *_OF_PLACING),
    }


def get_order() -> Json:
    """Return the operation `getOrder`."""
    return {
        "operationId": "getOrder",
        "tags": ["Orders"],
        "summary": "Get an order",
        "description": (
            "Finds an order from the moment it was accepted. Only the client that placed it can "
            "see it: to all others it does not exist."
        ),
        "security": _WITH_API_KEY,
        "parameters": [parameters.ORDER_ID, parameters.WAIT, parameters.REQUEST_ID],
        "responses": {"200": response("The order", json_content(OrderView, examples.ORDERS))}
        | problem_responses("getOrder", *_OF_ORDERS, problems.INVALID_REQUEST),
    }


def cancel_order() -> Json:
    """Return the operation `cancelOrder`."""
    return {
        "operationId": "cancelOrder",
        "tags": ["Orders"],
        "summary": "Cancel an unpaid order",
        "description": (
            "Ends the hold: the order's units are on sale again within two seconds. Cancelling "
            "once more is answered the same. An order that is still `accepted` is cancelled as "
            "soon as it is persisted. A body is not looked at."
        ),
        "security": _WITH_API_KEY,
        "parameters": [parameters.ORDER_ID, parameters.REQUEST_ID],
        "responses": {
            "200": response(
                "The order, cancelled", json_content(OrderView, examples.ORDER_CANCELLED)
            )
        }
        | problem_responses("cancelOrder", *_OF_ORDERS, problems.NOT_CANCELLABLE),
    }


def take_payment() -> Json:
    """Return the operation `takePayment`."""
    return {
        "operationId": "takePayment",
        "tags": ["Payments"],
        "summary": "Tell of a payment",
        "description": (
            "What the payment provider says of an order, signed as "
            "[Standard Webhooks](https://www.standardwebhooks.com) does with a secret that both "
            "sides know (`PAYMENT_WEBHOOK_SECRET`). 200 says that the message is kept for good, "
            "and is applied by itself within seconds: do not send it again. One that comes again, "
            "under the same `webhook-id`, changes nothing; with another content it is refused. "
            "A payment received before the order's hold ends is in time. Amount and currency have "
            "to be the order's own. A payment counts once by its `reference`, and so does a "
            "refund, which may be called as its payment or by a name of its own; its amount is "
            "what has gone back under that name altogether. Types that nothing follows from are "
            "acknowledged; those that concern money are kept for the operators."
        ),
        "security": _SIGNED,
        "parameters": [*parameters.WEBHOOK_HEADERS, parameters.REQUEST_ID],
        "requestBody": {
            "required": True,
            "description": "At most 64 KiB.",
            "content": json_content(PaymentCallback, examples.PAYMENTS),
        },
        "responses": {"200": response("Taken", json_content(NoticeView, examples.PAYMENT_TAKEN))}
        | problem_responses(
            "takePayment", *_OF_MESSAGES, problems.PAYMENT_MISMATCH, problems.MESSAGE_CHANGED
        ),
    }


def take_stripe_event() -> Json:
    """Return the operation `takeStripeEvent`."""
    return {
        "operationId": "takeStripeEvent",
        "tags": ["Payments"],
        "summary": "Take an event of Stripe's",
        "description": (
            "A webhook endpoint for [Stripe](https://docs.stripe.com/webhooks); there only where "
            "`STRIPE_WEBHOOK_SECRET` is set. Send it `checkout.session.completed`, "
            "`checkout.session.async_payment_succeeded`, `checkout.session.async_payment_failed`, "
            "`payment_intent.succeeded`, `payment_intent.payment_failed` and `charge.refunded`; "
            "disputes, warnings of fraud and refunds that fail are kept for the operators, and all "
            "else is acknowledged and ignored. The order's id belongs into `metadata.order` "
            "of the PaymentIntent (`payment_intent_data.metadata` of a Checkout Session), or into "
            "the session's `metadata.order` or `client_reference_id`. A partial refund, or "
            "another amount than the order's, is kept for the operators and acknowledged, too."
        ),
        "security": _SIGNED,
        "parameters": [parameters.STRIPE_SIGNATURE, parameters.REQUEST_ID],
        "requestBody": {
            "required": True,
            "description": "At most 64 KiB.",
            "content": json_content(StripeEvent, examples.STRIPE_EVENTS),
        },
        "responses": {
            "200": response("Taken", json_content(NoticeView, examples.STRIPE_EVENT_TAKEN))
        }
        | problem_responses("takeStripeEvent", *_OF_MESSAGES),
    }


def get_sale() -> Json:
    """Return the operation `getSale`."""
    responses = {
        "200": response("The sale", json_content(SaleView, examples.SALES))
    } | problem_responses("getSale", *_ANYWHERE, problems.NOT_FOUND, problems.UNAVAILABLE)
    for status in ("200", "404", "503"):
        responses[status]["headers"] |= header_references("Access-Control-Allow-Origin")
    return {
        "operationId": "getSale",
        "tags": ["Sales"],
        "summary": "Get a sale with live stock",
        "description": (
            "Public, and open to scripts of any site. `available` is read from the live counters; "
            "`held` and `sold` are what is persisted, so they may lag behind for a moment, or for "
            "as long as PostgreSQL is away."
        ),
        "security": _PUBLIC,
        "parameters": [parameters.SALE_SLUG, parameters.REQUEST_ID],
        "responses": responses,
    }


def get_document() -> Json:
    """Return the operation `getOpenApi`."""
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "getOpenApi",
        "tags": ["Operations"],
        "summary": "Get this document",
        "security": _PUBLIC,
        "parameters": [parameters.REQUEST_ID],
        "responses": {
            "200": response("The API as OpenAPI 3.1", content, "Access-Control-Allow-Origin")
        }
        | problem_responses("getOpenApi", *_ANYWHERE),
    }


def get_liveness() -> Json:
    """Return the operation `getLiveness`."""
    return {
        "operationId": "getLiveness",
        "tags": ["Operations"],
        "summary": "Is this process alive?",
        "description": "Asks nothing of PostgreSQL or Redis: restart the process where it fails.",
        "security": _PUBLIC,
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("Alive", json_content(Liveness, examples.ALIVE))}
        | problem_responses("getLiveness", *_ANYWHERE),
    }


def get_readiness() -> Json:
    """Return the operation `getReadiness`."""
    failures = problem_responses("getReadiness", *_ANYWHERE, problems.UNAVAILABLE)
    failures["503"]["description"] = (
        "Not ready: `failing` names the parts. Or a problem, where the server is too busy to look."
    )
    failures["503"]["content"] |= json_content(Readiness, examples.NOT_READY)
    return {
        "operationId": "getReadiness",
        "tags": ["Operations"],
        "summary": "Is everything there that orders need?",
        "description": (
            "Checks PostgreSQL, Redis, how durable Redis is set up to be, that it never evicts, "
            "that the background workers make progress, and that none of their duties is late: "
            "orders into the ledger, ends of holds, stock back on sale, payments."
        ),
        "security": _PUBLIC,
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("Ready", json_content(Readiness, examples.READY))} | failures,
    }


def get_metrics() -> Json:
    """Return the operation `getMetrics`."""
    content = {"text/plain": {"schema": {"type": "string"}, "examples": examples.METRICS}}
    return {
        "operationId": "getMetrics",
        "tags": ["Operations"],
        "summary": "Get figures for Prometheus",
        "description": (
            "Read from PostgreSQL and Redis at the moment of asking; what a store that is away "
            "would tell is missing, and `shop_up` says so. Where the shop has set "
            "`METRICS_TOKEN`, it is asked for."
        ),
        "security": [*_OPEN, {"MetricsToken": []}],
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("Prometheus' text format", content)}
        | problem_responses(
            "getMetrics", *_ANYWHERE, problems.NO_METRICS_TOKEN, problems.UNAVAILABLE
        ),
    }
