"""JSON as it was given: numbers as they were written, and members that share a name seen.

A decoder makes numbers of numbers: 1e22 comes back as 10000000000000000000000, 1e307 as 308 digits,
and of two members with one name only the last is left. A client's JSON is to come back as it
was, so it is kept as text, and read here only to be checked and compared.

    >>> metadata = read_given('{"seat": 1e2, "row": "A"}')
    >>> canonical(metadata)
    '{"row":"A","seat":1e2}'
    >>> list(repeated_names(read_given('{"row": "A", "row": "B"}')))
    [{'pointer': '/row', 'detail': 'is given more than once'}]
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from .decoding import MAX_ERRORS, FieldError, NotJson, WrongFields, field_error, pointed

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL, which PostgreSQL has not, and half characters


class Number(str):
    """A number, as it was written."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object: its members in the order in which they were given, each of them."""

    __slots__ = ()


_decoder = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number)
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def read_given(text: str) -> Any:
    """Return what JSON `text` holds. Raises NotJson, and RecursionError where it is nested deeper
    than Python goes."""
    try:
        return _decoder.decode(text)
    except ValueError as error:
        raise NotJson(str(error)) from None


def repeated_names(value: Any, pointer: str = "") -> Iterator[FieldError]:
    """Yield an error for each member whose name an earlier one of its object has."""
    if isinstance(value, Members):
        seen = set()
        for name, member in value:
            here = pointed(pointer, name)
            if name in seen:
                yield field_error(here, "is given more than once")
            seen.add(name)
            yield from repeated_names(member, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from repeated_names(item, pointed(pointer, index))


class _Repeated(Exception):
    """An object has two members of one name."""


def _look_at_names(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise _Repeated


_look = json.JSONDecoder(
    object_pairs_hook=_look_at_names, parse_int=Number, parse_float=Number
).decode


def refuse_repeated_names(body: bytes) -> None:
    """Raise WrongFields where an object of a JSON body has two members of one name.

    Of those two, one reader takes the first and another one the last. Anything that is no JSON is
    let pass, for its reader to refuse.
    """
    try:
        errors = _names_given_twice(body.decode())
    except RecursionError:
        errors = [field_error("", "is nested too deep")]
    except ValueError:
        return
    if errors:
        raise WrongFields(errors[:MAX_ERRORS])


def _names_given_twice(text: str) -> list[FieldError]:
    try:
        _look(text)
    except _Repeated:
        return list(repeated_names(read_given(text)))
    return []


def unstorable(value: Any, pointer: str, levels: int) -> Iterator[FieldError]:
    """Yield an error for each part that has characters that cannot be kept, or is too deep.

    `levels` is how many objects and lists there may be within one another.
    """
    if isinstance(value, list) and not levels:
        yield field_error(pointer, "is nested too deep")
    elif isinstance(value, Members):
        for name, member in value:
            here = pointed(pointer, name)
            if _UNSTORABLE.search(name):
                yield field_error(here, "has a NUL or half a character in its name")
            yield from unstorable(member, here, levels - 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unstorable(item, pointed(pointer, index), levels - 1)
    elif isinstance(value, str) and _UNSTORABLE.search(value):
        yield field_error(pointer, "has a NUL or half a character")


def canonical(value: Any) -> str:
    """Return JSON that is the same for two texts that differ in spacing, the order of members and
    the spelling of characters alone. Numbers are the same where they are written the same."""
    if isinstance(value, Members):
        members = sorted(value, key=lambda member: member[0])
        return f"{{{','.join(f'{_quoted(name)}:{canonical(item)}' for name, item in members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    return str(value) if isinstance(value, Number) else _quoted(value)


def may_be_unreadable(text: str) -> bool:
    """Tell whether PostgreSQL keeps JSON `text`, but could not read a member of it."""
    return "\\u0000" in text and any(unstorable(read_given(text), "", levels=99))
