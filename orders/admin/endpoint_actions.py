"""The buttons on the page of a webhook: a test delivery, and a new secret."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from orders.models import Endpoint
from orders.notifications.outcomes import Delivered
from orders.notifications.webhook import endpoints, test_delivery
from shop.core.admin.lists import ShopAdmin

from .confirmation import Outcome, Question, asks_first
from .secrets import Secret, show_once

NO_WEBHOOK = "This is no webhook: its customers' addresses are in their orders."


def _ask_to_test(endpoint: Endpoint, data: dict[str, Any] | None) -> Question:
    return Question(
        title="Send a test event?",
        text=f"One signed call of the type {test_delivery.TYPE} goes to {endpoint.url}, also if it "
        "is switched off. It is about no order, and is neither tried again nor written down.",
        button="Send the test",
        refusal="" if endpoint.channel == Endpoint.Channel.WEBHOOK else NO_WEBHOOK,
        dangerous=False,
    )


def _ask_for_secret(endpoint: Endpoint, data: dict[str, Any] | None) -> Question:
    return Question(
        title="Give it a new signing secret?",
        text="The new secret is shown once. The one before stays valid for a day, in which each "
        "message carries a signature by either, so that the receiver can be changed at ease. A "
        "secret before that one is void at once.",
        button="Give a new secret",
        refusal="" if endpoint.channel == Endpoint.Channel.WEBHOOK else NO_WEBHOOK,
    )


class EndpointActions(ShopAdmin):
    """The buttons of a webhook's page: send a test, rotate the secret."""

    actions_detail = ("send_test", "rotate_secret")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer these actions for webhooks only: no other channel has a URL or a secret."""
        allowed: list[Any] = super().get_actions_detail(  # type: ignore[misc]
            request, object_id
        )
        endpoint: Endpoint | None = self.get_object(request, object_id) if allowed else None
        is_webhook = endpoint is not None and endpoint.channel == Endpoint.Channel.WEBHOOK
        return allowed if is_webhook else []

    @asks_first(
        permission="orders.test_endpoint",
        description="Send a test event",
        icon="send",
        ask=_ask_to_test,
        url_path="test",
    )
    def send_test(self, request: HttpRequest, endpoint: Endpoint, question: Question) -> Outcome:
        outcome = test_delivery.send_test(endpoint)
        if isinstance(outcome, Delivered):
            text = f"The test has arrived: it answered HTTP {outcome.status}."
            return Outcome(messages.SUCCESS, text)
        return Outcome(messages.ERROR, f"The test has not arrived: {getattr(outcome, 'error', '')}")

    @asks_first(
        permission="orders.change_endpoint",
        description="Give a new secret",
        icon="key",
        ask=_ask_for_secret,
        url_path="secret",
    )
    def rotate_secret(
        self, request: HttpRequest, endpoint: Endpoint, question: Question
    ) -> HttpResponse:
        endpoints.rotate_secret(endpoint)
        endpoint.refresh_from_db()
        self.log_change(request, endpoint, "Gave it a new signing secret.")
        return show_once(self, request, endpoint, secret_of(endpoint))


def secret_of(endpoint: Endpoint) -> Secret:
    """Return the endpoint's signing secret for the one page that shows it."""
    note = "It verifies each message (Standard Webhooks). An earlier one stays valid for a day."
    return Secret(f"The signing secret of {endpoint.url}", endpoint.secret, note)
