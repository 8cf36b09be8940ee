"""Which connections count as one client's."""

import pytest
from pytest_django import Settings

from orders.intake.connection.addresses import counted_address
from orders.intake.handler import name_sender


@pytest.mark.parametrize(
    ("host", "trusted", "counted"),
    [
        ("203.1.2.1", "", "203.1.2.1"),
        ("127.0.0.1", "", ""),
        ("::1", "", ""),
        ("172.17.0.1", "", ""),
        ("10.1.2.3", "", ""),
        ("fd00::1", "", ""),
        ("203.1.2.1", "203.1.2.1", ""),
        ("203.1.2.1", "10.0.0.1, 203.1.2.0/24", ""),
        ("203.1.2.1", "10.0.0.0/8", "203.1.2.1"),
        ("203.1.2.1", "*", ""),
        ("203.1.2.1", "proxy.local, ,", "203.1.2.1"),
        ("::ffff:203.1.2.1", "", "203.1.2.1"),
        ("2a00:db8:1:2::3", "", "2a00:db8:1:2::/64"),
        ("2a00:db8:1:2:ffff::4", "", "2a00:db8:1:2::/64"),
        ("2a00:db8:1:2::3", "2a00:db8::/32", ""),
        ("", "", ""),
    ],
)
def test_an_address_counts_unless_it_is_a_trusted_proxys(
    settings: Settings, host: str, trusted: str, counted: str
) -> None:
    settings.FORWARDED_ALLOW_IPS = trusted
    assert counted_address((host, 4711)) == counted


@pytest.mark.parametrize(
    ("trusted", "headers", "sender", "scheme"),
    [
        (
            "",
            {"x-forwarded-for": "198.51.100.1", "x-forwarded-proto": "https"},
            "127.0.0.1",
            "http",
        ),
        ("127.0.0.1", {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1", "http"),
        ("127.0.0.1", {"x-forwarded-for": "2001:db8::7"}, "2001:db8::7", "http"),
        ("127.0.0.1", {"x-forwarded-proto": "HTTPS"}, "127.0.0.1", "https"),
        ("127.0.0.1", {"x-forwarded-proto": "gopher"}, "127.0.0.1", "http"),
    ],
)
def test_django_is_told_of_a_sender_what_a_trusted_proxy_says(
    settings: Settings, trusted: str, headers: dict[str, str], sender: str, scheme: str
) -> None:
    settings.FORWARDED_ALLOW_IPS = trusted
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": ("127.0.0.1", 9), "scheme": "http", "headers": raw}
    name_sender(scope)
    assert (scope["client"][0], scope["scheme"]) == (sender, scheme)


def test_a_socket_file_has_no_address() -> None:
    assert counted_address(None) == ""
