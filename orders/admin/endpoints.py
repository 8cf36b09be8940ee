"""Webhooks and channels: set up, tested, switched off and on, given new secrets."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from orders.domain import EventType
from orders.errors import EndpointExists
from orders.models import ApiClient, Delivery, Endpoint
from orders.notifications.webhook import endpoints
from orders.notifications.webhook.targets import TargetRefused, check_url, normalise
from orders.reads.order_story import answer_to
from shop.core.admin.lists import ShopAdmin, unbroken

from .badges import Tone, badge, link_to_pk, moment
from .deliveries import STATES
from .endpoint_actions import EndpointActions, secret_of
from .filters import OwnerFilter
from .secrets import show_once

if TYPE_CHECKING:  # ModelForm can be parametrised only for the type checker
    _EndpointModelForm = forms.ModelForm[Endpoint]
else:
    _EndpointModelForm = forms.ModelForm

HEALTH: dict[str, Tone] = {
    "on": "good",
    "off": "plain",
    "rests": "waits",
    "waits": "waits",
    "failing": "bad",
    "disabled": "bad",
    "refused": "bad",
}
LATEST = 20  # deliveries on the page of an endpoint


class EndpointForm(_EndpointModelForm):
    """A webhook, or the events of a channel to customers."""

    events = forms.MultipleChoiceField(
        choices=[(event.value, event.value) for event in EventType],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None chosen: all, also those that are yet to be invented.",
    )

    client = forms.ModelChoiceField(
        ApiClient.objects.all(),
        required=False,
        label="Orders of",
        empty_label="The whole shop: the orders of every client",
        widget=UnfoldAdminSelectWidget,
        help_text="It is told of no other orders. This cannot be changed later.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "url" in cleaned and ("url" in self.changed_data or not self.instance.pk):
            client = cleaned.get("client", self.instance.client)
            wanted = Endpoint(pk=self.instance.pk, client=client, target=normalise(cleaned["url"]))
            try:
                endpoints.refuse_repetition(wanted)
            except EndpointExists as error:
                self.add_error("url", str(error))
        return cleaned

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if "url" in self.changed_data or not self.instance.pk:
            try:
                check_url(url)
            except TargetRefused as error:
                raise forms.ValidationError(str(error)) from error
        return url


@admin.register(Endpoint)
class EndpointAdmin(EndpointActions, ShopAdmin):
    """A webhook's secret is shown once. Nothing is deleted: deliveries point here."""

    form = EndpointForm
    change_form_outer_after_template = "admin/orders/latest_deliveries.html"
    list_display = (
        "url_or_channel",
        "owner",
        "channel",
        "event_types",
        "health",
        "failing_since",
        "reason",
    )
    list_filter = ("active", "channel", OwnerFilter)
    search_fields = ("url", "client__name")
    actions = ("enable", "disable")
    readonly_fields = (
        "channel",
        "owner",
        "created_at",
        "failing_since",
        "resume_at",
        "reason",
        "previous_secret_until",
    )

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("url", "client", "events", "active")
        if obj.channel != Endpoint.Channel.WEBHOOK:
            return ("channel", "events", "active", *self.readonly_fields[2:5])
        return ("channel", "owner", "url", "events", "active", *self.readonly_fields[2:])

    @admin.display(description="endpoint", ordering="url")
    def url_or_channel(self, endpoint: Endpoint) -> str:
        return endpoint.url or endpoint.get_channel_display()

    @admin.display(description="events")
    def event_types(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "all"

    @admin.display(description="state", ordering="active")
    def health(self, endpoint: Endpoint) -> SafeString:
        state, _ = endpoints.state_of(endpoint)
        return badge(state.capitalize(), HEALTH[state])

    @admin.display(description="reason")
    def reason(self, endpoint: Endpoint) -> str:
        return endpoints.state_of(endpoint)[1]

    @admin.display(description="orders of", ordering="client__name")
    def owner(self, endpoint: Endpoint) -> str:
        return endpoint.owner

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if endpoint := kwargs.get("obj"):
            query = {"endpoint__id__exact": endpoint.pk}
            context["deliveries"] = _latest(endpoint)
            context["log"] = reverse("admin:orders_delivery_changelist", query=query)
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show an error where the same webhook was made since the form was checked."""
        try:
            response: HttpResponse = super().changeform_view(
                request, object_id, form_url, extra_context
            )
        except EndpointExists as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if change:
            self._save_changes(obj, form)
            return
        created, _ = endpoints.create_webhook(
            url=obj.url,
            events=[EventType(event) for event in obj.events],
            client=obj.client,
            active=obj.active,
        )
        obj.pk = created.pk
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return show_once(self, request, obj, secret_of(obj))

    def _save_changes(self, endpoint: Endpoint, form: Any) -> None:
        if {"url", "events"} & set(form.changed_data):
            events = [EventType(event) for event in endpoint.events]
            endpoints.change_webhook(endpoint, url=endpoint.url, events=events)
        if "active" in form.changed_data:
            (endpoints.enable if endpoint.active else endpoints.disable)(endpoint)

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
            self.message_user(
                request, f"{endpoint} is told nothing any more. {kept}", messages.INFO
            )


def _latest(endpoint: Endpoint) -> list[tuple[Any, ...]]:
    rows = Delivery.objects.filter(endpoint=endpoint).select_related("event").order_by("-pk")
    return [_row(delivery) for delivery in rows[:LATEST]]


def _row(delivery: Delivery) -> tuple[Any, ...]:
    return (
        link_to_pk("orders.delivery", delivery.pk, delivery.pk),
        unbroken(delivery.event),
        link_to_pk("orders.order", delivery.order_id, delivery.order_id),
        badge(delivery.get_state_display(), STATES[delivery.state]),
        delivery.attempts,
        answer_to(delivery),
        unbroken(moment(delivery.last_attempt_at or delivery.created_at)),
    )
