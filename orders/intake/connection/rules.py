"""Rules for the head of a request, beyond those of the parser. Pure.

The parser (llhttp, in its strict mode) knows the grammar of fields. The rules here are left to
servers: how large a head may be, which fields come once, and where the body ends. Each rule names
its section of RFC 9110 (semantics) or RFC 9112 (HTTP/1.1).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from orders.http import problems
from orders.http.problems import Problem, ProblemType, Refused

RawHeaders = list[tuple[bytes, bytes]]

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 100
MAX_TARGET_BYTES = 8 * 1024
MAX_METHOD_BYTES = 32
MAX_HOST_BYTES = 300  # a name has 253, a port 5; what is longer is not remembered either
MAX_DIGITS = 16  # of a length
CHUNKED = -1  # instead of a length: the body says itself where it ends

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_METHOD_BEGINS = re.compile(rb"%b{1,%d}(?: |\Z)" % (_TOKEN, MAX_METHOD_BYTES))
_REQUEST_LINE = re.compile(
    rb"(%b{1,%d}) ([\x21-\x7e]+) HTTP/1\.([0-9])\Z" % (_TOKEN, MAX_METHOD_BYTES)
)
_OTHER_VERSION = re.compile(
    rb"%b{1,%d} [\x21-\x7e]+(?: [A-Z]+/[0-9](?:\.[0-9])?)?\Z" % (_TOKEN, MAX_METHOD_BYTES)
)
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#@]+)((?:/[^?#]*)?(?:\?[^#]*)?)")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(?::[0-9]*)?")
_AUTHORITY = re.compile(rb"[^/?#@]+:[0-9]{1,5}")
_OF_AN_UPGRADE = re.compile(rb"(?im)^(?:upgrade|http2-settings):[^\r\n]*\r\n")
_TRANSFER = re.compile(rb"(?im)^transfer-encoding:([^\r\n]*)\r$")
_LENGTH = re.compile(rb"(?im)^content-length:")
_NAME = re.compile(rb"%b+" % _TOKEN)
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_REQUEST_ID = re.compile(rb"(?im)^x-request-id:[ \t]*([^\r\n]*)")

_ONCE = (b"authorization", b"host", b"content-length", b"transfer-encoding", b"content-type")
_LISTS = (b"content-encoding", b"expect")


def refused(kind: ProblemType, detail: str) -> Refused:
    """Return the exception for a request that is answered with a problem of this kind."""
    return Refused(Problem(kind, detail))


def malformed(detail: str) -> Refused:
    """Return the exception for a request that is not HTTP/1.1 as RFC 9112 has it."""
    return refused(problems.MALFORMED_REQUEST, detail)


def check_beginning(begun: bytes) -> bool:
    """Check a head that is not whole yet; return whether its first line is.

    A client of another protocol is refused at once, and not after the time for a head. Raises
    Refused.
    """
    line, end, _ = begun[: MAX_TARGET_BYTES + 2 * MAX_METHOD_BYTES].partition(b"\r\n")
    if end:
        read_request_line(line)
        return True
    if not _METHOD_BEGINS.match(begun[: MAX_METHOD_BYTES + 1]):
        raise malformed("This is no HTTP request.")
    if len(begun) > MAX_TARGET_BYTES + 2 * MAX_METHOD_BYTES:
        raise _target_too_long()
    return False


def check_line_ends(begun: bytes, searched: int) -> None:
    """Check the new part, from `searched` on, of a head that is not whole yet.

    RFC 9112, 2.2: a line ends with CR and LF. A head with others has no end that we know, so it is
    refused now and not waited for. Raises Refused.
    """
    if _BARE_LINE_END.search(begun, searched):
        raise malformed("A line of the head ends with a CR or an LF alone.")


class RequestLine(NamedTuple):
    """The first line of a request (RFC 9112, 3)."""

    method: bytes
    path: bytes  # with the query
    host: bytes | None  # where the target names one: it stands for the header Host
    minor: int  # of HTTP/1.x


@lru_cache(maxsize=256)
def read_request_line(line: bytes) -> RequestLine:
    """Read a request line. Raises Refused."""
    match = _REQUEST_LINE.match(line)
    if match is None:
        raise _unread(line)
    method, target, minor = match.groups()
    if len(target) > MAX_TARGET_BYTES:  # RFC 9110, 15.5.15
        raise _target_too_long()
    return RequestLine(method, *_read_target(method, target), int(minor))


def _unread(line: bytes) -> Refused:
    begins = _METHOD_BEGINS.match(line[: MAX_METHOD_BYTES + 1])
    if begins and len(line) > MAX_TARGET_BYTES + MAX_METHOD_BYTES:
        return _target_too_long()
    if _OTHER_VERSION.match(line):  # RFC 9110, 15.6.6; without a version it is HTTP/0.9
        return refused(problems.VERSION_NOT_SUPPORTED, "HTTP/1.1 and HTTP/1.0 are spoken here.")
    return malformed("The request line is not method, target and version.")


def _target_too_long() -> Refused:
    return refused(problems.TARGET_TOO_LONG, f"A URL has at most {MAX_TARGET_BYTES} bytes.")


def _read_target(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """Return path and host of a target (RFC 9112, 3.2)."""
    if target.startswith(b"/") and b"#" not in target:  # origin-form
        return target, None
    if target == b"*" and method == b"OPTIONS":  # asterisk-form: the server as a whole
        return b"/", None
    if method == b"CONNECT" and _AUTHORITY.fullmatch(target):  # authority-form: there is no tunnel
        return b"/", None
    if match := _ABSOLUTE.fullmatch(target):
        host, path = match.groups()
        if len(host) > MAX_HOST_BYTES or not is_host(host):
            raise malformed("The host in the URL is not a host.")
        return (path if path.startswith(b"/") else b"/" + path), host
    raise malformed("The target is neither a path nor a URL.")


def as_1_1(head: bytes) -> bytes:
    """RFC 9110, 2.5: a higher minor version is taken for the one that is known."""
    return re.sub(rb" HTTP/1\.[2-9]\r\n", b" HTTP/1.1\r\n", head, count=1)


def check_size(head: bytes) -> None:
    """Check a head, whole or not, against its bound in bytes (RFC 6585, section 5)."""
    if len(head) > MAX_HEAD_BYTES:
        raise _too_large()


def _too_large() -> Refused:
    detail = f"A head has at most {MAX_HEAD_BYTES} bytes and {MAX_FIELDS} fields."
    return refused(problems.HEAD_TOO_LARGE, detail)


def check_head(head: bytes, headers: RawHeaders, minor: int) -> tuple[int, bool]:
    """Return how many bytes of body follow, or CHUNKED, and whether they are to be asked for.

    `headers` are what the parser has made of `head`, with names in lower case. Raises Refused.
    """
    count = len(headers)
    if count > MAX_FIELDS or len(head) > MAX_HEAD_BYTES:  # RFC 6585, 5
        raise _too_large()
    # RFC 9112, 2.2 and 5: a line is one field, for the parser as for us.
    if head.count(b"\n") != count + 2:
        raise malformed("A line of the head is not one field.")
    fields = dict(headers)
    if len(fields) != count:
        fields |= _check_repeated(headers)
    # RFC 9112, 3.2: a request has one host, which only HTTP/1.0 may leave out.
    host = fields.get(b"host")
    if host is None:
        if minor:
            raise malformed("The header Host is missing.")
    elif len(host) > MAX_HOST_BYTES or not is_host(host):
        raise malformed("The header Host is not a host.")
    length = fields.get(b"content-length", b"0")
    if length.isdigit() and len(length) < MAX_DIGITS and b"transfer-encoding" not in fields:
        size = int(length)
    else:
        size = _unusual_length(fields, minor)
    if size and b"content-encoding" in fields:
        _check_coding(fields[b"content-encoding"])
    # RFC 9110, 10.1.1: HTTP/1.0 has no expectations, and without a body nothing is expected.
    if b"expect" in fields and minor:
        return size, _expects_continue(fields[b"expect"]) and size != 0
    return size, False


def _check_repeated(headers: RawHeaders) -> dict[bytes, bytes]:
    """RFC 9110, 5.3: of a field that is no list there is one line, and lines of a list are one.

    Returns the lists that matter here. Otherwise the last line would hide what is in the others.
    """
    names = [name for name, _ in headers]
    for name in _ONCE:
        if names.count(name) > 1:
            raise malformed(f"The header {name.decode().title()} was sent more than once.")
    return {
        name: b",".join(value for each, value in headers if each == name)
        for name in _LISTS
        if name in names
    }


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    """Tell whether the value of Host is one: a name or an address, and a port (RFC 9110, 7.2)."""
    return _HOST.fullmatch(value.strip(b" \t")) is not None


def _unusual_length(fields: dict[bytes, bytes], minor: int) -> int:
    """RFC 9112, 6.3: how long a body is, where that is no plain number."""
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if coding is not None:
        return _check_transfer(coding, length, minor)
    digits = length.strip(b" \t") if length is not None else b""
    if not digits.isdigit() or len(digits) >= MAX_DIGITS:
        raise malformed("The Content-Length is no number of bytes.")
    return int(digits)


def _check_transfer(coding: bytes, length: bytes | None, minor: int) -> int:
    """RFC 9112, 6.1: not beside a length, not in HTTP/1.0, and no coding but chunked is known."""
    if length is not None:
        raise malformed("A body has a Transfer-Encoding or a Content-Length.")
    if not minor:
        raise malformed("There is no Transfer-Encoding in HTTP/1.0.")
    if coding.strip(b" \t").lower() != b"chunked":
        raise _unknown_coding()
    return CHUNKED


def _unknown_coding() -> Refused:
    return refused(problems.NOT_IMPLEMENTED, "The only transfer coding here is chunked.")


def _check_coding(coding: bytes) -> None:
    """RFC 9110, 8.4 and 15.5.16: a body that is packed is not unpacked here."""
    codings = {each.strip(b" \t").lower() for each in coding.split(b",")}
    if not codings <= {b"", b"identity"}:
        raise refused(problems.UNSUPPORTED_CODING, "A body is sent as it is: no Content-Encoding.")


def _expects_continue(value: bytes) -> bool:
    """RFC 9110, 10.1.1: there is one expectation."""
    if value.strip(b" \t").lower() != b"100-continue":
        raise refused(problems.EXPECTATION_FAILED, "The only expectation is 100-continue.")
    return True


def unparsed(head: bytes, reason: str) -> Refused:
    """Return the exception for a head that the parser does not take, for its `reason`."""
    codings = b",".join(_TRANSFER.findall(head)).replace(b" ", b"").replace(b"\t", b"").lower()
    names = codings.split(b",")
    is_other = bool(codings) and set(names) != {b"chunked"} and not _LENGTH.search(head)
    if is_other and all(map(_NAME.fullmatch, names)):  # RFC 9112, 6.1
        return _unknown_coding()
    return malformed(f"The head is not as HTTP/1.1 has it: {reason}.")


def unknown_method() -> Refused:
    """RFC 9110, 9.1: an unknown method. One that is only not for this URL gets a 405 elsewhere."""
    return refused(problems.NOT_IMPLEMENTED, "This method is not known here.")


def without_upgrade(head: bytes) -> bytes:
    """RFC 9110, 7.8: an upgrade that is not wanted is ignored."""
    return _OF_AN_UPGRADE.sub(b"", head)


def request_id_in(head: bytes) -> bytes:
    """Return the X-Request-ID of a head that may be anything; empty where there is none."""
    match = _REQUEST_ID.search(head[:MAX_HEAD_BYTES])
    return match[1].strip() if match else b""
