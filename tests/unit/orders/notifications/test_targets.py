"""Where webhooks may go, and where not in any spelling."""

import socket
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from orders.notifications.webhook.targets import (
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
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.0.255",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
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
    "2001:0:7f00:1:0:0:80ff:fffe",
    "2001:1::1",
    "2001:20::1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:7f00:1",
    "2606:4700::1111%1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "4000::1",
    "::ffff:168.63.129.16",
    "::ffff:192.88.99.1",
    "::ffff:100.64.0.1",
    "::8.8.8.8",
    "64:ff9b::a83f:8110",
    "64:ff9b::c058:6301",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a83f:8110::1",
    "2002:c058:6301::",
    "2002:6440:1::",
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
    "168.63.129.15",
    "168.63.129.17",
    "191.255.255.255",
    "192.0.1.0",
    "192.88.98.255",
    "192.88.100.0",
    "100.63.255.255",
    "100.128.0.0",
    "2001:200::1",
    "2606:4700::1111",
    "3ffe:ffff::1",
    "2606:4700::5efe:1.1.1.1",
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


@pytest.mark.parametrize(("port", "permitted"), [(443, 1), (80, 1), (8443, 1), (22, 0), (6379, 0)])
def test_ports_are_checked_when_they_are_connected_to(
    port: int, permitted: int, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE, settings.WEBHOOK_PORTS = False, frozenset((8443,))
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("93.184.216.34", port))
    if permitted:
        open_socket(info).close()
        return
    with pytest.raises(AddressRefused, match=f"port {port} is not permitted"):
        open_socket(info)


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
        "https://example.com/" + "ä" * (MAX_URL_LENGTH // 2),  # six characters each, escaped
        "https://example.com/%00",
        "https://example.com/?a=%00",
        "https://example.com/%0d%0aX:%20y",
        "https://example.com/%1f",
        "https://example.com/%7F",
        "https://example.com/%",
        "https://example.com/%4",
        "https://example.com/%zz",
        "https://example.com/a\\b",
        "https://example.com\\@evil.example/",
        "https://example.com/<a>",
        'https://example.com/"',
        "https://example.com/^`{|}",
        "https://example.com/#there",
        "https://example.com/#",
        "https://@example.com/",
        "https://:@example.com/",
        "https://:secret@example.com/",
        "https://a@b@example.com/",
        "https://example.com%2f@evil.example/",
        "https://exa%6dple.com/",
        "https://e%00.com/",
        "https://[fe80::1%25eth0]/",
        "https://[2606:4700::1111%25eth0]/",
        "https://example..com/",
        "https://.example.com/",
        "https://" + "a" * 64 + ".com/",
        "https://" + "a." * 127 + "com/",
        "https://8.8.2056/",
        "https://0x08080808/",
        "https://134744072/",
        "https://010.8.8.8/",
        "https://example.com:0/",
        "https://example.com:22/",
        "https://example.com:8443/",
        "https://example.com:65536/",
        "https://\u202eexample.com/",
        "https://example.com/\u202e",
        "https://example.com/\u00a0",
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(TargetRefused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?shop=1",
        "https://example.com:443",
        "https://example.com:80/",
        "https://example.com.:9443/",
        "https://münchen.example/ä?ö=%C3%BC",
        "https://a_b.example/%2e/~x@y:z;=,'()*!$&+",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "HTTPS://EXAMPLE.COM/",
    ],
)
def test_a_public_url_is_welcome(url: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE, settings.WEBHOOK_PORTS = False, frozenset((9443,))
    check_url(url)


def test_a_developer_may_use_private_ones(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    check_url("http://127.0.0.1:8080/hook")
    with open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 8080))) as opened:
        assert opened.family == socket.AF_INET
