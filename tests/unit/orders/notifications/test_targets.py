"""Where webhooks may go, and where not in any spelling."""

import socket
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from orders.notifications.targets import (
    MAX_URL_LENGTH,
    AddressRefused,
    TargetRefused,
    check_url,
    is_public,
    open_socket,
)

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",  # shared by carriers, RFC 6598
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # where clouds keep their credentials
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "233.252.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.0",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]
SPELLINGS = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://shop.localhost/",
    "https://10.0.0.1:8443/hook",
    "https://169.254.169.254/latest/meta-data/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused_when_it_is_connected_to(
    address: str, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(AddressRefused):
        open_socket((family, socket.SOCK_STREAM, 0, "", (address, 443)))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_url_that_is_surely_private_is_refused_at_once(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(TargetRefused, match="not a public address"):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "//example.com/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///hook",
        "https://:443/",
        "https://ada:secret@example.com/",
        "https://ada@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com/\0",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(TargetRefused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook?shop=1", "https://example.com:8443", "https://münchen.example/"],
)
def test_a_public_url_is_welcome(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    check_url(url)


def test_a_developer_may_use_private_ones(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    check_url("http://127.0.0.1:8080/hook")
    with open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 8080))) as opened:
        assert opened.family == socket.AF_INET
