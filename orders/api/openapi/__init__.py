"""The API as an OpenAPI 3.1 document, built from what the code itself goes by."""

from functools import cache

from django.template.loader import render_to_string

from . import operations
from .examples import DEMO_SALE, DEMO_SKU
from .headers import HEADERS
from .problem_cases import cases_of
from .shapes import Json, schemas
from .webhooks import webhooks

__all__ = ["DEMO_SALE", "DEMO_SKU", "cases_of", "document"]


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
            {"name": "Orders", "description": "Place an order, follow it, cancel it."},
            {"name": "Payments", "description": "For payment providers: what became of a payment."},
            {"name": "Webhooks", "description": "What we tell your URL of, signed."},
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
                    "description": "An API key, made with `manage.py create_client NAME`.",
                }
            },
        },
    }
