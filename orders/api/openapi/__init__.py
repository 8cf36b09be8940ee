"""The API as an OpenAPI 3.1 document, built from the types and problems of the code itself."""

from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from django.template.loader import render_to_string

from orders.http.problems import MEDIA_TYPE, ProblemType

from . import operations
from .examples import DEMO_SALE, DEMO_SKU
from .headers import HEADERS
from .problem_cases import cases_of
from .shapes import Json, schemas
from .webhooks import webhooks

__all__ = ["DEMO_SALE", "DEMO_SKU", "Operation", "cases_of", "document", "operations_with"]


class Operation(NamedTuple):
    """An operation, and where the API reference shows it."""

    method: str
    path: str
    tag: str
    id: str


@cache
def document() -> Json:
    """Return the document. It is made once; do not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flash sale orders",
            "version": "1.0.0",
            "description": _description(),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [
            {"name": "Orders", "description": "Place an order, follow it, cancel it."},
            {"name": "Payments", "description": "For payment providers: the outcome of a payment."},
            {"name": "Webhooks", "description": "Events sent to your URL, signed."},
            {"name": "Sales", "description": "What is on sale, and how much of it is left."},
            {"name": "Operations", "description": "For load balancers, monitoring and tools."},
        ],
        "paths": {
            "/api/v1/orders": {"post": operations.place_order()},
            "/api/v1/orders/{id}": {"get": operations.get_order()},
            "/api/v1/orders/{id}/cancel": {"post": operations.cancel_order()},
            "/api/v1/payments/callback": {"post": operations.take_payment()},
            "/api/v1/payments/stripe": {"post": operations.take_stripe_event()},
            "/api/v1/sales/{slug}": {"get": operations.get_sale()},
            "/api/v1/openapi.json": {"get": operations.get_document()},
            "/healthz": {"get": operations.get_liveness()},
            "/readyz": {"get": operations.get_readiness()},
            "/metrics": {"get": operations.get_metrics()},
        },
        "webhooks": webhooks(),
        "components": {
            "schemas": schemas(),
            "headers": HEADERS,
            "securitySchemes": {
                "ApiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": (
                        "An API key, made with `manage.py create_client NAME`. It says which "
                        "client asks; each client sees its own orders alone."
                    ),
                },
                "MetricsToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `METRICS_TOKEN` is set to, where it is.",
                },
            },
        },
    }


def operations_with(kind: ProblemType) -> list[Operation]:
    """Return the operations that can be answered with a problem, in the document's order."""
    return [
        Operation(method.upper(), path, found["tags"][0], found["operationId"])
        for path, methods in document()["paths"].items()
        for method, found in methods.items()
        if kind.slug in _slugs(found["responses"].get(str(kind.status), {}))
    ]


def _slugs(answer: Json) -> list[str]:
    content = answer.get("content", {}).get(MEDIA_TYPE)
    if content is None:
        return []
    types = content["schema"]["allOf"][1]["properties"]["type"]["enum"]
    return [PurePosixPath(each).name for each in types]


def _description() -> str:
    """Return a plain string: templates return a subclass of it, which not every tool takes."""
    return "".join(render_to_string("orders/openapi.md"))
