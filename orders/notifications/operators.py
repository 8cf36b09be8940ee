"""Telling the operators what only a person can mend."""

from django.core.mail import mail_admins

from orders.models import Endpoint


def endpoint_disabled(endpoint: Endpoint) -> None:
    """Mail the operators (DJANGO_ADMINS) that an endpoint gets no more events.

    Never raises: the log has said it already.
    """
    mail_admins(
        f"Webhook disabled: {endpoint.url[:100]}",
        f"Endpoint {endpoint.pk} ({endpoint.url}) is told of events no more.\n"
        f"Reason: {endpoint.disabled_reason}\n\n"
        "Once it works again, enable it in the admin, under Endpoints. What was waiting for it\n"
        "has been given up: `manage.py replay_notifications --dead` sends it again.\n",
        fail_silently=True,
    )
