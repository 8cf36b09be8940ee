"""E-mail to customers: a round of messages on one connection to the mail server."""

import logging
import smtplib
from collections.abc import Sequence
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from orders.addresses import AddressRefused, recipient_of
from orders.models import Endpoint
from orders.notifications.batches import Outcomes, deliver_batches
from orders.notifications.customer_messages import facts, in_language_of, render_message
from orders.notifications.delivery_spans import delivery, noted
from orders.notifications.event_payload import EventPayload
from orders.notifications.outcomes import Delivered, GiveUp, Outcome, RetryLater

from .connection import ConnectionLost, MailConnection, Utf8NotOffered, reply_of

logger = logging.getLogger(__name__)

SERVER_REST_SECONDS = 30.0  # a mail server that is away is left alone for so long


def deliver_mail() -> int:
    """Send the mail that is due; see `deliver_batches`."""
    return deliver_batches(Endpoint.Channel.EMAIL, send_mail)


def send_mail(payloads: Sequence[EventPayload]) -> Outcomes:
    """Send a message for each event on one connection, and yield its outcome.

    A connection that the server drops is opened once more. If that does not help, the server is
    left alone for a while, and the remaining messages are not tried.
    """
    connection = MailConnection()
    try:
        for payload in payloads:
            try:
                with payload.about(), delivery(payload, channel="email"):
                    outcome = noted(_send(connection, payload))
                yield outcome
            except ConnectionLost as lost:
                yield RetryLater(str(lost), None, SERVER_REST_SECONDS, endpoint_rests=True)
                return
    finally:
        connection.close()


def compose(payload: EventPayload, address: str) -> EmailMultiAlternatives:
    """Return the message about an event to an address, in text and in HTML.

    The first line of the text is the subject. The message id is the event's, so that a message that
    arrives twice can be recognized.
    """
    with in_language_of(payload):
        subject, _, text = render_message("mail", payload).partition("\n")
        paragraphs = [paragraph.strip() for paragraph in text.strip().split("\n\n")]
        context = facts(payload) | {"subject": subject.strip(), "paragraphs": paragraphs}
        message = EmailMultiAlternatives(
            subject.strip(),
            render_to_string("orders/mail/message.txt", context),
            to=[address],
            headers={
                "Message-ID": f"<{payload.message_id.replace('_', '-')}@{_host()}>",
                "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office replies, please
            },
        )
        message.attach_alternative(
            render_to_string("orders/mail/message.html", context), "text/html"
        )
    return message


def _host() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def _send(connection: MailConnection, payload: EventPayload) -> Outcome:
    """Send one message. Raises ConnectionLost, and nothing else."""
    try:
        recipient = recipient_of(payload.email)
        connection.send(compose(payload, recipient.address), utf8=recipient.needs_utf8)
    except ConnectionLost:
        raise
    except AddressRefused as error:  # it was taken by an earlier version, or not by the intake
        return GiveUp(f"the order's mail address {error}")
    except Utf8NotOffered as error:
        return GiveUp(str(error))
    except smtplib.SMTPException as error:
        return _outcome_of(error)
    except ValueError as error:  # an address or a header that no mail can have
        return GiveUp(f"{type(error).__name__}: {error}")
    except Exception as error:
        logger.exception("no mail can be written for event %s", payload.event_id)
        return RetryLater(repr(error))
    return Delivered()


def _outcome_of(error: smtplib.SMTPException) -> Outcome:
    """Tell a refusal for good (RFC 5321, section 4.2.1: 5yz) from one for now.

    A refused sender is our own mistake, which a person may mend before the last attempt.
    """
    code, text = reply_of(error)
    if 500 <= code < 600 and not isinstance(error, smtplib.SMTPSenderRefused):
        return GiveUp(text, code)
    return RetryLater(text, code or None)
