"""The parameters of requests: in the path, in the query, and in headers."""

from typing import Any

from orders.http.headers import MAX_WAIT_SECONDS

from .examples import DEMO_ORDER, DEMO_SALE
from .headers import described
from .shapes import Json

# 1 to 255 visible ASCII characters, or a quoted string of them, in which \" is a quote.
KEY_PATTERN = r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'


def _parameter(where: str, name: str, about: Json, **more: Any) -> Json:
    return {"in": where, "name": name, "required": where == "path", **about, **more}


ORDER_ID = _parameter(
    "path", "id", described("The order's id.", type="string", format="uuid"), example=DEMO_ORDER
)
SALE_SLUG = _parameter(
    "path", "slug", described("The sale's name in URLs.", type="string"), example=DEMO_SALE
)
WAIT = _parameter(
    "query",
    "wait",
    described(
        "Seconds to wait for the next change of status, more than "
        f"{MAX_WAIT_SECONDS} as {MAX_WAIT_SECONDS}; the order is returned either way.",
        type="integer",
        minimum=0,
        maximum=999_999,
        default=0,
    ),
)
IDEMPOTENCY_KEY = _parameter(
    "header",
    "Idempotency-Key",
    described(
        "Tells this order from your others in the same sale, for retries: 1 to 255 visible ASCII "
        "characters, bare or as a quoted string. A UUID is a good key. Keep it with the basket "
        "until you have an answer. In another sale the same key asks for another order.",
        type="string",
        pattern=KEY_PATTERN,
    ),
    required=True,
    examples={
        "bare": {"value": "9f1c2e64-6f0b-4d2a-8a35-3c1f0c9d7b21"},
        "quoted": {"value": '"basket-4711-attempt-1"'},
    },
)
PREFER = _parameter(
    "header",
    "Prefer",
    described(
        "`wait=<seconds>` (RFC 7240): answer when the order is persisted, or with 202 after so "
        f"many seconds, at most {MAX_WAIT_SECONDS}. Other preferences are ignored.",
        type="string",
    ),
    examples={"none": {"value": ""}, "wait": {"value": "wait=5"}},
)
REQUEST_ID = _parameter(
    "header",
    "X-Request-ID",
    described(
        "Your name for this request in our logs: 1 to 128 letters, digits and `._:-`. One of "
        "another form is replaced, not refused.",
        type="string",
    ),
)

TRACEPARENT = _parameter(
    "header",
    "traceparent",
    described(
        "The trace that this belongs to (W3C Trace Context). It goes with the order through every "
        "process, and into its webhooks; one that is malformed is ignored.",
        type="string",
    ),
)


def _signed(name: str, description: str, example: str) -> Json:
    about = described(description, type="string")
    return _parameter("header", name, about, required=True, example=example)


# As Standard Webhooks has them, for messages in both directions.
WEBHOOK_HEADERS = [
    _signed(
        "webhook-id",
        "The message's id, 1 to 255 visible ASCII characters: the same when it is sent again.",
        "msg_2pKqXfVn7Yb1",
    ),
    _signed(
        "webhook-timestamp",
        "When it is sent, in Unix seconds; more than five minutes off, it is refused.",
        "1795780800",
    ),
    _signed(
        "webhook-signature",
        "`v1,` and, in base64, the HMAC-SHA256 of `<id>.<timestamp>.<body>`; several of them "
        "with blanks in between while a secret is being replaced.",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
]
STRIPE_SIGNATURE = _parameter(
    "header",
    "Stripe-Signature",
    described("As Stripe signs: https://docs.stripe.com/webhooks/signature.", type="string"),
    required=True,
)
