"""The shape of an order request, and the errors of one that is not of it."""

from typing import Annotated, Any, NamedTuple

import msgspec
from django.conf import settings

from inventory.domain import MAX_QUANTITY
from orders.addresses import AddressRefused, check_address

from .decoding import (
    CONTROL_CHARACTERS,
    MAX_ERRORS,
    BodyReader,
    FieldError,
    NotJson,
    WrongFields,
    field_error,
)
from .given_json import Members, canonical, read_given, repeated_names, unstorable
from .problems import INVALID_REQUEST, MALFORMED_JSON, Problem, Refused

MAX_METADATA_BYTES = 2048
MAX_METADATA_DEPTH = 16


_NULL = msgspec.Raw(b"null")


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
        msgspec.Raw,
        msgspec.Meta(
            description="Anything of yours, at most 2 KiB as JSON, 16 levels deep. It comes back "
            "as you wrote it.",
            extra_json_schema={"type": ["object", "null"]},
        ),
    ] = msgspec.field(default_factory=lambda: _NULL)


class Given(NamedTuple):
    """An order as it was given, and so that two of the same content are the same."""

    order: OrderRequest
    canonical: OrderRequest
    metadata: str  # a JSON object


_orders = BodyReader(OrderRequest)


def decode_order(body: bytes) -> Given:
    """Read an order. Raises Refused with a problem that names every field that is wrong."""
    try:
        order = _orders.read(body)
        errors = _content_errors(order)
        if order.metadata == _NULL and not _may_repeat(body, order):
            given = Given(order, order, "{}")
        else:
            given, more = _as_given(body, order)
            errors += more
    except NotJson as error:
        raise Refused(Problem(MALFORMED_JSON, str(error))) from None
    except WrongFields as error:
        raise Refused(_invalid(error.errors)) from None
    if errors:
        raise Refused(_invalid(errors[:MAX_ERRORS]))
    return given


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
    return errors


def _may_repeat(body: bytes, order: OrderRequest) -> bool:
    """Tell whether a name may be given twice in an object of `body`, which the decoder does not
    say: there are more colons in it than fields and what they hold account for."""
    colons = body.count(b":")
    least = 3 + 2 * len(order.lines) + (order.email is not None)
    if colons == least:
        return False
    return b"\\" in body or colons != least + order.customer.count(":")


def _as_given(body: bytes, order: OrderRequest) -> tuple[Given, list[FieldError]]:
    """Return an order with its metadata, and the errors that only a slower check finds."""
    if len(order.metadata) > MAX_METADATA_BYTES:
        too_large = field_error("/metadata", f"is larger than {MAX_METADATA_BYTES} bytes")
        return Given(order, order, ""), [too_large]
    try:
        document = read_given(_text(body))
    except RecursionError:
        return Given(order, order, ""), [field_error("/metadata", "is nested too deep")]
    metadata = next((value for name, value in reversed(document) if name == "metadata"), None)
    errors = _metadata_errors(metadata) or list(repeated_names(document))
    if metadata is None or errors:
        return Given(order, order, "{}"), errors
    same = msgspec.structs.replace(order, metadata=msgspec.Raw(canonical(metadata)))
    return Given(order, same, _text(bytes(order.metadata))), []


def _metadata_errors(metadata: Any) -> list[FieldError]:
    if metadata is None:
        return []
    if not isinstance(metadata, Members):
        return [field_error("/metadata", "is not an object")]
    return list(unstorable(metadata, "/metadata", MAX_METADATA_DEPTH))


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotJson(str(error)) from None
