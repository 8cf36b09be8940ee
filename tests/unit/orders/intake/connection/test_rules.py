"""Rules that do not rely on the parser: it may change its mind about what it takes."""

import pytest

from orders.http.problems import Refused
from orders.intake.connection import rules


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n",
        b"GET / HTTP/1.1\nX: y\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_with_other_lines_than_the_parser_saw_fields_is_refused(head: bytes) -> None:
    with pytest.raises(Refused):
        rules.check_head(head, [(b"host", b"a")], 1)


@pytest.mark.parametrize("value", [b"+5", b"5 5", b"-1", b"", b"1" * 16, b"0x1", b"\xb2"])
def test_a_length_that_is_no_number_is_refused_whatever_the_parser_said(value: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ?\r\n\r\n"
    with pytest.raises(Refused):
        rules.check_head(head, [(b"host", b"a"), (b"content-length", value)], 1)


@pytest.mark.parametrize("minor", [0, 1])
def test_a_coding_beside_a_length_is_refused_whatever_the_parser_said(minor: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    headers = [(b"host", b"a"), (b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    with pytest.raises(Refused):
        rules.check_head(head, headers, minor)


def test_only_http_1_0_may_leave_out_its_host() -> None:
    assert rules.check_head(b"GET / HTTP/1.0\r\n\r\n", [], 0) == (0, False)
    with pytest.raises(Refused):
        rules.check_head(b"GET / HTTP/1.1\r\n\r\n", [], 1)
