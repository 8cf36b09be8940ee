"""The `traceparent` header: which trace a request belongs to (W3C Trace Context, level 2).

https://www.w3.org/TR/trace-context-2/#traceparent-header
"""

import re

_SANE = re.compile(
    rb"(?!ff)([0-9a-f]{2})"  # version 255 is forbidden
    rb"-(?!0{32})([0-9a-f]{32})"
    rb"-(?!0{16})([0-9a-f]{16})"
    rb"-([0-9a-f]{2})"
    rb"(-[\x21-\x7e]{0,200})?"  # what later versions may add, and 00 has not
)
_SAMPLED = 0b01
_KNOWN_FLAGS = 0b11  # sampled, and random trace id; others are not passed on


def sane_traceparent(sent: bytes) -> str:
    """Return what the caller sent as version 00 has it, "" where it is missing or malformed.

    A malformed one is ignored, as the standard asks (section 4.3): it fails no request.
    """
    if not sent or not (match := _SANE.fullmatch(sent)):
        return ""
    version, trace_id, parent_id, flags, more = match.groups()
    if version == b"00" and more is not None:
        return ""
    return f"00-{trace_id.decode()}-{parent_id.decode()}-{int(flags, 16) & _KNOWN_FLAGS:02x}"


def is_sampled(traceparent: str) -> bool:
    """Tell whether the trace of a sane traceparent is recorded; that of "" is not."""
    return bool(traceparent) and bool(int(traceparent[-1], 16) & _SAMPLED)


def trace_id_of(traceparent: str) -> str:
    """Return the trace of a sane traceparent: 32 hexadecimal digits, or ""."""
    return traceparent[3:35]
