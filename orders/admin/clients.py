"""API clients: switched on and off, limited, and given keys that are shown once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from orders.models import ApiClient
from orders.services.clients import create_client
from shop.core.admin import ShopAdmin


@admin.register(ApiClient)
class ApiClientAdmin(ShopAdmin):
    """A key is shown once, when it is made. A client is switched off, never deleted."""

    list_display = ("name", "key_hint", "active", "rate_limit", "created_at")
    list_editable = ("active", "rate_limit")
    list_filter = ("active",)
    search_fields = ("name",)
    fields = ("name", "active", "rate_limit", "key_hint", "created_at")
    readonly_fields = ("key_hint", "created_at")
    actions = ("give_new_key",)

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        if change:
            # Not the key: it may have been changed since the form was opened.
            obj.save(update_fields=["name", "active", "rate_limit"])
            return
        created, key = create_client(name=obj.name)
        ApiClient.objects.filter(pk=created.pk).update(active=obj.active, rate_limit=obj.rate_limit)
        obj.pk = created.pk
        obj.refresh_from_db()
        self._show_key(request, obj, key)

    @admin.action(description="Give a new key", permissions=["change"])
    def give_new_key(self, request: HttpRequest, clients: QuerySet[ApiClient]) -> None:
        for client in clients:
            key = client.set_new_key()
            client.save(update_fields=["key_hash", "key_hint"])
            self.log_change(request, client, "Gave it a new key.")
            self._show_key(request, client, key)

    def _show_key(self, request: HttpRequest, client: ApiClient, key: str) -> None:
        self.message_user(
            request,
            format_html(
                "The key of {}: <code>{}</code> It is not shown again; an earlier key is refused "
                "within seconds.",
                client.name,
                key,
            ),
            messages.SUCCESS,
        )
