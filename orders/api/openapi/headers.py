"""The headers of responses."""

from typing import Any

from .shapes import Json

REQUEST_ID_SCHEMA: Json = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}


def described(description: str, **schema: Any) -> Json:
    """Return what OpenAPI says of a header, and of a parameter just so."""
    return {"description": description, "schema": schema}


HEADERS = {
    "X-Request-ID": described(
        "The request's name in our logs: yours, or a new one.", **REQUEST_ID_SCHEMA
    ),
    "Location": described(
        "The order's URL; it is found there from now on.", type="string", format="uri-reference"
    ),
    "Retry-After": described("Come back after so many seconds.", type="integer", minimum=0),
    "Idempotent-Replayed": described(
        "This request is a repetition, and the answer that of the first.", const="true"
    ),
    "Preference-Applied": described("`wait=<seconds>` (RFC 7240).", type="string"),
    "WWW-Authenticate": described("How to authenticate (RFC 6750).", const="Bearer"),
    "Allow": described("The methods there are.", type="string"),
}
