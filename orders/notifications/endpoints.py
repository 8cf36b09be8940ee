"""The webhooks of other programs: created, given new secrets, switched off and on."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from orders.domain import EventType
from orders.models import Endpoint, new_signing_secret
from shop.core import clock

from .targets import check_url

SECRET_OVERLAP = timedelta(hours=24)  # how long the previous secret signs beside the new one


def create_webhook(
    *, url: str, events: Collection[EventType] = (), active: bool = True
) -> tuple[Endpoint, str]:
    """Create a webhook that is told `events`, or all. Returns it and its signing secret.

    Raises TargetRefused where no webhook may go to `url`.
    """
    check_url(url)
    endpoint = Endpoint(
        channel=Endpoint.Channel.WEBHOOK,
        url=url,
        events=sorted({event.value for event in events}),
        active=active,
        secret=new_signing_secret(),
    )
    endpoint.save(force_insert=True)
    return endpoint, endpoint.secret


def rotate_secret(endpoint: Endpoint) -> str:
    """Give a webhook a new secret and return it. The one before stays valid for SECRET_OVERLAP, in
    which each message carries a signature by either."""
    with transaction.atomic():
        current = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        current.previous_secret = current.secret
        current.previous_secret_until = clock.now() + SECRET_OVERLAP
        current.secret = new_signing_secret()
        current.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return current.secret


def disable(endpoint: Endpoint) -> None:
    """Tell an endpoint nothing more. What waits for it stays, and goes out once it is enabled; of
    what happens meanwhile it is not told."""
    Endpoint.objects.filter(pk=endpoint.pk).update(active=False)


def enable(endpoint: Endpoint) -> None:
    """Tell an endpoint of events again, with a clean record."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        active=True, resume_at=None, failing_since=None, disabled_reason=""
    )
