"""The webhooks of other programs: created, given new secrets, switched off and on."""

from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from orders.domain import EventType
from orders.errors import EndpointExists
from orders.models import ApiClient, Endpoint, new_signing_secret
from shop.core import clock

from .targets import TargetRefused, check_url, normalise, refusal_of

SECRET_OVERLAP = timedelta(hours=24)  # how long the previous secret signs beside the new one


def create_webhook(
    *,
    url: str,
    events: Collection[EventType] = (),
    client: ApiClient | None = None,
    active: bool = True,
) -> tuple[Endpoint, str]:
    """Create a webhook that gets `events`, or all, of a client's orders, or of all the shop's.

    Returns it and its signing secret. Raises TargetRefused where no webhook may go to `url`, and
    EndpointExists where the client, or the shop, has one there.
    """
    check_url(url)
    endpoint = Endpoint(
        channel=Endpoint.Channel.WEBHOOK,
        client=client,
        url=url,
        target=normalise(url),
        events=sorted({event.value for event in events}),
        active=active,
        secret=new_signing_secret(),
    )
    refuse_repetition(endpoint)
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
    except IntegrityError:
        refuse_repetition(endpoint)  # somebody has been faster
        raise
    return endpoint, endpoint.secret


def change_webhook(endpoint: Endpoint, *, url: str, events: Collection[EventType]) -> None:
    """Send a webhook's events elsewhere, or others. Raises as `create_webhook` does."""
    if url != endpoint.url:
        check_url(url)
        endpoint.url, endpoint.target = url, normalise(url)
        refuse_repetition(endpoint)
    endpoint.events = [event.value for event in events]
    try:
        with transaction.atomic():
            # Not the secret nor its health: they may have changed since it was read.
            endpoint.save(update_fields=["url", "target", "events"])
    except IntegrityError:
        refuse_repetition(endpoint)
        raise


def refuse_repetition(endpoint: Endpoint) -> None:
    """Raise EndpointExists where another webhook of the same client goes to the same target."""
    same = Endpoint.objects.filter(client=endpoint.client_id, target=endpoint.target)
    other = same.exclude(pk=endpoint.pk).first() if endpoint.target else None
    if other is not None:
        raise EndpointExists(_description(other))


def webhooks_at(url: str) -> QuerySet[Endpoint]:
    """Return the webhooks that go to this URL, however it is spelt, whosever they are."""
    there = Q(url=url.replace("\0", ""))
    try:
        there |= Q(target=normalise(url))
    except TargetRefused:
        pass  # such a one may be there from before it was refused
    return Endpoint.objects.filter(there, channel=Endpoint.Channel.WEBHOOK)


def state_of(endpoint: Endpoint) -> tuple[str, str]:
    """Return how an endpoint is, in a word, and why, where that needs a reason.

    "refused" is one that was permitted when it was set up and is not any more.
    """
    if endpoint.disabled_reason:
        return endpoint.health, endpoint.disabled_reason
    is_webhook = endpoint.channel == Endpoint.Channel.WEBHOOK
    if endpoint.active and is_webhook and (refused := refusal_of(endpoint.url)):
        return "refused", refused
    return endpoint.health, ""


def rotate_secret(endpoint: Endpoint) -> str:
    """Give a webhook a new secret and return it. The one before stays valid for SECRET_OVERLAP, in
    which each message carries a signature by either."""
    with transaction.atomic():
        current = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        current.previous_secret = current.secret
        current.previous_secret_until = clock.now() + SECRET_OVERLAP
        current.secret = new_signing_secret()
        current.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return current.secret


def disable(endpoint: Endpoint) -> None:
    """Send an endpoint nothing more. Deliveries that wait for it stay, and go out once it is
    enabled; events that happen meanwhile never reach it."""
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)


def enable(endpoint: Endpoint) -> None:
    """Tell an endpoint of events again, with a clean record."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        active=True, resume_at=None, failing_since=None, disabled_reason=""
    )


def _description(endpoint: Endpoint) -> str:
    names = ", ".join(endpoint.events) or "all events"
    off = "" if endpoint.active else " It is switched off: manage.py enable_webhook switches it on."
    return (
        f"Webhook {endpoint.pk} tells {endpoint.url} {names} of the orders of {endpoint.owner} "
        f"already.{off}"
    )
