"""Every problem that the API can answer with (RFC 9457), in the table that documents them too."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec


class Retry(StrEnum):
    """Whether sending the request once more helps, and with which Idempotency-Key."""

    SAME_KEY = (
        "Yes: the same request again, an order with the same key; where the answer has a "
        "Retry-After, once it has passed. It can never become a second order."
    )
    NEW_KEY = (
        "Not with this key, which goes on standing for what was answered, after a refusal for some "
        "minutes. A new try is a new order, with a new key."
    )
    PLACE_AGAIN = "Not of this request. Place the order again: the same key may be used."
    CORRECTED = (
        "Not as it is. Put it right first; an order may then have the same key, for nothing was "
        "noted under it."
    )
    NO = "No: the answer stays the same."


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: its page is /problems/<slug>."""

    slug: str
    status: int
    title: str
    advice: str  # what the caller can do about it
    retry: Retry = Retry.CORRECTED
    challenge: bytes = b""  # its WWW-Authenticate


@dataclass(frozen=True, slots=True)
class Problem:
    """One occurrence of a problem."""

    type: ProblemType
    detail: str
    errors: list[dict[str, Any]] = field(default_factory=list)
    retry_after: int | None = None  # seconds
    headers: tuple[tuple[bytes, bytes], ...] = ()  # further ones

    def body(self) -> bytes:
        """Return the application/problem+json document."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.type.slug}",
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = self.errors
        return msgspec.json.encode(document)

    def header_lines(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the headers that this problem has beside those of any reply."""
        if self.retry_after is not None:
            yield b"Retry-After", b"%d" % self.retry_after
        if self.type.challenge:
            yield b"WWW-Authenticate", self.type.challenge
        yield from self.headers


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


MEDIA_TYPE = "application/problem+json"

UNAUTHENTICATED = ProblemType(
    "unauthenticated",
    401,
    "No valid API key",
    "Send the header Authorization: Bearer <api key>. A key is made with manage.py create_client; "
    "a revoked one is refused within seconds.",
    challenge=b"Bearer",
)
NO_METRICS_TOKEN = ProblemType(
    "no-metrics-token",
    401,
    "The metrics are shown for their token alone",
    "Send the header Authorization: Bearer <token>, with the token that METRICS_TOKEN sets; in "
    "Prometheus it is the scrape's authorization.credentials.",
    challenge=b"Bearer",
)
BAD_SIGNATURE = ProblemType(
    "bad-signature",
    401,
    "The message is not signed by the payment provider",
    "Sign the exact bytes of the body with the secret that both sides know, and send them within "
    "five minutes by a clock that is right. A message that is sent again is signed again.",
)
RATE_LIMITED = ProblemType(
    "rate-limited",
    429,
    "Too many requests",
    "Wait as many seconds as Retry-After says, then send the same request with the same key.",
    Retry.SAME_KEY,
)
KEY_MISSING = ProblemType(
    "idempotency-key-missing",
    400,
    "Idempotency-Key is missing",
    "Give every order a key of its own (a UUID will do) and repeat it when you retry, so that a "
    "retry can never become a second order.",
)
KEY_INVALID = ProblemType(
    "idempotency-key-invalid",
    400,
    "Idempotency-Key is malformed",
    "Use 1 to 255 visible ASCII characters, bare or as a quoted string, in one header.",
)
KEY_REUSED = ProblemType(
    "idempotency-key-reused",
    422,
    "Idempotency-Key was used for another request",
    "A key belongs to one client and one sale, and the first request with it stands. For a "
    "different order use a new key.",
    Retry.NEW_KEY,
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type",
    415,
    "The body is not application/json",
    "Send the order as JSON in UTF-8 with the header Content-Type: application/json.",
)
BODY_TOO_LARGE = ProblemType(
    "body-too-large",
    413,
    "The body is too large",
    "An order has at most 16 KiB, a payment provider's message 64 KiB, any other request 2 MiB. "
    "Keep what is large elsewhere, and put its id into the order's metadata.",
)
BODY_TIMEOUT = ProblemType(
    "body-timeout",
    408,
    "The body did not arrive in time",
    "Send the whole body within ten seconds. Nothing was ordered.",
    Retry.SAME_KEY,
)
MALFORMED_JSON = ProblemType(
    "malformed-json",
    400,
    "The body is not JSON",
    "Check the JSON (RFC 8259): UTF-8, no NaN, no lone surrogates, no trailing commas.",
)
INVALID_REQUEST = ProblemType(
    "invalid-request",
    422,
    "The request is not valid",
    "Each of the errors names a field by its JSON Pointer (RFC 6901) and says what it has to be.",
)
UNKNOWN_SALE = ProblemType(
    "unknown-sale", 422, "There is no such sale", "Check the slug in the field sale."
)
UNKNOWN_SKU = ProblemType(
    "unknown-sku",
    422,
    "The sale does not offer this SKU",
    "GET /api/v1/sales/<slug> lists the SKUs that a sale offers.",
)
SOLD_OUT = ProblemType(
    "sold-out",
    409,
    "Sold out",
    "Nothing was held: an order is taken whole or not at all. Each of the errors names a line that "
    "is short and how many units there were. Held units may come back; a new try needs a new key.",
    Retry.NEW_KEY,
)
PURCHASE_LIMIT = ProblemType(
    "purchase-limit",
    409,
    "The customer's limit would be passed",
    "The limit counts a customer's units over the whole sale. Order fewer, with a new key.",
    Retry.NEW_KEY,
)
SALE_NOT_OPEN = ProblemType(
    "sale-not-open",
    409,
    "The sale is not open",
    "Where Retry-After is given, the sale opens then; the same key may be used.",
    Retry.SAME_KEY,
)
SALE_CLOSED = ProblemType(
    "sale-closed",
    409,
    "The sale is closed",
    "It takes no more orders. Placed orders live on.",
    Retry.NO,
)
NOT_CANCELLABLE = ProblemType(
    "not-cancellable",
    409,
    "The order cannot be cancelled",
    "Only an order that awaits its payment can be cancelled. The detail says what became of this "
    "one; GET it for the rest.",
    Retry.NO,
)
PAYMENT_MISMATCH = ProblemType(
    "payment-mismatch",
    422,
    "The payment is not the order's",
    "Amount and currency have to be the order's own. The message is kept and shown to the "
    "operators; the order is as it was, and sending the message again changes nothing.",
    Retry.NO,
)
MESSAGE_CHANGED = ProblemType(
    "message-changed",
    409,
    "The message's id came before, with another content",
    "The first message with this id stands, and counts once. This one is kept and shown to the "
    "operators; nothing follows from it. News of something else have an id of their own.",
    Retry.NO,
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    "Not available right now",
    "Whether the order was taken may be unknown. Send the same request with the same key after "
    "Retry-After seconds: the answer is then the truth, and it is never a second order.",
    Retry.SAME_KEY,
)
NOT_FOUND = ProblemType(
    "not-found",
    404,
    "Not found",
    "Check the URL, or the order's id in a payment provider's message. Orders are visible to the "
    "client that placed them.",
)
ORDER_LOST = ProblemType(
    "order-lost",
    410,
    "The order is lost",
    "It was accepted by a Redis that has lost its data before the order was in PostgreSQL. Nothing "
    "is held for it. Place it again; the same Idempotency-Key may be used.",
    Retry.PLACE_AGAIN,
)
BAD_REQUEST = ProblemType(
    "bad-request",
    400,
    "The request cannot be served here",
    "Most often the host name is one that this server was not told of: the operator adds it to "
    "DJANGO_ALLOWED_HOSTS.",
)
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed",
    405,
    "Method not allowed",
    "The header Allow lists the methods there are.",
    Retry.NO,
)

MALFORMED_REQUEST = ProblemType(
    "malformed-request",
    400,
    "The request is not HTTP",
    "The detail says which rule of HTTP/1.1 (RFC 9112) the request breaks. The connection is "
    "closed, for where the next request begins is not known.",
)
REQUEST_TIMEOUT = ProblemType(
    "request-timeout",
    408,
    "The request did not arrive in time",
    "Send the head of a request in one go. Nothing was done.",
    Retry.SAME_KEY,
)
TARGET_TOO_LONG = ProblemType(
    "target-too-long",
    414,
    "The URL is too long",
    "A URL has at most 8 KiB. A cursor or a filter belongs in the query, an order in the body.",
)
UNSUPPORTED_CODING = ProblemType(
    "unsupported-content-coding",
    415,
    "The body is packed",
    "Send the body as it is, without Content-Encoding: it is too small for packing to help.",
)
EXPECTATION_FAILED = ProblemType(
    "expectation-failed",
    417,
    "The expectation cannot be met",
    "The header Expect knows one value, 100-continue. Leave it out.",
)
TOO_MANY_CONNECTIONS = ProblemType(
    "too-many-connections",
    429,
    "Too many connections from one address",
    "Keep connections open and use them again; a few carry thousands of orders a second. An "
    "operator whose clients share an address raises WEB_MAX_CONNECTIONS_PER_ADDRESS, or names the "
    "proxy in FORWARDED_ALLOW_IPS.",
    Retry.SAME_KEY,
)
HEAD_TOO_LARGE = ProblemType(
    "head-too-large",
    431,
    "The head of the request is too large",
    "A head has at most 64 KiB and 100 fields. Most often it is cookies that have piled up.",
)
NOT_IMPLEMENTED = ProblemType(
    "not-implemented",
    501,
    "Not known here",
    "Use one of the usual methods, and no transfer coding but chunked.",
    Retry.NO,
)
VERSION_NOT_SUPPORTED = ProblemType(
    "version-not-supported",
    505,
    "This version of HTTP is not spoken here",
    "Speak HTTP/1.1. A proxy in front speaks HTTP/2 or HTTP/3 with the clients.",
    Retry.NO,
)

ALL = {kind.slug: kind for kind in list(globals().values()) if isinstance(kind, ProblemType)}
