"""What an order request has to look like, and what exactly is wrong with one that does not."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from django.conf import settings

from inventory.domain import MAX_QUANTITY
from orders.addresses import AddressRefused, check_address
from orders.decoding import (
    CONTROL_CHARACTERS,
    BodyReader,
    FieldError,
    NotJson,
    WrongFields,
    field_error,
)
from orders.problems import INVALID_REQUEST, MALFORMED_JSON, Problem, Refused

MAX_METADATA_BYTES = 2048
MAX_METADATA_DEPTH = 16


class LineRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """One SKU and how many units of it."""

    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]


class OrderRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/v1/orders."""

    sale: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    customer: Annotated[
        str, msgspec.Meta(min_length=1, max_length=128, description="Your id of the customer.")
    ]
    lines: Annotated[list[LineRequest], msgspec.Meta(min_length=1, max_length=20)]
    email: (
        Annotated[str, msgspec.Meta(max_length=254, extra_json_schema={"format": "email"})] | None
    ) = None
    metadata: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="Anything of yours, at most 2 KiB as JSON, 16 levels deep."),
    ] = None


_orders = BodyReader(OrderRequest)
_encoder = msgspec.json.Encoder()


def decode_order(body: bytes) -> OrderRequest:
    """Read an order. Raises Refused with a problem that names every field that is wrong."""
    try:
        order = _orders.read(body)
    except NotJson as error:
        raise Refused(Problem(MALFORMED_JSON, str(error))) from None
    except WrongFields as error:
        raise Refused(_invalid(error.errors)) from None
    if errors := _content_errors(order):
        raise Refused(_invalid(errors))
    return order


def _invalid(errors: list[FieldError]) -> Problem:
    return Problem(INVALID_REQUEST, "Some fields are not valid.", errors)


# --- What a schema cannot say -------------------------------------------------------------------


def _content_errors(order: OrderRequest) -> list[FieldError]:
    errors = []
    if CONTROL_CHARACTERS.search(order.customer) or not order.customer.strip():
        errors.append(field_error("/customer", "is blank or has control characters"))
    if CONTROL_CHARACTERS.search(order.sale):
        errors.append(field_error("/sale", "has control characters"))
    if order.email is not None:
        try:
            check_address(order.email, smtputf8=settings.EMAIL_SMTPUTF8)
        except AddressRefused as error:
            errors.append(field_error("/email", str(error)))
    seen = set()
    for index, line in enumerate(order.lines):
        if CONTROL_CHARACTERS.search(line.sku):
            errors.append(field_error(f"/lines/{index}/sku", "has control characters"))
        elif line.sku in seen:
            errors.append(field_error(f"/lines/{index}/sku", "is in an earlier line already"))
        seen.add(line.sku)
    if order.metadata:
        errors += _metadata_errors(order.metadata)
    return errors


def _metadata_errors(metadata: dict[str, Any]) -> list[FieldError]:
    level: list[Any] = [metadata]
    for depth in range(MAX_METADATA_DEPTH + 1):
        if any(isinstance(value, str) and "\0" in value for value in level):
            return [field_error("/metadata", "has a NUL character")]
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in level):
            return [field_error("/metadata", "has a number beyond 64 bits")]
        if depth == MAX_METADATA_DEPTH and any(isinstance(value, dict | list) for value in level):
            return [
                field_error("/metadata", f"is nested more than {MAX_METADATA_DEPTH} levels deep")
            ]
        level = [part for value in level for part in _parts(value)]
    if len(_encoder.encode(metadata)) > MAX_METADATA_BYTES:
        return [field_error("/metadata", f"is larger than {MAX_METADATA_BYTES} bytes")]
    return []


def _parts(value: Any) -> Iterable[Any]:
    """Return what a JSON value contains, keys included."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()
