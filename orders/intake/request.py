"""What an order request has to look like, and what exactly is wrong with one that does not."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from jsonschema import Draft202012Validator

from inventory.domain import MAX_QUANTITY
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


_decoder = msgspec.json.Decoder(OrderRequest)
_encoder = msgspec.json.Encoder()


def decode_order(body: bytes) -> OrderRequest:
    """Read an order. Raises Refused with a problem that names every field that is wrong."""
    try:
        order = _decoder.decode(body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refused(_explain(body, error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(Problem(MALFORMED_JSON, _first_line(error))) from None
    errors = _content_errors(order)
    if errors:
        raise Refused(Problem(INVALID_REQUEST, "Some fields are not valid.", errors))
    return order


# --- What a schema cannot say -------------------------------------------------------------------

# C0 and C1 control characters, the line and paragraph separators: nothing that a name or an id
# holds, and each has been used to forge a header or a log line, or breaks a database column.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_EMAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}@[^\s@<>(),;:\\\"\[\]]+\.[^\s@<>(),;:\\\"\[\]]+")


def _content_errors(order: OrderRequest) -> list[dict[str, Any]]:
    errors = []
    if _CONTROL.search(order.customer) or not order.customer.strip():
        errors.append(_error("/customer", "is blank or has control characters"))
    if _CONTROL.search(order.sale):
        errors.append(_error("/sale", "has control characters"))
    if order.email is not None and (
        _CONTROL.search(order.email) or not _EMAIL.fullmatch(order.email)
    ):
        errors.append(_error("/email", "is not a mail address"))
    seen = set()
    for index, line in enumerate(order.lines):
        if _CONTROL.search(line.sku):
            errors.append(_error(f"/lines/{index}/sku", "has control characters"))
        elif line.sku in seen:
            errors.append(_error(f"/lines/{index}/sku", "is in an earlier line already"))
        seen.add(line.sku)
    if order.metadata:
        errors += _metadata_errors(order.metadata)
    return errors


def _metadata_errors(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    level: list[Any] = [metadata]
    for depth in range(MAX_METADATA_DEPTH + 1):
        if any(isinstance(value, str) and "\0" in value for value in level):
            return [_error("/metadata", "has a NUL character")]
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in level):
            return [_error("/metadata", "has a number beyond 64 bits")]
        if depth == MAX_METADATA_DEPTH and any(isinstance(value, dict | list) for value in level):
            return [_error("/metadata", f"is nested more than {MAX_METADATA_DEPTH} levels deep")]
        level = [part for value in level for part in _parts(value)]
    if len(_encoder.encode(metadata)) > MAX_METADATA_BYTES:
        return [_error("/metadata", f"is larger than {MAX_METADATA_BYTES} bytes")]
    return []


def _parts(value: Any) -> Iterable[Any]:
    """Return what a JSON value contains, keys included."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


# --- Explaining what the decoder refused --------------------------------------------------------

(_SCHEMA,), _COMPONENTS = msgspec.json.schema_components(
    [OrderRequest], ref_template="#/$defs/{name}"
)
_validator = Draft202012Validator({**_SCHEMA, "$defs": _COMPONENTS})


_PATH = re.compile(r" - at `\$(.*)`$")


def _explain(body: bytes, refusal: Exception) -> Problem:
    """Return a problem that names all fields that are wrong; the decoder stops at the first."""
    try:
        document = json.loads(body)
    except RecursionError:  # how deep that is depends on the Python; that it is an error does not
        return Problem(INVALID_REQUEST, "Too deep.", [_error("", "is nested too deep")])
    except ValueError as error:
        return Problem(MALFORMED_JSON, _first_line(error))
    errors = [
        _error("".join(f"/{part}" for part in error.absolute_path), _first_line(error))
        for error in _validator.iter_errors(document)
    ]
    # The decoder is stricter than a schema can be: 1.0 is an integer to JSON Schema.
    return Problem(
        INVALID_REQUEST, "Some fields are not valid.", errors[:50] or [_decoder_error(refusal)]
    )


def _decoder_error(refusal: Exception) -> dict[str, Any]:
    text = _first_line(refusal)
    path = _PATH.search(text)
    pointer = re.sub(r"[.\[]", "/", path[1]).replace("]", "") if path else ""
    return _error(pointer, _PATH.sub("", text))


def _error(pointer: str, detail: str) -> dict[str, Any]:
    return {"pointer": pointer, "detail": detail}


def _first_line(error: object) -> str:
    text = str(getattr(error, "message", None) or error or "nested too deep").splitlines()[0][:200]
    return text.encode("utf-8", "replace").decode()
