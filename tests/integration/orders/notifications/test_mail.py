"""Mail over real SMTP: what customers read, and what becomes of what a server refuses."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from orders.domain import EventType
from orders.models import Delivery, Endpoint, Order, OrderEvent
from orders.notifications import batches
from orders.notifications.mail.deliver import deliver_mail

from .conftest import Shop, all_due, happens
from .mail_server import Post, mail_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    with mail_server() as (post, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "The Shop <shop@example.com>"
        yield post


def order_of(shop: Shop, *names: str) -> None:
    for name in names:
        shop.order(email=f"{name}@example.com")


def states() -> dict[str, str]:
    """The state of each customer's delivery, by the name in the address."""
    rows = Delivery.objects.filter(endpoint__channel="email").select_related("event__order")
    return {row.event.order.email.partition("@")[0]: row.state for row in rows}


def delivery_to(name: str) -> Delivery:
    return Delivery.objects.get(event__order__email__startswith=name)


# --- What customers read ------------------------------------------------------------------------


def test_a_customer_reads_what_happened_and_what_is_next(shop: Shop, post: Post) -> None:
    order = shop.order(email="ada@example.com", lines={"TEE": 2})
    Order.objects.update(hold_expires_at=datetime(2026, 11, 27, 11, 59, tzinfo=UTC))
    assert deliver_mail() == 1

    letter = post.letter_to("ada@example.com")
    assert letter["Subject"] == "Your order from drop"
    assert letter["From"] == "The Shop <shop@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    for body in post.bodies(letter):
        assert "please pay 25.00 EUR by 27 November 2026, 11:59 UTC" in body
        assert str(order.pk) in body
        assert "TEE" in body


def test_a_customer_reads_in_the_language_of_the_order(shop: Shop, post: Post) -> None:
    shop.order(email="ada@example.com", metadata={"language": "de"})
    Order.objects.update(hold_expires_at=datetime(2026, 3, 7, 8, 5, tzinfo=UTC))
    deliver_mail()
    letter = post.letter_to("ada@example.com")
    assert letter["Subject"] == "Deine Bestellung bei drop"
    for body in post.bodies(letter):
        assert "Bitte bezahle 12,50 EUR bis 7. März 2026, 08:05 UTC" in body
    assert '<html lang="de">' in post.bodies(letter)[1]


@pytest.mark.parametrize("language", ["tlh", "", None, 7, ["de"], {"a": 1}])
def test_a_language_that_nobody_speaks_here_is_the_default(
    language: object, shop: Shop, post: Post
) -> None:
    shop.order(email="ada@example.com", metadata={"language": language})
    deliver_mail()
    assert post.letter_to("ada@example.com")["Subject"] == "Your order from drop"


def test_a_payment_that_came_too_late_is_the_news(shop: Shop, post: Post) -> None:
    order = shop.order(EventType.EXPIRED, email="ada@example.com")
    happens(EventType.EXPIRED, order=order, refund_due=Decimal("12.50"))
    deliver_mail()
    subjects = [letter["Subject"] for letter in post.letters]
    assert subjects == [
        "Your order from drop",
        "Your order from drop has expired",
        "We pay back what you paid for drop",
    ]
    assert all("You have paid 12.50 EUR" in body for body in post.bodies(post.letters[2]))


def test_what_a_shop_is_called_cannot_change_what_a_message_is(shop: Shop, post: Post) -> None:
    shop.sale.name = "Hats & <b>more</b>"
    shop.sale.save(update_fields=["name"])
    order_of(shop, "ada")
    deliver_mail()
    letter = post.letter_to("ada@example.com")
    text, html = post.bodies(letter)
    assert letter["Subject"] == "Your order from Hats & <b>more</b>"
    assert "Hats &amp; &lt;b&gt;more&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "&amp;" not in text


def test_a_name_with_a_line_break_gives_no_header_and_holds_up_nobody(
    shop: Shop, post: Post
) -> None:
    shop.sale.name = "Hats\nBcc: everybody@example.com"
    shop.sale.save(update_fields=["name"])
    order_of(shop, "ada")
    deliver_mail()
    letter = post.letter_to("ada@example.com")
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Your order from Hats Bcc: everybody@example.com"


def test_an_order_without_an_address_is_told_nothing(shop: Shop, post: Post) -> None:
    shop.order()
    assert deliver_mail() == 0


# --- What becomes of it -------------------------------------------------------------------------


def test_a_round_is_sent_on_one_connection(shop: Shop, post: Post) -> None:
    order_of(shop, *(f"c{n}" for n in range(30)))
    assert deliver_mail() == 30
    assert (len(post.letters), post.connections) == (30, 1)
    assert set(states().values()) == {"delivered"}


def test_each_round_has_its_connection(
    shop: Shop, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROUND", 10)
    order_of(shop, *(f"c{n}" for n in range(25)))
    assert deliver_mail() == 25
    assert (len(post.letters), post.connections) == (25, 3)


def test_a_refused_recipient_is_given_up_and_the_others_get_theirs(shop: Shop, post: Post) -> None:
    post.refuses = lambda address: "550 No such user" if address.startswith("eve") else None
    order_of(shop, "ada", "eve", "bob")
    deliver_mail()
    assert states() == {"ada": "delivered", "eve": "dead", "bob": "delivered"}
    assert (delivery_to("eve").last_status, delivery_to("eve").last_error) == (550, "No such user")
    assert post.connections == 1


def test_a_recipient_that_is_refused_for_now_is_tried_again_with_the_same_message_id(
    shop: Shop, post: Post
) -> None:
    asked: list[str] = []
    post.refuses = lambda address: (
        asked.append(address)
        or (  # type: ignore[func-returns-value]
            "451 Greylisted" if len(asked) == 1 else None
        )
    )
    order_of(shop, "ada")
    deliver_mail()
    waiting = delivery_to("ada")
    assert (waiting.state, waiting.attempts, waiting.last_status) == ("pending", 1, 451)

    all_due()
    deliver_mail()
    event = OrderEvent.objects.get()
    assert delivery_to("ada").state == "delivered"
    assert post.letter_to("ada@example.com")["Message-ID"] == f"<evt-{event.pk}@example.com>"


def test_a_retry_carries_the_message_id_of_the_first_try(shop: Shop, post: Post) -> None:
    order_of(shop, "ada")
    for _ in range(2):
        Delivery.objects.update(state="pending")
        all_due()
        deliver_mail()
    first, second = post.letters
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    "address",
    [
        *("eve", "e\nBcc: x@example.com", "a@b@c", "@", "ü" * 254, "jörg@example.com", "a..b@x.y"),
        *("eve@localhost", '"eve"@example.com', "\u202eeve@example.com", "eve@exa\u200bmple.com,"),
        *("Eve <eve@example.com>", "eve@example.com, mallory@example.com", " "),
    ],
)
def test_what_is_no_address_is_given_up_and_holds_up_nobody(
    address: str, shop: Shop, post: Post
) -> None:
    order_of(shop, "ada", "eve", "bob")
    Order.objects.filter(email="eve@example.com").update(email=address)
    deliver_mail()
    assert post.envelopes == [["ada@example.com"], ["bob@example.com"]]
    found = Delivery.objects.get(event__order__email=address)
    assert (found.state, bool(found.last_error)) == ("dead", True)


def test_a_mail_without_a_recipient_is_not_called_delivered(shop: Shop, post: Post) -> None:
    order_of(shop, "eve")
    Order.objects.update(email="")
    deliver_mail()
    assert post.envelopes == []
    assert Delivery.objects.get().state == "dead"


def test_an_international_domain_is_sent_to_in_ascii(shop: Shop, post: Post) -> None:
    shop.order(email="ada@straße.example")
    deliver_mail()
    assert post.envelopes == [["ada@xn--strae-oqa.example"]]
    assert post.recipients() == ["ada@xn--strae-oqa.example"]
    assert states() == {"ada": "delivered"}


def test_a_server_that_says_smtputf8_gets_an_address_beyond_ascii_as_it_is(
    shop: Shop, settings: Settings
) -> None:
    with mail_server(smtputf8=True) as (post, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.DEFAULT_FROM_EMAIL = "Ä Shop <shop@example.com>"
        shop.order(email="jörg@bücher.example", metadata={"language": "de"})
        shop.order(email="ada@example.com")
        deliver_mail()
    to = "jörg@xn--bcher-kva.example"
    assert post.envelopes == [[to], ["ada@example.com"]]
    letter = post.letters[0]
    assert (letter["To"], letter["From"]) == (to, "Ä Shop <shop@example.com>")
    assert all("Bitte bezahle" in body for body in post.bodies(letter))
    assert set(states().values()) == {"delivered"}


def test_a_connection_that_is_dropped_is_opened_once_more(shop: Shop, post: Post) -> None:
    post.drops_after = 3
    order_of(shop, "a", "b", "c", "d", "e")
    deliver_mail()
    assert (len(post.letters), post.connections) == (5, 2)
    assert set(states().values()) == {"delivered"}


def test_a_server_that_drops_every_connection_is_left_alone_for_a_while(
    shop: Shop, post: Post
) -> None:
    post.drops_after = 2
    order_of(shop, "a", "b", "c", "d", "e", "f")
    deliver_mail()
    waiting = Delivery.objects.filter(state="pending").order_by("pk")
    assert (len(post.letters), post.connections) == (4, 2)
    assert [row.attempts for row in waiting] == [1, 0]
    resume_at = Endpoint.objects.get(channel="email").resume_at
    assert resume_at

    all_due()
    deliver_mail()
    assert sorted(post.recipients()) == [f"{name}@example.com" for name in "abcdef"]


def test_a_server_that_is_away_costs_one_attempt_and_not_one_for_each(
    shop: Shop, settings: Settings, post: Post
) -> None:
    settings.EMAIL_PORT = 1
    order_of(shop, "a", "b", "c")
    deliver_mail()
    assert [row.attempts for row in Delivery.objects.order_by("pk")] == [1, 0, 0]
    assert set(states().values()) == {"pending"}
    assert "refused" in delivery_to("a").last_error


def test_what_is_not_sent_in_time_is_left_for_the_next_as_if_untouched(
    shop: Shop, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(batches, "time", clock)
    post.refuses = lambda address: setattr(clock, "now", 1000.0)
    order_of(shop, "a", "b", "c")
    deliver_mail()
    assert [row.attempts for row in Delivery.objects.order_by("pk")] == [1, 0, 0]
    assert states() == {"a": "delivered", "b": "pending", "c": "pending"}
