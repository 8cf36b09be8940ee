"""Who is told of events, and each telling: set up, looked at, sent again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.admin import of_order
from orders.domain import EventType
from orders.models import Delivery, Endpoint
from orders.notifications import endpoints
from orders.notifications.replay import replay
from orders.notifications.targets import TargetRefused, check_url
from shop.core.admin import BIG_TABLE_HELP, BigTableAdmin, ShopAdmin, unbroken

if TYPE_CHECKING:  # ModelForm can be parametrised only for the type checker
    _EndpointModelForm = forms.ModelForm[Endpoint]
else:
    _EndpointModelForm = forms.ModelForm


class EndpointForm(_EndpointModelForm):
    """A webhook, or which events a channel to customers is told."""

    events = forms.MultipleChoiceField(
        choices=[(event.value, event.value) for event in EventType],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all, also those that are yet to be invented.",
    )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if "url" in self.changed_data or not self.instance.pk:
            try:
                check_url(url)
            except TargetRefused as error:
                raise forms.ValidationError(str(error)) from error
        return url


@admin.register(Endpoint)
class EndpointAdmin(ShopAdmin):
    """A webhook's secret is shown once. Nothing is deleted: deliveries point here."""

    form = EndpointForm
    list_display = ("name", "channel", "told", "active", "failing_since", "disabled_reason")
    list_filter = ("active", "channel")
    search_fields = ("url",)
    actions = ("rotate_secret", "enable", "disable")
    readonly_fields = (
        "channel",
        "created_at",
        "failing_since",
        "resume_at",
        "disabled_reason",
        "previous_secret_until",
    )

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("url", "events", "active")
        if obj.channel != Endpoint.Channel.WEBHOOK:
            return ("channel", "events", "active", *self.readonly_fields[1:4])
        return ("channel", "url", "events", "active", *self.readonly_fields[1:])

    @admin.display(description="endpoint", ordering="url")
    def name(self, endpoint: Endpoint) -> str:
        return str(endpoint)

    @admin.display(description="events")
    def told(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "all"

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if change:
            self._save_changes(obj, form)
            return
        created, secret = endpoints.create_webhook(
            url=obj.url, events=[EventType(event) for event in obj.events], active=obj.active
        )
        obj.pk = created.pk
        obj.refresh_from_db()
        self._show_secret(request, obj, secret)

    def _save_changes(self, endpoint: Endpoint, form: Any) -> None:
        # Not the secret nor its health: they may have changed since the form was opened.
        names = [name for name in ("url", "events") if name in form.changed_data]
        if names:
            endpoint.save(update_fields=names)
        if "active" in form.changed_data:
            (endpoints.enable if endpoint.active else endpoints.disable)(endpoint)

    @admin.action(description="Give a new signing secret", permissions=["change"])
    def rotate_secret(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        for endpoint in chosen.filter(channel=Endpoint.Channel.WEBHOOK):
            secret = endpoints.rotate_secret(endpoint)
            self.log_change(request, endpoint, "Gave it a new signing secret.")
            self._show_secret(request, endpoint, secret)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        for endpoint in chosen:
            endpoints.enable(endpoint)
            self.log_change(request, endpoint, "Enabled it.")
            self.message_user(request, f"{endpoint} is told of events from now on.")

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        for endpoint in chosen:
            endpoints.disable(endpoint)
            self.log_change(request, endpoint, "Disabled it.")
            kept = "What waits for it is kept until it is enabled."
            self.message_user(request, f"{endpoint} is told nothing any more. {kept}")

    def _show_secret(self, request: HttpRequest, endpoint: Endpoint, secret: str) -> None:
        text = format_html(
            "The signing secret of {}: <code>{}</code> It is not shown again; an earlier one stays "
            "valid for a day.",
            endpoint.url,
            secret,
        )
        self.message_user(request, text, messages.SUCCESS)


@admin.register(Delivery)
class DeliveryAdmin(BigTableAdmin):
    """What was told to whom, and what was given up."""

    list_display = (
        "id",
        "event",
        "order_link",
        "endpoint",
        "state",
        "attempts",
        "last_status",
        "last_error",
        "due_at",
    )
    list_select_related = ("event", "endpoint")
    list_filter = ("state", "endpoint")
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fields = (
        "event",
        "order_link",
        "endpoint",
        "state",
        "attempts",
        "last_status",
        "last_error",
        "last_attempt_at",
        "due_at",
        "created_at",
    )
    readonly_fields = ("order_link",)
    actions = ("replay",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="order")
    def order_link(self, delivery: Delivery) -> SafeString:
        url = reverse("admin:orders_order_change", args=[delivery.order_id])
        return format_html('<a href="{}">{}</a>', url, unbroken(delivery.order_id))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_delivery")

    @admin.action(description="Send again", permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        again, left_alone = replay(chosen)
        self.message_user(request, f"Deliveries sent again: {again:,}", messages.SUCCESS)
        if left_alone:
            off = f"Left alone, since their endpoints are off: {left_alone:,}"
            self.message_user(request, off, messages.WARNING)
