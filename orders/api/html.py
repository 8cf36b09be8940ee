"""Pages for people: a template, under a policy of what a browser may load for it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Nothing from other sites, and no script or style inside a page.
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The same for the API reference: Swagger UI has icons in data URLs, and fonts of its own.
REFERENCE = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def html_page(
    request: HttpRequest,
    name: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    policy: str = STRICT,
) -> HttpResponse:
    """Return the template orders/`name`.html with `context`, under a Content-Security-Policy."""
    response = render(request, f"orders/{name}.html", context, status=status)
    response["Content-Security-Policy"] = policy
    return response
