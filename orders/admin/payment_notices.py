"""Notices and messages of payment providers, and those that wait for a person."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from inventory.admin import of_order
from inventory.money import with_currency
from orders.errors import PaymentMismatch
from orders.models import PaymentNotice, ProviderMessage
from orders.payments.refunds import note_refund
from orders.payments.settle import count_elsewhere
from shop.core import clock
from shop.core.admin.lists import (
    BIG_TABLE_HELP,
    BigTableAdmin,
    OfferedFilter,
    preformatted,
    unbroken,
)

from .confirmation import Outcome, Question, asks_first

NOT_OWED = "Not noted: it is not to be refunded any more."
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
    """Rows by whether a person has dealt with them."""

    title = "dealt with"
    parameter_name = "handled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("no", "Not yet"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(handled_at__isnull=value == "no") if value else queryset


class Handling(TextChoices):
    """The ways to deal with a payment that is to be refunded."""

    OTHERWISE = "", "In another way: what its order owes stays as it is"
    SENT_BACK = "sent-back", "The money was sent back, and no message of the provider will say so"
    COUNTED = "counted", "It is counted by hand, elsewhere: its order owes nothing for it"


class ReasonForm(forms.Form):
    """The reason why a row is dealt with, for its history."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the history, with your name.",
    )

    @property
    def chosen(self) -> Handling:
        """The way in which it was dealt with."""
        return Handling(self.cleaned_data.get("way", ""))

    @property
    def ending(self) -> str:
        """The reason, as the end of a sentence."""
        reason = self.cleaned_data["reason"]
        return f": {reason}" if reason else "."


class HandlingForm(ReasonForm):
    """The reason, and the way in which a refund that was due was dealt with."""

    way = forms.ChoiceField(
        label="Money", choices=Handling, required=False, widget=UnfoldAdminSelectWidget
    )
    field_order = ("way", "reason")

    def clean_reason(self) -> str:
        """Refuse to cancel an order's debt without a reason."""
        reason = str(self.cleaned_data["reason"])
        if not reason and self.cleaned_data.get("way") == Handling.COUNTED:
            raise forms.ValidationError("Say where it is counted.")
        return reason


def _ask_about_notice(notice: PaymentNotice, data: dict[str, Any] | None) -> Question:
    waits = notice.state in PaymentNotice.NEEDS_ATTENTION and notice.handled_at is None
    form = HandlingForm if notice.state == PaymentNotice.State.REFUND_DUE else ReasonForm
    return _ask("notice", "" if waits else "It needs nobody's attention.", form(data))


def _ask_about_message(message: ProviderMessage, data: dict[str, Any] | None) -> Question:
    return _ask(
        "message", "It is dealt with already." if message.handled_at else "", ReasonForm(data)
    )


def _ask(what: str, refusal: str, form: ReasonForm) -> Question:
    text = "It leaves the list of what waits for a person, and stays on record. No money moves. "
    if isinstance(form, HandlingForm):
        text += (
            "Say what has become of the money: sent back or counted by hand, it is owed no more."
        )
    else:
        text += "Nothing else changes, and its order stays as it is."
    return Question(
        title=f"Is this {what} dealt with?",
        text=text,
        button="It is dealt with",
        refusal=refusal,
        form=form,
        dangerous=False,
    )


class HandledByHand(BigTableAdmin):
    """Rows that a person marks as dealt with."""

    def _handled(
        self, row: PaymentNotice | ProviderMessage, question: Question, done: str = "dealt with"
    ) -> Outcome:
        assert isinstance(question.form, ReasonForm), "each of these questions has one"
        row.handled_at = clock.now()
        row.save(update_fields=["handled_at"])
        return Outcome(messages.SUCCESS, f"Noted as {done}{question.form.ending}")

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
        assert isinstance(question.form, ReasonForm), "each of these questions has one"
        if question.form.chosen == Handling.SENT_BACK:
            return self._sent_back(notice, question)
        if question.form.chosen == Handling.COUNTED:
            with transaction.atomic():
                if not count_elsewhere(notice, question.form.cleaned_data["reason"]):
                    return Outcome(messages.ERROR, NOT_OWED)
            return self._handled(notice, question, "counted by hand")
        return self._handled(notice, question)

    def _sent_back(self, notice: PaymentNotice, question: Question) -> Outcome:
        try:
            refund = note_refund(notice)
        except PaymentMismatch as error:
            return Outcome(messages.ERROR, f"Not noted: {error}")
        if refund.state != PaymentNotice.State.APPLIED:
            return Outcome(messages.WARNING, f"{refund.get_state_display()}: {refund.detail}")
        return self._handled(notice, question, "money sent back")

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
        return self._handled(message, question)

    @admin.display(description="message")
    def content(self, message: ProviderMessage) -> SafeString:
        return preformatted(message.body)
