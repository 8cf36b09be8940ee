"""Mail addresses: accepted exactly where email-validator accepts them."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from orders.addresses import AddressRefused, Recipient, check_address, recipient_of

GOOD = [
    "ada@example.com",
    "Ada.Lovelace+shop@Mail.Example.CO.UK",
    "o'brien@example.ie",
    "!#$%&'*+/=?^_`{|}~-@example.com",
    "a@b.cd",
    "1@2.example",
    "a@x.y",
    "a@try.test",
    "a" * 64 + "@example.com",
    "a@" + "b" * 63 + ".example",
    "a@xn--bcher-kva.example",
    "a@a-b--c.example",
]
BAD = [
    *("", "@", "a", "a@", "@b.example", "a@b", "a@localhost", "a@test", "ada.example.com"),
    *("a..b@x.y", ".a@x.y", "a.@x.y", "a@x..y", "a@.x.y", "a@x.y.", "a@@x.y", "a@b@x.y"),
    *("a@-x.y", "a@x-.y", "a@x_y.example", "a@ab--cd.example", "a@xn--.example", "a@XN--a.example"),
    *("a@1.2.3.4", "a@[1.2.3.4]", "a@[IPv6:::1]", "a@example.123", "a@example.c0"),
    *('"a b"@x.y', '"a"@x.y', "a b@x.y", "a@x y.z", " a@x.y", "a@x.y ", "a@x.y\n", "a\t@x.y"),
    *("Ada <a@x.y>", "<a@x.y>", "a@x.y, b@x.y", "a(b)@x.y", "mailto:a@x.y", "a@x.y;b", "a\0@x.y"),
    *("a@x.local", "a@x.localhost", "a@X.Invalid", "a@x.onion", "a@1.in-addr.arpa"),
    "a" * 65 + "@example.com",
    "a@" + "b" * 64 + ".example",
    "a@" + ".".join(["b" * 62] * 4) + ".example",
    "a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".example",
    "ada\u202e@example.com",
    "\u200fada@example.com",
    "ada@exam\u202eple.com",
    "ad\u200ba@example.com",
    "ada@exa\u00admple.com\u2028",
    "ada@exa\u3002\u3002mple.com",
    "ada\u0000@bücher.example",
    "ada\ue000@example.com",
    "jörg..x@example.com",
    "ada@\u0661\u0662.\u0663",
    "ada@bücher",
    "ada@-bücher.example",
    "ada@" + "ü" * 63 + ".example",
]


@pytest.mark.parametrize("address", GOOD)
def test_an_address_is_accepted_and_written_as_it_is(address: str) -> None:
    check_address(address, smtputf8=False)
    assert recipient_of(address) == Recipient(address, needs_utf8=False)


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_refused(address: str) -> None:
    for judge in (lambda: check_address(address, smtputf8=True), lambda: recipient_of(address)):
        with pytest.raises(AddressRefused):
            judge()


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),  # not strasse, another one's domain
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("ada@ｅｘａｍｐｌｅ.com", "ada@example.com"),
    ],
)
def test_an_international_domain_is_written_in_ascii(address: str, sent_to: str) -> None:
    check_address(address, smtputf8=False)
    assert recipient_of(address) == Recipient(sent_to, needs_utf8=False)


@pytest.mark.parametrize(
    "address", ["jörg@example.com", "用户@例え.テスト", "jo\u0308rg@example.com"]
)
def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it(address: str) -> None:
    with pytest.raises(AddressRefused, match="mail server"):
        check_address(address, smtputf8=False)
    check_address(address, smtputf8=True)
    assert recipient_of(address).needs_utf8


# --- Held against the library -------------------------------------------------------------------


def library_accepts(address: str) -> bool:
    try:
        validate_email(address, strict=True, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return not address.lower().endswith("@test")


def accepted(address: str) -> bool:
    try:
        check_address(address, smtputf8=True)
    except AddressRefused:
        return False
    return True


_SPECIAL = (
    "aZ09!#$%&'*+/=?^_`{|}~-.@ \"<>()[],;:\\\t\n\x00"
    "\u00ad\u00fc\u0131\u0308\u200b\u202e\u3002\u06dd\ue000"
)
_parts = st.text(st.sampled_from(_SPECIAL), max_size=12)
_labels = st.text(st.sampled_from("aZ09-üß"), min_size=1, max_size=8) | st.sampled_from(
    [
        "xn--bcher-kva",
        "xn--a",
        "XN--BCHER-KVA",
        "localhost",
        "LOCAL",
        "test",
        "arpa",
        "x" * 63,
        "x" * 64,
    ]
)
_domains = st.lists(_labels, min_size=1, max_size=4).map(".".join)
_locals = (
    st.text(st.sampled_from("aZ09+_-.'ü\u202e"), min_size=1, max_size=10)
    | st.integers(60, 66).map(lambda length: "a" * length)
    | _parts
)


@given(
    st.emails()
    | st.builds("{}@{}".format, _locals, _domains)
    | st.builds("{}@{}".format, _locals, _parts)
    | st.builds("{}@{}.example".format, _locals, st.text(max_size=8))
    | _parts
    | st.text(max_size=20)
)
@example("a@" + ".".join(["b" * 62] * 4))
@example("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61)
@example("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 60)
def test_the_pattern_and_the_library_say_the_same(address: str) -> None:
    assert accepted(address) == library_accepts(address)


@given(st.emails() | st.builds("{}@{}".format, _locals, _domains))
def test_an_address_goes_where_the_library_says(address: str) -> None:
    if not library_accepts(address):
        return
    found = validate_email(address, strict=True, check_deliverability=False, test_environment=True)
    local, _, domain = recipient_of(address).address.rpartition("@")
    assert local == found.local_part
    assert domain.lower() == found.ascii_domain
