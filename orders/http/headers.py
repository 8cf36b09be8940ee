"""The request headers that matter to an order."""

import re
from collections.abc import Iterable

import msgspec

from shop.core.logs.request_id import sane_request_id
from shop.core.tracing.traceparent import sane_traceparent

from .problems import KEY_INVALID, KEY_MISSING, Problem, Refused

RawHeaders = Iterable[tuple[bytes, bytes]]
MAX_WAIT_SECONDS = 30

_BARE_KEY = re.compile(rb"[\x21\x23-\x7e][\x21-\x7e]{0,254}")
_QUOTED_KEY = re.compile(rb'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,510})"')
_WAIT = re.compile(rb"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=[,;]|$)", re.IGNORECASE)


class OrderHeaders(msgspec.Struct, frozen=True):
    """The request headers that matter to an order."""

    authorization: bytes
    content_type: bytes
    idempotency_keys: list[bytes]
    prefer: list[bytes]
    request_id: str
    traceparent: str  # "" where none was sent, or none that makes sense


def read_headers(raw: RawHeaders) -> OrderHeaders:
    """Pick out the headers that matter to an order; names are lower-case, as ASGI gives them."""
    authorization = content_type = request_id = traceparent = b""
    keys: list[bytes] = []
    prefer: list[bytes] = []
    for name, value in raw:
        if name == b"authorization":
            authorization = value
        elif name == b"content-type":
            content_type = value
        elif name == b"idempotency-key":
            keys.append(value)
        elif name == b"prefer":
            prefer.append(value)
        elif name == b"x-request-id":
            request_id = value
        elif name == b"traceparent":
            traceparent = value
    return OrderHeaders(
        authorization,
        content_type,
        keys,
        prefer,
        sane_request_id(request_id),
        sane_traceparent(traceparent) if traceparent else "",
    )


def read_idempotency_key(values: list[bytes]) -> str:
    """Return the key that the Idempotency-Key header(s) give, without quotes. Raises Refused."""
    if not values or not values[0].strip():
        raise Refused(Problem(KEY_MISSING, "An order needs the header Idempotency-Key."))
    value = values[0].strip()
    if len(values) == 1:
        if _BARE_KEY.fullmatch(value):
            return value.decode("ascii")
        # A quoted string is a structured field (RFC 8941, section 3.3.3).
        if match := _QUOTED_KEY.fullmatch(value):
            key = re.sub(rb"\\(.)", rb"\1", match[1]).decode("ascii")
            if len(key) <= 255:
                return key
    raise Refused(
        Problem(KEY_INVALID, "An Idempotency-Key is 1 to 255 visible ASCII characters, given once.")
    )


def read_wait(values: list[bytes]) -> int:
    """Return the seconds of `Prefer: wait=…` (RFC 7240), at most 30; 0 where none is asked for."""
    match = _WAIT.search(b",".join(values))
    return min(int(match[1]), MAX_WAIT_SECONDS) if match else 0


def is_json(content_type: bytes) -> bool:
    """Tell whether a Content-Type is JSON in UTF-8."""
    essence, _, parameters = content_type.partition(b";")
    charset = parameters.strip().lower().replace(b'"', b"")
    return essence.strip().lower() == b"application/json" and charset in (
        b"",
        b"charset=utf-8",
    )
