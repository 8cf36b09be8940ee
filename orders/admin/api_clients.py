"""API clients: switched on and off, limited, and given keys that are shown once."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from orders.models import ApiClient
from orders.services.clients import create_client, give_new_key
from shop.core.admin.lists import ShopAdmin

from .confirmation import Question, asks_first
from .secrets import Secret, show_once


def _ask_for_new_key(client: ApiClient, data: dict[str, Any] | None) -> Question:
    return Question(
        title=f"Give {client.name} a new key?",
        text=f"Its key {client.key_hint}… is refused within seconds, wherever it is in use. The "
        "new one is shown once.",
        button="Give a new key",
    )


@admin.register(ApiClient)
class ApiClientAdmin(ShopAdmin):
    """A key is shown once, when it is made. A client is switched off, never deleted."""

    list_display = ("name", "key_hint", "active", "rate_limit", "created_at")
    list_editable = ("active", "rate_limit")
    list_filter = ("active",)
    search_fields = ("name",)
    fields = ("name", "active", "rate_limit", "key_hint", "created_at")
    readonly_fields = ("key_hint", "created_at")
    actions = ("activate", "deactivate")
    actions_detail = ("give_new_key",)

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        if change:
            # The key is left out: it may have been changed since the form was opened.
            obj.save(update_fields=["name", "active", "rate_limit"])
            return
        created, key = create_client(name=obj.name)
        ApiClient.objects.filter(pk=created.pk).update(active=obj.active, rate_limit=obj.rate_limit)
        obj.pk = created.pk
        obj.refresh_from_db()
        vars(obj)["new_key"] = key  # for response_add, which shows it

    def response_add(
        self, request: HttpRequest, obj: ApiClient, post_url_continue: str | None = None
    ) -> HttpResponse:
        return show_once(self, request, obj, _key_of(obj, vars(obj).pop("new_key")))

    @asks_first(
        permission="orders.change_apiclient",
        description="Give a new key",
        icon="key",
        ask=_ask_for_new_key,
        url_path="key",
    )
    def give_new_key(
        self, request: HttpRequest, client: ApiClient, question: Question
    ) -> HttpResponse:
        key = give_new_key(client)
        self.log_change(request, client, "Gave it a new key.")
        return show_once(self, request, client, _key_of(client, key))

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, clients: QuerySet[ApiClient]) -> None:
        self._switch(request, clients, active=True)

    @admin.action(
        description="Deactivate: refuse their keys, hold their webhooks", permissions=["change"]
    )
    def deactivate(self, request: HttpRequest, clients: QuerySet[ApiClient]) -> None:
        self._switch(request, clients, active=False)

    def _switch(self, request: HttpRequest, clients: QuerySet[ApiClient], *, active: bool) -> None:
        done = (
            "Activated it."
            if active
            else "Deactivated it: its key is refused within seconds, and its webhooks wait."
        )
        for client in clients:
            ApiClient.objects.filter(pk=client.pk).update(active=active)
            self.log_change(request, client, done)
            self.message_user(request, f"{client.name}: {done}")


def _key_of(client: ApiClient, key: str) -> Secret:
    note = "An earlier key is refused within seconds."
    return Secret(f"The API key of {client.name}", key, note)
