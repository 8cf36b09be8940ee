"""SMS to customers, through whatever service the deployment names."""

import json
import logging
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from orders.models import Endpoint

from .batches import Outcomes, deliver_batches
from .customer_messages import in_language_of, render_message
from .delivery_spans import delivery, noted
from .event_payload import EventPayload
from .outcomes import Delivered, GiveUp, Outcome, RetryLater

logger = logging.getLogger(__name__)

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)  # ITU-T E.164: at most 15 digits


class SmsRefused(Exception):
    """The service will never send this message; the text says why."""


class Sender(Protocol):
    """A service that sends SMS. SMS_SENDER names a class that is made without arguments."""

    def send(self, *, to: str, text: str, message_id: str) -> None:
        """Send `text` to the number `to` (E.164). A message id that was sent before is a retry.

        Has to come to an end within seconds, as everything that waits. Raises SmsRefused for
        good; any other error is tried again.
        """
        ...


class FileSender:
    """Writes messages to files below SHOP_STATE_DIR, for development."""

    def __init__(self) -> None:
        self._folder = Path(settings.STATE_DIR) / "sms"

    def send(self, *, to: str, text: str, message_id: str) -> None:
        """Write the message into a file that is named after its id."""
        self._folder.mkdir(parents=True, exist_ok=True)
        message = json.dumps({"to": to, "text": text}, ensure_ascii=False)
        (self._folder / f"{message_id}.json").write_text(message)


def deliver_sms() -> int:
    """Send the messages that are due; see `deliver_batches`."""
    return deliver_batches(Endpoint.Channel.SMS, send_sms)


def send_sms(payloads: Sequence[EventPayload]) -> Outcomes:
    """Send a message for each event, and yield its outcome."""
    for payload in payloads:
        with payload.about(), delivery(payload, channel="sms"):
            outcome = noted(_send(payload))
        yield outcome


def _send(payload: EventPayload) -> Outcome:
    to = str(payload.said("phone") or "")
    if not settings.SMS_SENDER:
        return GiveUp("no SMS_SENDER is configured")
    if not _E164.fullmatch(to):
        return GiveUp("metadata.phone is no number as E.164 writes it: +491701234567")
    try:
        with in_language_of(payload):
            text = render_message("sms", payload)
        _sender(settings.SMS_SENDER).send(to=to, text=text, message_id=payload.message_id)
    except SmsRefused as error:
        return GiveUp(str(error))
    except Exception as error:  # whatever a service's client raises
        logger.warning("SMS of event %s not sent: %r", payload.event_id, error)
        return RetryLater(repr(error))
    return Delivered()


@cache
def _sender(path: str) -> Sender:
    sender: Sender = import_string(path)()
    return sender
