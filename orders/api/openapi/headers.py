"""The headers of responses."""

from typing import Any

from .shapes import Json

REQUEST_ID_SCHEMA: Json = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}


def described(description: str, **schema: Any) -> Json:
    """Return a description with a schema, as OpenAPI has it for headers and parameters."""
    return {"description": description, "schema": schema}


def _always(description: str, **schema: Any) -> Json:
    return {"required": True, **described(description, **schema)}


_SECONDS: Json = {"type": "integer", "minimum": 0}

# By the names that responses refer to them by: those of the headers, save for the last.
HEADERS = {
    "X-Request-ID": _always(
        "The request's name in our logs: yours, or a new one.", **REQUEST_ID_SCHEMA
    ),
    "Cache-Control": _always("Nothing here is to be kept (RFC 9111).", const="no-store"),
    "Location": _always(
        "The order's URL; it is found there from now on.", type="string", format="uri-reference"
    ),
    "Retry-After": _always("Come back after so many seconds.", **_SECONDS),
    "RateLimit-Policy": described(
        "The rate that was agreed (draft-ietf-httpapi-ratelimit-headers): `q` requests in `w` "
        "seconds.",
        type="string",
    ),
    "RateLimit": described(
        "What is left of it, `r`; the next request is taken in `t` seconds.", type="string"
    ),
    "Idempotent-Replayed": described(
        "This request is a repetition, and the answer that of the first.", const="true"
    ),
    "Preference-Applied": described(
        "The preference that was honoured (RFC 7240).", type="string", pattern="^wait=[0-9]{1,2}$"
    ),
    "WWW-Authenticate": _always("How to authenticate (RFC 6750).", const="Bearer"),
    "Allow": _always("The methods there are.", type="string"),
    "Access-Control-Allow-Origin": _always("Scripts of any site may read it.", const="*"),
    "Retry-After-Opening": described(
        "In so many seconds the sale opens; only where that is known.", **_SECONDS
    ),
}


def header_references(*names: str) -> Json:
    """Return references to headers, by the name that a response has them under."""
    return {
        name.removesuffix("-Opening"): {"$ref": f"#/components/headers/{name}"}
        for name in sorted(names)
    }
