"""What customers are told, of every event and in every language."""

import ast
import gettext
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import translation

from orders.domain import EventType
from orders.notifications.customer_messages import amount, in_language_of, moment, render_message
from orders.notifications.event_payload import EventPayload, Line
from orders.notifications.mail.deliver import compose

LOCALE = Path(settings.BASE_DIR) / "orders" / "locale"
FACTS: dict[str, Any] = {
    "event_id": 17,
    "type": EventType.PLACED,
    "sequence": 1,
    "happened_at": datetime(2026, 11, 27, 11, 44, tzinfo=UTC),
    "refund_due": None,
    "order_id": UUID("01a1fd85-43c5-8000-8005-239ea9662356"),
    "client_id": 1,
    "sale": "spring",
    "sale_name": "Spring drop",
    "customer": "ada",
    "email": "ada@example.com",
    "currency": "EUR",
    "total": Decimal("1250.0000"),
    "metadata": "{}",
    "accepted_at": datetime(2026, 11, 27, 11, 44, tzinfo=UTC),
    "hold_expires_at": datetime(2026, 11, 27, 11, 59, tzinfo=UTC),
    "lines": (Line("TEE", "A fine tee", 2, Decimal("625.0000")),),
}
LANGUAGES = [code for code, _ in settings.LANGUAGES]
KINDS: list[dict[str, Any]] = [
    *({"type": event} for event in EventType),
    {"type": EventType.PLACED, "hold_expires_at": None},
    *(
        {"type": event, "refund_due": Decimal("1250.0000")}
        for event in (EventType.EXPIRED, EventType.CANCELLED, EventType.REJECTED)
    ),
]


def notice(language: str = "en", **changes: Any) -> EventPayload:
    return EventPayload(**FACTS | {"metadata": json.dumps({"language": language})} | changes)


def said(channel: str, told: EventPayload) -> str:
    with in_language_of(told):
        return render_message(channel, told)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("channel", ["mail", "sms"])
def test_every_language_says_everything_in_its_own_words(
    channel: str, kind: dict[str, Any]
) -> None:
    versions = [said(channel, notice(language, **kind)).splitlines() for language in LANGUAGES]
    english = {line for line in versions[0] if line.strip()}
    assert english
    for version in versions[1:]:
        assert len(version) == len(versions[0])
        assert not english & set(version)
    assert not re.search(r"[{}%]|None", str(versions))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_text_message_is_short(kind: dict[str, Any]) -> None:
    for language in LANGUAGES:
        assert len(said("sms", notice(language, **kind))) <= 160


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_letter_has_one_subject_and_the_same_words_in_text_and_html(kind: dict[str, Any]) -> None:
    letter = compose(notice(**kind), "ada@example.com")
    html = str(letter.alternatives[0][0])
    assert letter.subject == letter.subject.strip() != ""
    assert letter.body.startswith(said("mail", notice(**kind)).partition("\n\n")[2])
    for paragraph in letter.body.split("\n\n")[:1]:
        assert paragraph in html
    assert "2 × A fine tee  1,250.00 EUR" in letter.body


@pytest.mark.parametrize("channel", ["mail", "sms"])
@pytest.mark.parametrize(
    ("event", "why", "warum"),
    [
        (EventType.EXPIRED, "left", "mehr da"),
        (EventType.CANCELLED, "cancelled", "torni"),
        (
            EventType.REJECTED,
            "we cannot fulfil",
            "nicht ausführen können|können deine Bestellung nicht",
        ),
    ],
)
def test_money_that_goes_back_is_told_of_with_what_became_of_the_order(
    channel: str, event: EventType, why: str, warum: str
) -> None:
    for language, reason, total in (("en", why, "1,250.00"), ("de", warum, "1.250,00")):
        words = said(channel, notice(language, type=event, refund_due=Decimal("1250.0000")))
        assert f"{total} EUR" in words
        assert re.search(reason, words)
        assert ("too late" in words or "came after the time" in words) <= (
            event is EventType.EXPIRED
        )


def test_amounts_are_written_as_the_language_does_with_the_digits_of_the_currency() -> None:
    with translation.override("de"):
        assert amount(Decimal("1250.5000"), "EUR") == "1.250,50 EUR"
        assert amount(Decimal("1250.0000"), "JPY") == "1.250 JPY"
    with translation.override("en"):
        assert amount(Decimal("1250.5000"), "EUR") == "1,250.50 EUR"
        assert amount(Decimal("0.1250"), "KWD") == "0.125 KWD"


def test_moments_are_written_out_in_utc() -> None:
    then = datetime.fromisoformat("2026-03-07T00:30:00+05:00")
    with translation.override("de"):
        assert moment(then) == "6. März 2026, 19:30 UTC"
    with translation.override("en"):
        assert moment(then) == "6 March 2026, 19:30 UTC"


def catalogue(path: Path) -> dict[str, str]:
    """The translations of a .po file, as gettext keeps them: context and text joined by EOT."""
    found = {}
    for entry in path.read_text().split("\n\n"):
        fields = {"msgctxt": "", "msgid": "", "msgstr": ""}
        for name, quoted in re.findall(r'^(msg\w+) ((?:".*"\n?)+)', entry, re.MULTILINE):
            fields[name] = "".join(ast.literal_eval(line) for line in quoted.splitlines())
        context = fields["msgctxt"] + "\x04" if fields["msgctxt"] else ""
        found[context + fields["msgid"]] = fields["msgstr"]
    return found


def test_the_compiled_german_is_in_step_with_its_source() -> None:
    source = LOCALE / "de" / "LC_MESSAGES" / "django.po"
    with source.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    written = catalogue(source)
    assert len(written) > 30
    assert all(written.values())
    assert dict(compiled) == written
