"""The log of deliveries: searchable at any length, each to be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inventory.admin import of_order
from orders.models import Delivery
from orders.notifications.replay import replay
from orders.reads.order_story import answer_to
from shop.core.admin.lists import BIG_TABLE_HELP, BigTableAdmin, unbroken

from .badges import Tone, badge, link_to_pk, moment

RESEND = "orders.resend_delivery"
LOGGED = 1000  # deliveries of one action that get an entry each in their history
STATES: dict[str, Tone] = {"pending": "waits", "delivered": "good", "dead": "bad"}


@admin.register(Delivery)
class DeliveryAdmin(BigTableAdmin):
    """Deliveries: sent, waiting, or given up."""

    list_display = (
        "id",
        "event_type",
        "order_link",
        "endpoint",
        "outcome",
        "attempts",
        "answer",
        "tried",
    )
    list_select_related = ("event", "endpoint__client")
    list_filter = ("state", "endpoint")
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fields = (
        "event",
        "order_link",
        "endpoint",
        "outcome",
        "attempts",
        "last_status",
        "last_error",
        "last_attempt_at",
        "due_at",
        "created_at",
    )
    readonly_fields = ("order_link", "outcome")
    actions = ("replay",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="order")
    def order_link(self, delivery: Delivery) -> SafeString:
        return link_to_pk("orders.order", delivery.order_id, delivery.order_id)

    @admin.display(description="event")
    def event_type(self, delivery: Delivery) -> SafeString:
        return unbroken(delivery.event)

    @admin.display(description="answer")
    def answer(self, delivery: Delivery) -> str:
        return answer_to(delivery)

    @admin.display(description="tried at")
    def tried(self, delivery: Delivery) -> SafeString | str:
        return unbroken(moment(delivery.last_attempt_at)) if delivery.last_attempt_at else ""

    @admin.display(description="state")
    def outcome(self, delivery: Delivery) -> SafeString:
        return badge(delivery.get_state_display(), STATES[delivery.state])

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESEND)

    @admin.action(description="Send again", permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        logged = list(chosen.order_by("-pk")[:LOGGED])
        again, left_alone = replay(chosen)
        LogEntry.objects.log_actions(
            str(request.user.pk), logged, CHANGE, "Sent again, if its endpoint is on."
        )
        self.message_user(request, f"Deliveries sent again: {again:,}", messages.SUCCESS)
        if left_alone:
            off = f"Left alone, since their endpoints are off: {left_alone:,}"
            self.message_user(request, off, messages.WARNING)
