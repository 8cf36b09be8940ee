"""Which connections count as one client's."""

import pytest

from orders.intake.connection.addresses import counted_address


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
    monkeypatch: pytest.MonkeyPatch, host: str, trusted: str, counted: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    assert counted_address((host, 4711)) == counted


def test_a_socket_file_has_no_address() -> None:
    assert counted_address(None) == ""
