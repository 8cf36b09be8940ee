"""The cases of each kind of problem, with the body that the client gets."""

from dataclasses import dataclass

import msgspec

from orders.http import problems
from orders.http.problems import Problem, ProblemType

from .examples import DEMO_ORDER, DEMO_SALE, DEMO_SKU, OTHER_DEMO_SKU
from .shapes import Json


@dataclass(frozen=True, slots=True)
class Case:
    """A cause of a problem, and its operations; none named: every one that has the problem."""

    happened: str
    problem: Problem
    operations: tuple[str, ...]

    def comes_up_in(self, operation: str) -> bool:
        """Return whether an operation can answer with this case."""
        return not self.operations or operation in self.operations

    def body(self) -> Json:
        """Return the body that the client gets."""
        body: Json = msgspec.json.decode(self.problem.body())
        return body


def cases_of(kind: ProblemType) -> list[Case]:
    """Return the cases of a problem, the usual one first."""
    return [case for case in _CASES if case.problem.type is kind]


def _case(
    kind: ProblemType,
    happened: str,
    detail: str,
    *errors: Json,
    retry_after: int | None = None,
    only: str = "",
) -> Case:
    """Return a case; `only` lists operations, with blanks in between."""
    return Case(happened, Problem(kind, detail, list(errors), retry_after), tuple(only.split()))


def _error(pointer: str, detail: str, **more: object) -> Json:
    return {"pointer": pointer, **more, "detail": detail}


_CASES = [
    _case(
        problems.NO_METRICS_TOKEN,
        "`METRICS_TOKEN` is set, and the request does not carry it",
        "The metrics' token is missing or wrong.",
    ),
    _case(problems.UNAUTHENTICATED, "The request has no API key", "The API key is missing."),
    _case(problems.UNAUTHENTICATED, "The key is unknown or revoked", "The API key is not known."),
    _case(
        problems.BAD_SIGNATURE,
        "The body or a header was changed on the way, or the secret is another",
        "No matching signature found.",
        only="takePayment",
    ),
    _case(
        problems.BAD_SIGNATURE,
        "The message was signed more than five minutes ago",
        "Message timestamp too old.",
        only="takePayment",
    ),
    _case(
        problems.BAD_SIGNATURE,
        "The header Stripe-Signature is missing, wrong, or too old",
        "Stripe has not signed this, or not lately.",
        only="takeStripeEvent",
    ),
    _case(
        problems.RATE_LIMITED,
        "Your client sends more orders a second than was agreed",
        "Too many orders a second.",
        retry_after=1,
    ),
    _case(
        problems.KEY_MISSING,
        "The order came without a key",
        "An order needs the header Idempotency-Key.",
    ),
    _case(
        problems.KEY_INVALID,
        "The key is too long, has a blank or a control character in it, or came twice",
        "An Idempotency-Key is 1 to 255 visible ASCII characters, given once.",
    ),
    _case(
        problems.KEY_REUSED,
        "You used this key before in this sale, for an order with other content",
        "The key belongs to a different request.",
    ),
    _case(
        problems.UNSUPPORTED_MEDIA_TYPE,
        "The Content-Type is missing or is not JSON in UTF-8",
        "An order is sent as application/json.",
    ),
    _case(
        problems.BODY_TOO_LARGE,
        "The body has more than 16 KiB",
        "An order has at most 16384 bytes.",
        only="placeOrder",
    ),
    _case(
        problems.BODY_TOO_LARGE,
        "The message has more than 64 KiB",
        "A payment provider's message has at most 65536 bytes.",
        only="takePayment takeStripeEvent",
    ),
    _case(
        problems.BODY_TOO_LARGE,
        "The request announces a body of more than 2 MiB",
        "A body has at most 2097152 bytes here.",
        only=(
            "getOrder cancelOrder takePayment takeStripeEvent getSale getOpenApi getLiveness "
            "getReadiness getMetrics"
        ),
    ),
    _case(
        problems.BODY_TIMEOUT,
        "The connection was too slow, or the body shorter than announced",
        "The body took over 10 seconds.",
    ),
    _case(
        problems.MALFORMED_JSON,
        "The body ends too early, or is not JSON at all",
        "Input data was truncated",
    ),
    _case(
        problems.INVALID_REQUEST,
        "Fields are missing, or not what they have to be",
        "Some fields are not valid.",
        _error("", "'customer' is a required property"),
        _error("/lines/0/quantity", "0 is less than the minimum of 1"),
        only="placeOrder",
    ),
    _case(
        problems.INVALID_REQUEST,
        "The query parameter wait is not a number",
        "The query is not valid.",
        _error("", "is a whole number of seconds", parameter="wait"),
        only="getOrder",
    ),
    _case(
        problems.INVALID_REQUEST,
        "The message names no reference, and an amount that the currency cannot have",
        "Some fields are not valid.",
        _error("/data", "'reference' is a required property"),
        _error("/data/amount", "has more decimal places than JPY has"),
        only="takePayment",
    ),
    _case(
        problems.INVALID_REQUEST,
        "An event has other fields than Stripe documents",
        "Some fields are not valid.",
        _error("/data/object", "'amount_refunded' is a required property"),
        only="takeStripeEvent",
    ),
    _case(
        problems.UNKNOWN_SALE,
        "No sale has the name that the order gives",
        "There is no sale 'demo-dorp'.",
    ),
    _case(
        problems.UNKNOWN_SKU,
        "The sale is there, but one of the SKUs is not in it",
        f"Sale {DEMO_SALE} does not offer all SKUs.",
        _error("/lines/0/sku", "is not in this sale", sku="TEE-GREEN"),
    ),
    _case(
        problems.SOLD_OUT,
        "No unit is left",
        "Nothing was held.",
        _error("/lines/0", "is sold out", sku=DEMO_SKU, requested=1, available=0),
    ),
    _case(
        problems.SOLD_OUT,
        "Fewer units are left than the order asks for",
        "Nothing was held.",
        _error("/lines/1", "has too few units left", sku=OTHER_DEMO_SKU, requested=2, available=1),
    ),
    _case(
        problems.PURCHASE_LIMIT,
        "The order would take the customer past the sale's limit",
        "The limit is 4, and 3 are taken already.",
    ),
    _case(
        problems.SALE_NOT_OPEN,
        "The sale opens later",
        f"Sale {DEMO_SALE} is not open yet.",
        retry_after=30,
    ),
    _case(problems.SALE_NOT_OPEN, "The sale is paused", f"Sale {DEMO_SALE} is paused."),
    _case(problems.SALE_CLOSED, "The sale is over", f"Sale {DEMO_SALE} is closed."),
    _case(
        problems.NOT_CANCELLABLE,
        "The order has been paid",
        "The order is paid: refund it at the payment provider, which tells us of it.",
    ),
    _case(
        problems.NOT_CANCELLABLE,
        "The time to pay it is over",
        "The order's hold has ended, and its stock is on sale again.",
    ),
    _case(
        problems.PAYMENT_MISMATCH,
        "The payment is of another amount or currency than the order",
        "The order is over 75 EUR.",
    ),
    _case(
        problems.MESSAGE_CHANGED,
        "The webhook-id stood for another message before",
        "Message msg_2dXkq7 came before, and said something else.",
    ),
    _case(
        problems.NOT_CANCELLABLE,
        "A payment of the order has just come in",
        "A payment was received in time and is being applied: the order is as good as paid.",
    ),
    _case(
        problems.UNAVAILABLE,
        "Whether the order was taken is not known",
        "Redis did not answer.",
        retry_after=1,
        only="placeOrder",
    ),
    _case(
        problems.UNAVAILABLE,
        "There are more orders than can be taken right now",
        "Too many orders wait to be persisted.",
        retry_after=1,
        only="placeOrder",
    ),
    _case(
        problems.UNAVAILABLE,
        "The order is accepted, but no worker has persisted it within seconds",
        "The order is not persisted yet.",
        retry_after=1,
        only="cancelOrder",
    ),
    _case(
        problems.UNAVAILABLE,
        "Something that the answer depends on is away or too busy",
        "PostgreSQL does not answer.",
        retry_after=1,
    ),
    _case(
        problems.NOT_FOUND,
        "There is no such order, or another client placed it",
        f"There is no order {DEMO_ORDER}.",
        only="getOrder cancelOrder",
    ),
    _case(
        problems.NOT_FOUND,
        "The message is about an order that does not exist",
        f"There is no order {DEMO_ORDER}.",
        only="takePayment takeStripeEvent",
    ),
    _case(
        problems.NOT_FOUND,
        "No secret of Stripe's is configured, so there is no such endpoint",
        "There is nothing at /api/v1/payments/stripe.",
        only="takeStripeEvent",
    ),
    _case(
        problems.NOT_FOUND, "There is no such sale", "There is no sale 'demo-dorp'.", only="getSale"
    ),
    _case(
        problems.ORDER_LOST,
        "The server that had the order was lost, and the order with it",
        f"Order {DEMO_ORDER} was accepted and then lost with the server that had it. Place it "
        "again; the same key may be used.",
    ),
    _case(
        problems.BAD_REQUEST,
        "The Host header names a host that this server does not serve",
        "The host name or the request itself is not one that is served here.",
    ),
    _case(
        problems.METHOD_NOT_ALLOWED,
        "The URL does not answer to this method",
        "DELETE is not for this URL.",
    ),
    _case(
        problems.MALFORMED_REQUEST,
        "A field that may come once came twice, or where the body ends is not clear",
        "The header Authorization was sent more than once.",
    ),
    _case(
        problems.REQUEST_TIMEOUT,
        "The connection was too slow for the headers",
        "The head took over 10 seconds.",
    ),
    _case(
        problems.TARGET_TOO_LONG,
        "The URL, with its query, has more than 8 KiB",
        "A URL has at most 8192 bytes.",
    ),
    _case(
        problems.UNSUPPORTED_CODING,
        "The request has a body, and a Content-Encoding",
        "A body is sent as it is: no Content-Encoding.",
    ),
    _case(
        problems.EXPECTATION_FAILED,
        "The header Expect has another value than 100-continue",
        "The only expectation is 100-continue.",
    ),
    _case(
        problems.TOO_MANY_CONNECTIONS,
        "More connections are open from your address than one may have",
        "There are too many connections from this address.",
        retry_after=1,
    ),
    _case(
        problems.HEAD_TOO_LARGE,
        "The head has more than 64 KiB or 100 fields",
        "A head has at most 65536 bytes and 100 fields.",
    ),
    _case(
        problems.NOT_IMPLEMENTED,
        "The Transfer-Encoding is another one than chunked",
        "The only transfer coding here is chunked.",
    ),
    _case(
        problems.NOT_IMPLEMENTED,
        "Nobody has heard of the method",
        "This method is not known here.",
    ),
    _case(
        problems.VERSION_NOT_SUPPORTED,
        "The request is one of HTTP/2 or HTTP/0.9",
        "HTTP/1.1 and HTTP/1.0 are spoken here.",
    ),
]
