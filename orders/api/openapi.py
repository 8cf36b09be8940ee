"""The API as an OpenAPI 3.1 document, built from what the code itself goes by."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from django.template.loader import render_to_string
from msgspec import UNSET, Meta, UnsetType

from inventory.domain import SaleState
from orders import problems
from orders.domain import Status
from orders.intake.request import MAX_WAIT_SECONDS, OrderRequest
from orders.problems import Problem, ProblemType
from orders.representation import OrderView, order_view

Json = dict[str, Any]


@cache
def document() -> Json:
    """Return the document. It is made once; do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flash sale orders",
            "version": "1.0.0",
            "description": render_to_string("orders/openapi.md"),
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [
            {"name": "Orders", "description": "Place an order and follow it."},
            {"name": "Sales", "description": "What is on sale, and how much of it is left."},
            {"name": "Operations", "description": "For load balancers, monitoring and tools."},
        ],
        "paths": {
            "/api/v1/orders": {"post": _place_order()},
            "/api/v1/orders/{id}": {"get": _get_order()},
            "/api/v1/sales/{slug}": {"get": _get_sale()},
            "/api/v1/openapi.json": {"get": _get_document()},
            "/healthz": {"get": _get_liveness()},
            "/readyz": {"get": _get_readiness()},
        },
        "components": {
            "schemas": _schemas(),
            "headers": _HEADERS,
            "securitySchemes": {"ApiKey": _API_KEY},
        },
    }


# --- Operations ---------------------------------------------------------------------------------


def _place_order() -> Json:
    return {
        "operationId": "placeOrder",
        "tags": ["Orders"],
        "summary": "Place an order",
        "description": (
            "Checks the sale, the customer's limit and the stock of every line, and holds all of "
            "it or nothing, in one atomic step. Repeat it with the same `Idempotency-Key` "
            "whenever you are not sure of the outcome."
        ),
        "security": [{"ApiKey": []}],
        "parameters": [_IDEMPOTENCY_KEY, _PREFER, _REQUEST_ID],
        "requestBody": {
            "required": True,
            "description": "At most 16 KiB, of which `metadata` takes at most 2 KiB.",
            "content": _json("OrderRequest", _ORDER_REQUESTS),
        },
        "responses": {
            "201": _response(
                "Persisted in time: the answer to `Prefer: wait`, in the order's new status",
                _json("OrderView", _ORDERS_PERSISTED),
                *("Location", "Idempotent-Replayed", "Preference-Applied"),
                links=_ORDER_LINKS,
            ),
            "202": _response(
                "Accepted: the stock is held and the order is durable",
                _json("OrderView", _ORDER_ACCEPTED),
                *("Location", "Idempotent-Replayed", "Retry-After"),
                links=_ORDER_LINKS,
            ),
        }
        | _problem_responses("placeOrder", *(set(problems.ALL.values()) - {problems.NOT_FOUND})),
    }


def _get_order() -> Json:
    return {
        "operationId": "getOrder",
        "tags": ["Orders"],
        "summary": "Get an order",
        "description": (
            "Finds an order from the moment it was accepted. Only the client that placed it can "
            "see it: to all others it does not exist."
        ),
        "security": [{"ApiKey": []}],
        "parameters": [_ORDER_ID, _WAIT, _REQUEST_ID],
        "responses": {
            "200": _response("The order", _json("OrderView", _ORDER_ACCEPTED | _ORDERS_PERSISTED))
        }
        | _problem_responses(
            "getOrder",
            *(problems.UNAUTHENTICATED, problems.NOT_FOUND, problems.METHOD_NOT_ALLOWED),
            *(problems.INVALID_REQUEST, problems.UNAVAILABLE),
        ),
    }


def _get_sale() -> Json:
    return {
        "operationId": "getSale",
        "tags": ["Sales"],
        "summary": "Get a sale with live stock",
        "description": (
            "Public, and open to scripts of any site. `available` is read from the live counters; "
            "`held` and `sold` are what is persisted, so they may lag behind for a moment."
        ),
        "parameters": [_SALE_SLUG, _REQUEST_ID],
        "responses": {"200": _response("The sale", _json("SaleView", _SALES))}
        | _problem_responses(
            "getSale", problems.NOT_FOUND, problems.METHOD_NOT_ALLOWED, problems.UNAVAILABLE
        ),
    }


def _get_document() -> Json:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "getOpenApi",
        "tags": ["Operations"],
        "summary": "Get this document",
        "parameters": [_REQUEST_ID],
        "responses": {"200": _response("The API as OpenAPI 3.1", content)}
        | _problem_responses("getOpenApi", problems.METHOD_NOT_ALLOWED),
    }


def _get_liveness() -> Json:
    return {
        "operationId": "getLiveness",
        "tags": ["Operations"],
        "summary": "Is this process alive?",
        "description": "Asks nothing of PostgreSQL or Redis: restart the process where it fails.",
        "parameters": [_REQUEST_ID],
        "responses": {"200": _response("Alive", _json("Liveness", _ALIVE))}
        | _problem_responses("getLiveness", problems.METHOD_NOT_ALLOWED),
    }


def _get_readiness() -> Json:
    responses = _problem_responses(
        "getReadiness", problems.METHOD_NOT_ALLOWED, problems.UNAVAILABLE
    )
    responses["503"]["description"] = (
        "Not ready: `failing` names the parts. Or a problem, where the server is too busy to look."
    )
    responses["503"]["content"] |= _json("Readiness", _NOT_READY)
    return {
        "operationId": "getReadiness",
        "tags": ["Operations"],
        "summary": "Is everything there that orders need?",
        "description": (
            "Checks PostgreSQL, Redis, how durable Redis is set up to be, that it never evicts, "
            "and that the background workers make progress."
        ),
        "parameters": [_REQUEST_ID],
        "responses": {"200": _response("Ready", _json("Readiness", _READY))} | responses,
    }


# --- Building blocks ----------------------------------------------------------------------------


def _response(description: str, content: Json, *headers: str, **more: Json) -> Json:
    names = sorted({*headers, "X-Request-ID"})
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": content,
        **more,
    }


def _json(schema: str, examples: Json) -> Json:
    return {"application/json": {"schema": _ref(schema), "examples": examples}}


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def _problem_responses(operation: str, *kinds: ProblemType) -> Json:
    """Return a response per status, which lists the problems that come with it."""
    order = list(problems.ALL.values())
    return {
        str(status): _problem_response(
            operation, [kind for kind in order if kind in kinds and kind.status == status]
        )
        for status in sorted({kind.status for kind in kinds})
    }


def _problem_response(operation: str, kinds: list[ProblemType]) -> Json:
    types = {"type": {"enum": [f"/problems/{kind.slug}" for kind in kinds]}}
    content = {
        "schema": {"allOf": [_ref("ProblemView"), {"properties": types}]},
        "examples": {
            f"{kind.slug}-{number}": {"summary": case.happened, "value": case.body()}
            for kind in kinds
            for number, case in enumerate(cases_of(kind), 1)
            if case.operation in ("", operation)
        },
    }
    return _response(
        "\n\n".join(f"**[{kind.title}](/problems/{kind.slug})**: {kind.advice}" for kind in kinds),
        {problems.MEDIA_TYPE: content},
        *_PROBLEM_HEADERS.get(kinds[0].status, ()),
    )


# --- Headers and parameters ---------------------------------------------------------------------

# The demo sale of `make up`: where it runs, the examples can be sent as they are.
DEMO_SALE, DEMO_SKU = "demo-drop", "TEE-BLACK"
DEMO_ORDER = "019ac542-4c7b-8000-8004-9d3f1c5e7a21"
# 1 to 255 visible ASCII characters, or a quoted string of them, in which \" is a quote.
KEY_PATTERN = r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'

_API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, made with `manage.py create_client NAME`.",
}


def _described(description: str, **schema: Any) -> Json:
    return {"description": description, "schema": schema}


def _parameter(where: str, name: str, about: Json, **more: Any) -> Json:
    return {"in": where, "name": name, "required": where == "path", **about, **more}


_IDEMPOTENCY_KEY = _parameter(
    "header",
    "Idempotency-Key",
    _described(
        "Tells this order from your others, for retries: 1 to 255 visible ASCII characters, bare "
        "or as a quoted string. A UUID is a good key. Keep it with the basket until you have an "
        "answer.",
        type="string",
        pattern=KEY_PATTERN,
    ),
    required=True,
    examples={
        "bare": {"value": "9f1c2e64-6f0b-4d2a-8a35-3c1f0c9d7b21"},
        "quoted": {"value": '"basket-4711-attempt-1"'},
    },
)
_PREFER = _parameter(
    "header",
    "Prefer",
    _described(
        "`wait=<seconds>` (RFC 7240): answer when the order is persisted, or with 202 after so "
        f"many seconds, at most {MAX_WAIT_SECONDS}. Other preferences are ignored.",
        type="string",
    ),
    examples={"none": {"value": ""}, "wait": {"value": "wait=5"}},
)
_REQUEST_ID_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
_REQUEST_ID = _parameter(
    "header",
    "X-Request-ID",
    _described(
        "Your name for this request in our logs. One of another form is replaced, not refused.",
        **_REQUEST_ID_SCHEMA,
    ),
)
_WAIT = _parameter(
    "query",
    "wait",
    _described(
        "Seconds to wait for the next change of status; the order is returned either way.",
        type="integer",
        minimum=0,
        maximum=MAX_WAIT_SECONDS,
        default=0,
    ),
)
_ORDER_ID = _parameter(
    "path", "id", _described("The order's id.", type="string", format="uuid"), example=DEMO_ORDER
)
_SALE_SLUG = _parameter(
    "path", "slug", _described("The sale's name in URLs.", type="string"), example=DEMO_SALE
)

_HEADERS = {
    "X-Request-ID": _described(
        "The request's name in our logs: yours, or a new one.", **_REQUEST_ID_SCHEMA
    ),
    "Location": _described(
        "The order's URL; it is found there from now on.", type="string", format="uri-reference"
    ),
    "Retry-After": _described("Come back after so many seconds.", type="integer", minimum=0),
    "Idempotent-Replayed": _described(
        "This request is a repetition, and the answer that of the first.", const="true"
    ),
    "Preference-Applied": _described("`wait=<seconds>` (RFC 7240).", type="string"),
    "WWW-Authenticate": _described("How to authenticate (RFC 6750).", const="Bearer"),
    "Allow": _described("The methods there are.", type="string"),
}
_PROBLEM_HEADERS: dict[int, list[str]] = {
    HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
    HTTPStatus.METHOD_NOT_ALLOWED: ["Allow"],
    HTTPStatus.CONFLICT: ["Retry-After", "Idempotent-Replayed"],
    HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
}
_ORDER_LINKS: Json = {
    "getOrder": {"operationId": "getOrder", "parameters": {"id": "$response.body#/id"}}
}

# --- Shapes -------------------------------------------------------------------------------------

_AMOUNT: Json = {"description": "An exact decimal.", "pattern": r"^\d+(\.\d+)?$"}
_CURRENCY: Json = {"description": "ISO 4217."}
_MOMENT: Json = {"format": "date-time"}

Units = Annotated[int, Meta(ge=0)]
Moment = Annotated[str, Meta(extra_json_schema=_MOMENT)]


class SkuView(msgspec.Struct):
    """A SKU of a sale, and where its `allocated` units are."""

    sku: str
    name: str
    price: Annotated[str, Meta(extra_json_schema=_AMOUNT)]
    currency: Annotated[str, Meta(extra_json_schema=_CURRENCY)]
    allocated: Units
    available: Annotated[Units, Meta(description="Live.")]
    held: Annotated[Units, Meta(description="In orders that are not paid yet.")]
    sold: Units


class SaleView(msgspec.Struct):
    """A sale with live stock."""

    sale: Annotated[str, Meta(description="Its name in URLs and orders.")]
    state: SaleState
    opens_at: Moment
    closes_at: Annotated[Moment | None, Meta(description="null: when its operator closes it.")]
    limit: Annotated[Units, Meta(description="Units per customer over the sale; 0: no limit.")]
    hold_seconds: Annotated[int, Meta(description="How long an unpaid order keeps its stock.")]
    skus: list[SkuView]


class Liveness(msgspec.Struct):
    """This process is alive."""

    status: Literal["ok"]


class Check(msgspec.Struct):
    """What one part says about itself."""

    ok: bool
    detail: str


class Readiness(msgspec.Struct):
    """What all the parts say that orders need."""

    status: Literal["ready", "not ready"]
    failing: Annotated[list[str], Meta(description="The checks that are not ok.")]
    checks: dict[str, Check]


class ErrorView(msgspec.Struct):
    """What is wrong with one part of the request."""

    pointer: Annotated[
        str, Meta(description='JSON Pointer (RFC 6901) into the body; "": all of it')
    ]
    detail: str
    parameter: Annotated[str, Meta(description="The query parameter.")] | UnsetType = UNSET
    sku: str | UnsetType = UNSET
    requested: Annotated[Units, Meta(description="What was asked for.")] | UnsetType = UNSET
    available: Annotated[Units, Meta(description="What there was.")] | UnsetType = UNSET


class ProblemView(msgspec.Struct):
    """A problem (RFC 9457). Tell problems apart by `type`."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    errors: list[ErrorView] | UnsetType = UNSET


_STATUSES = """\
- `accepted`: held and durable, about to be persisted
- `awaiting_payment`: held until `hold_expires_at`
- `confirmed`: sold, where the sale takes no payment
- `paid`: sold
- `cancelled`, `expired`: its stock is on sale again
- `refunded`: paid back
- `rejected`: refused after all, which can only happen where data was lost
"""
# What the types of an order do not say: they are on the hot path and say no more than they need to.
_NOTES: dict[str, dict[str, Json]] = {
    "LineView": {"unit_price": _AMOUNT},
    "OrderView": {
        "id": {"format": "uuid"},
        "customer": {"description": "Your id of the customer."},
        "status": {"description": _STATUSES, "enum": [status.value for status in Status]},
        "total": _AMOUNT,
        "currency": _CURRENCY,
        "created_at": _MOMENT,
        "hold_expires_at": {
            "description": "Until when it can be paid; null where nothing is to be paid.",
            "anyOf": [{"type": "string"} | _MOMENT, {"type": "null"}],
        },
        "metadata": {"description": "As you sent it; {} where you sent none."},
    },
}


def _schemas() -> Json:
    shapes = [OrderRequest, OrderView, SaleView, Liveness, Readiness, ProblemView]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    for shape, notes in _NOTES.items():
        for name, note in notes.items():
            schemas[shape]["properties"][name] |= note
    return schemas


# --- Examples -----------------------------------------------------------------------------------


def _order(status: Status, held_until_ms: int) -> Json:
    view = order_view(
        order_id=DEMO_ORDER,
        sale=DEMO_SALE,
        customer="ada",
        status=status.value,
        lines=[("TEE-BLACK", 1, 2500), ("TEE-WHITE", 2, 2500)],
        currency="EUR",
        accepted_at_ms=1_795_780_800_123,
        held_until_ms=held_until_ms,
        metadata={"basket": "b-4711"},
    )
    return {"summary": status.value, "value": msgspec.to_builtins(view)}


def _readiness(**failing: str) -> Json:
    said = {
        "postgresql": "ok",
        "redis": "ok",
        "durability": "always: an accepted order survives a crash of Redis and of its machine",
        "eviction": "noeviction",
        "worker": "last sweep 0.4 s ago",
    } | failing
    view = Readiness(
        status="not ready" if failing else "ready",
        failing=list(failing),
        checks={name: Check(name not in failing, text) for name, text in said.items()},
    )
    return {"value": msgspec.to_builtins(view)}


_HELD_UNTIL_MS = 1_795_781_400_123
_ONE_BLACK = {"sku": DEMO_SKU, "quantity": 1}
_TWO_WHITE = {"sku": "TEE-WHITE", "quantity": 2}

_ORDER_REQUESTS: Json = {
    "small": {
        "summary": "One unit",
        "value": {"sale": DEMO_SALE, "customer": "ada", "lines": [_ONE_BLACK]},
    },
    "full": {
        "summary": "Two SKUs, a mail address for the confirmation, and metadata",
        "value": {
            "sale": DEMO_SALE,
            "customer": "ada",
            "email": "ada@example.com",
            "lines": [_ONE_BLACK, _TWO_WHITE],
            "metadata": {"basket": "b-4711"},
        },
    },
}
_ORDER_ACCEPTED = {"accepted": _order(Status.ACCEPTED, _HELD_UNTIL_MS)}
_ORDERS_PERSISTED = {
    "awaiting_payment": _order(Status.AWAITING_PAYMENT, _HELD_UNTIL_MS),
    "confirmed": _order(Status.CONFIRMED, 0),
}
_OPEN_SALE = SaleView(
    sale=DEMO_SALE,
    state=SaleState.OPEN,
    opens_at="2026-11-27T12:00:00.000Z",
    closes_at=None,
    limit=4,
    hold_seconds=600,
    skus=[
        SkuView("TEE-BLACK", "T-shirt, black", "25.00", "EUR", 500, available=0, held=38, sold=462),
        SkuView(
            "TEE-WHITE", "T-shirt, white", "25.00", "EUR", 500, available=171, held=42, sold=287
        ),
    ],
)
_SALES: Json = {"open": {"value": msgspec.to_builtins(_OPEN_SALE)}}
_ALIVE: Json = {"alive": {"value": {"status": "ok"}}}
_READY = {"ready": _readiness()}
_NOT_READY = {
    "no-worker": _readiness(worker="the last sweep ended 31 s ago: are beat and a worker running?")
}


@dataclass(frozen=True, slots=True)
class Case:
    """A way in which a problem comes up; `operation` is where, if it does so in one place only."""

    happened: str
    problem: Problem
    operation: str

    def body(self) -> Json:
        """Return what the client sees."""
        body: Json = msgspec.json.decode(self.problem.body())
        return body


def cases_of(kind: ProblemType) -> list[Case]:
    """Return the ways in which a problem comes up, the usual one first."""
    return [case for case in _CASES if case.problem.type is kind]


def _case(
    kind: ProblemType,
    happened: str,
    detail: str,
    *errors: Json,
    retry_after: int | None = None,
    only: str = "",
) -> Case:
    return Case(happened, Problem(kind, detail, list(errors), retry_after), only)


def _error(pointer: str, detail: str, **more: object) -> Json:
    return {"pointer": pointer, **more, "detail": detail}


_CASES = [
    _case(problems.UNAUTHENTICATED, "The request has no API key", "The API key is missing."),
    _case(problems.UNAUTHENTICATED, "The key is unknown or revoked", "The API key is not known."),
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
        "You used this key before, for an order with other content",
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
        problems.UNKNOWN_SALE,
        "No sale has the name that the order gives",
        "There is no sale 'demo-dorp'.",
    ),
    _case(
        problems.UNKNOWN_SKU,
        "The sale is there, but one of the SKUs is not in it",
        "Sale demo-drop does not offer all SKUs.",
        _error("/lines/0/sku", "is not in this sale", sku="TEE-GREEN"),
    ),
    _case(
        problems.SOLD_OUT,
        "No unit is left",
        "Nothing was held.",
        _error("/lines/0", "is sold out", sku="TEE-BLACK", requested=1, available=0),
    ),
    _case(
        problems.SOLD_OUT,
        "Fewer units are left than the order asks for",
        "Nothing was held.",
        _error("/lines/1", "has too few units left", sku="TEE-WHITE", requested=2, available=1),
    ),
    _case(
        problems.PURCHASE_LIMIT,
        "The order would take the customer past the sale's limit",
        "The limit is 4, and 3 are taken already.",
    ),
    _case(
        problems.SALE_NOT_OPEN,
        "The sale opens later",
        "Sale demo-drop is not open yet.",
        retry_after=30,
    ),
    _case(problems.SALE_NOT_OPEN, "The sale is paused", "Sale demo-drop is paused."),
    _case(problems.SALE_CLOSED, "The sale is over", "Sale demo-drop is closed."),
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
        "Something that the answer depends on is away or too busy",
        "PostgreSQL does not answer.",
        retry_after=1,
    ),
    _case(
        problems.NOT_FOUND,
        "There is no such order, or another client placed it",
        f"There is no order {DEMO_ORDER}.",
        only="getOrder",
    ),
    _case(
        problems.NOT_FOUND, "There is no such sale", "There is no sale 'demo-dorp'.", only="getSale"
    ),
    _case(
        problems.METHOD_NOT_ALLOWED,
        "The URL does not answer to this method",
        "DELETE is not for this URL.",
    ),
]
