"""What payment providers said, and what of it a person has to look at."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.admin import of_order
from inventory.money import with_currency
from orders.models import PaymentNotice, ProviderMessage
from shop.core import clock
from shop.core.admin import BIG_TABLE_HELP, BigTableAdmin, OfferedFilter, preformatted, unbroken

from .confirmation import Outcome, Question, asks_first

HANDLE_NOTICE, HANDLE_MESSAGE = "orders.handle_paymentnotice", "orders.handle_providermessage"


class StateFilter(OfferedFilter):
    """Payment notices by their state, or those that need attention."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("attention", "Needs attention"), *PaymentNotice.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "attention":
            return queryset.filter(state__in=PaymentNotice.NEEDS_ATTENTION, handled_at__isnull=True)
        return queryset.filter(state=value) if value else queryset


class HandledFilter(OfferedFilter):
    """Rows that a person has dealt with, or not yet."""

    title = "dealt with"
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("no", "Not yet"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(handled_at__isnull=value == "no") if value else queryset


def _ask_about_notice(notice: PaymentNotice, data: dict[str, Any] | None) -> Question:
    waits = notice.state in PaymentNotice.NEEDS_ATTENTION and notice.handled_at is None
    return _ask("notice", "" if waits else "It needs nobody's attention.")


def _ask_about_message(message: ProviderMessage, data: dict[str, Any] | None) -> Question:
    return _ask("message", "It is dealt with already." if message.handled_at else "")


def _ask(what: str, refusal: str) -> Question:
    return Question(
        title=f"Is this {what} dealt with?",
        text="It leaves the list of what waits for a person, and stays on record. Nothing else "
        "changes: no money moves, and its order stays as it is.",
        button="It is dealt with",
        refusal=refusal,
        dangerous=False,
    )


class HandledByHand(BigTableAdmin):
    """Rows that a person is through with at some time."""

    def _handled(self, row: PaymentNotice | ProviderMessage) -> Outcome:
        row.handled_at = clock.now()
        row.save(update_fields=["handled_at"])
        return Outcome(messages.SUCCESS, "Noted as dealt with.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False


@admin.register(PaymentNotice)
class PaymentNoticeAdmin(HandledByHand):
    """A refund is made at the provider; its notice then settles the payment here."""

    list_display = ("id", "type", "order_link", "amount_paid", "state", "detail", "received_at")
    list_filter = (StateFilter,)
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fieldsets = (
        (None, {"fields": ("order_link", "type", "amount_paid", "state", "detail")}),
        ("Provider", {"fields": ("provider", "notice_id", "reference")}),
        ("Times", {"fields": ("received_at", "settled_at", "handled_at")}),
    )
    readonly_fields = ("order_link", "amount_paid", "handled_at")
    actions_detail = ("handled",)

    @asks_first(
        permission=HANDLE_NOTICE,
        description="Dealt with",
        icon="task_alt",
        ask=_ask_about_notice,
        url_path="handled",
    )
    def handled(self, request: HttpRequest, notice: PaymentNotice, question: Question) -> Outcome:
        return self._handled(notice)

    @admin.display(description="amount")
    def amount_paid(self, notice: PaymentNotice) -> str:
        return with_currency(notice.amount, notice.currency)

    @admin.display(description="order")
    def order_link(self, notice: PaymentNotice) -> SafeString:
        if notice.state == PaymentNotice.State.UNMATCHED:
            return unbroken(notice.order_id)
        url = reverse("admin:orders_order_change", args=[notice.order_id])
        return format_html('<a href="{}">{}</a>', url, unbroken(notice.order_id))


@admin.register(ProviderMessage)
class ProviderMessageAdmin(HandledByHand):
    """Disputes, chargebacks, and messages whose id came before with another content."""

    list_display = ("id", "kind", "type", "order_id", "provider", "received_at", "handled_at")
    list_filter = (HandledFilter,)
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fieldsets = (
        (None, {"fields": ("kind", "type", "order_id", "content")}),
        ("Provider", {"fields": ("provider", "notice_id")}),
        ("Times", {"fields": ("received_at", "handled_at")}),
    )
    readonly_fields = ("content", "handled_at")
    actions_detail = ("handled",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")

    @asks_first(
        permission=HANDLE_MESSAGE,
        description="Dealt with",
        icon="task_alt",
        ask=_ask_about_message,
        url_path="handled",
    )
    def handled(
        self, request: HttpRequest, message: ProviderMessage, question: Question
    ) -> Outcome:
        return self._handled(message)

    @admin.display(description="message")
    def content(self, message: ProviderMessage) -> SafeString:
        return preformatted(message.body)
