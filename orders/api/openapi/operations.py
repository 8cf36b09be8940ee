"""The operations: what each endpoint takes, and every way in which it answers."""

from orders import problems
from orders.intake.request import OrderRequest
from orders.representation import OrderView

from . import examples, parameters
from .responses import json_content, problem_responses, response
from .shapes import Json, Liveness, Readiness, SaleView

_WITH_API_KEY: list[Json] = [{"ApiKey": []}]
_ORDER_LINKS: Json = {
    "getOrder": {"operationId": "getOrder", "parameters": {"id": "$response.body#/id"}}
}

_OF_PLACING = set(problems.ALL.values()) - {problems.NOT_FOUND, problems.BAD_REQUEST}


def place_order() -> Json:
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
        "parameters": [parameters.IDEMPOTENCY_KEY, parameters.PREFER, parameters.REQUEST_ID],
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
    shown = examples.ORDER_ACCEPTED | examples.ORDERS_PERSISTED
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
        "responses": {"200": response("The order", json_content(OrderView, shown))}
        | problem_responses(
            "getOrder",
            problems.UNAUTHENTICATED,
            problems.NOT_FOUND,
            problems.BAD_REQUEST,
            problems.METHOD_NOT_ALLOWED,
            problems.INVALID_REQUEST,
            problems.UNAVAILABLE,
        ),
    }


def get_sale() -> Json:
    return {
        "operationId": "getSale",
        "tags": ["Sales"],
        "summary": "Get a sale with live stock",
        "description": (
            "Public, and open to scripts of any site. `available` is read from the live counters; "
            "`held` and `sold` are what is persisted, so they may lag behind for a moment."
        ),
        "parameters": [parameters.SALE_SLUG, parameters.REQUEST_ID],
        "responses": {"200": response("The sale", json_content(SaleView, examples.SALES))}
        | problem_responses(
            "getSale",
            *(
                problems.BAD_REQUEST,
                problems.NOT_FOUND,
                problems.METHOD_NOT_ALLOWED,
                problems.UNAVAILABLE,
            ),
        ),
    }


def get_document() -> Json:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "getOpenApi",
        "tags": ["Operations"],
        "summary": "Get this document",
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("The API as OpenAPI 3.1", content)}
        | problem_responses("getOpenApi", problems.BAD_REQUEST, problems.METHOD_NOT_ALLOWED),
    }


def get_liveness() -> Json:
    return {
        "operationId": "getLiveness",
        "tags": ["Operations"],
        "summary": "Is this process alive?",
        "description": "Asks nothing of PostgreSQL or Redis: restart the process where it fails.",
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("Alive", json_content(Liveness, examples.ALIVE))}
        | problem_responses("getLiveness", problems.METHOD_NOT_ALLOWED),
    }


def get_readiness() -> Json:
    failures = problem_responses("getReadiness", problems.METHOD_NOT_ALLOWED, problems.UNAVAILABLE)
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
            "and that the background workers make progress."
        ),
        "parameters": [parameters.REQUEST_ID],
        "responses": {"200": response("Ready", json_content(Readiness, examples.READY))} | failures,
    }
