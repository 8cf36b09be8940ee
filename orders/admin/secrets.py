"""The one page that shows a secret, which is in no message, cookie, session or history."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or a signing secret, with a title and a note for its page."""

    title: str
    value: str
    note: str


def show_once(
    model_admin: "ModelAdmin[Any]", request: HttpRequest, row: Any, secret: Secret
) -> HttpResponse:
    """Return the page with a new secret of `row`. No browser and no proxy keeps it."""
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change"
    context = {
        **model_admin.admin_site.each_context(request),
        "title": secret.title,
        "secret": secret,
        "opts": model_admin.opts,
        "original": row,
        "back": reverse(name, args=[row.pk]),
        "media": model_admin.media,
    }
    return TemplateResponse(
        request, "admin/orders/secret.html", context, headers={"Cache-Control": "no-store"}
    )
