"""Reading JSON bodies into structs; where one does not fit, all fields that are wrong are named.

>>> class Ticket(msgspec.Struct, forbid_unknown_fields=True):
...     row: str
...     seat: int
>>> reader = BodyReader(Ticket)
>>> reader.read(b'{"row": "A", "seat": 7}')
Ticket(row='A', seat=7)
>>> reader.read(b'{"row": 1, "seat": "7"}')
Traceback (most recent call last):
orders.http.decoding.WrongFields: /row 1 is not of type 'string'; /seat '7' is not of type 'integer'
"""

import json
import re
from collections.abc import Iterable
from functools import reduce
from typing import Any, Generic, TypeVar

import msgspec
from jsonschema import Draft202012Validator, ValidationError

Shape = TypeVar("Shape", covariant=True)
FieldError = dict[str, Any]  # "pointer": a JSON Pointer (RFC 6901) into the body; "detail"

MAX_ERRORS = 50
# C0 and C1 control characters, the line and paragraph separators: nothing that a name or an id
# holds, and each has been used to forge a header or a log line, or breaks a database column.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PATH = re.compile(r" - at `\$(.*)`$")


class NotJson(Exception):
    """The body is not JSON (RFC 8259) in UTF-8."""


class WrongFields(Exception):
    """The body is JSON, but not what it has to be."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{each['pointer']} {each['detail']}" for each in errors))
        self.errors = errors


class BodyReader(Generic[Shape]):
    """Reads bodies of one shape, which is a msgspec struct."""

    def __init__(self, shape: type[Shape]) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        (schema,), components = msgspec.json.schema_components(
            [shape], ref_template="#/$defs/{name}"
        )
        self._validator = Draft202012Validator({**schema, "$defs": components})

    def read(self, body: bytes) -> Shape:
        """Return what `body` holds. Raises NotJson and WrongFields."""
        try:
            return self._decoder.decode(body)
        except (msgspec.ValidationError, RecursionError) as error:
            raise WrongFields(self._errors(body, error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NotJson(_first_line(error)) from None

    def _errors(self, body: bytes, refusal: Exception) -> list[FieldError]:
        """Return what is wrong with all fields; the decoder stops at the first."""
        try:
            document = json.loads(body)
        except RecursionError:  # how deep that is depends on the Python; that it is an error not
            return [field_error("", "is nested too deep")]
        except ValueError as error:
            raise NotJson(_first_line(error)) from None
        errors = [
            each for error in self._validator.iter_errors(document) for each in _of_schema(error)
        ]
        # The decoder is stricter than a schema can be: 1.0 is an integer to JSON Schema.
        return errors[:MAX_ERRORS] or [_of_decoder(refusal)]


def field_error(pointer: str, detail: str) -> FieldError:
    """Return what is wrong with the field at a JSON Pointer."""
    return {"pointer": pointer, "detail": detail}


def pointed(pointer: str, part: str | int) -> str:
    """Return the JSON Pointer of a part of what `pointer` names (RFC 6901, section 3)."""
    return f"{pointer}/{str(part).replace('~', '~0').replace('/', '~1')}"


def _of_schema(error: ValidationError) -> Iterable[FieldError]:
    pointer = reduce(pointed, error.absolute_path, "")
    schema, found = error.schema, error.instance
    if error.validator != "additionalProperties" or not isinstance(schema, dict):
        return [field_error(pointer, _first_line(error))]
    unknown = [name for name in found if name not in schema["properties"]]  # type: ignore[union-attr]
    return [field_error(pointed(pointer, name), "is not a known field") for name in unknown]


def _of_decoder(refusal: Exception) -> FieldError:
    """Name what the decoder names: names of fields and numbers of items, up to a key of the
    caller's own, which it does not tell (`[...]`)."""
    text = _first_line(refusal)
    path = _PATH.search(text)
    known = path[1].partition("[...]")[0] if path else ""
    pointer = re.sub(r"[.\[]", "/", known).replace("]", "")
    return field_error(pointer, _PATH.sub("", text))


def _first_line(error: object) -> str:
    text = str(getattr(error, "message", None) or error or "nested too deep").splitlines()[0][:200]
    return text.encode("utf-8", "replace").decode()
