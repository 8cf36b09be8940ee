"""Actions with a confirmation: a page shows the consequences, and its button does the action."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from shop.core.admin.buttons import button

CONFIRMED = "confirmed"
LISTED = 50  # rows that the page names
TEMPLATE = "admin/orders/confirmation.html"


@dataclass(frozen=True, slots=True)
class Question:
    """The page that asks for a confirmation."""

    title: str
    text: str
    button: str
    refusal: str = ""  # why it cannot happen; then there is no button
    form: forms.Form | None = None  # the values that the action needs
    dangerous: bool = True
    rows: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an action: a level of django.contrib.messages and a sentence."""

    level: int
    text: str


# Takes a row and the data of its form, if any was sent.
Ask = Callable[[Any, dict[str, Any] | None], Question]
Action = Callable[[Any, HttpRequest, Any, Question], Outcome | HttpResponse]
View = Callable[[Any, HttpRequest, str], HttpResponse]


def asks_first(
    *, permission: str, description: str, icon: str, ask: Ask, url_path: str
) -> Callable[[Action], View]:
    """Make a method of a model admin a button on the page of a row (`actions_detail`).

    The method gets the row and the confirmed question. Its outcome is shown to the person and
    noted in the row's history. Raises PermissionDenied without `permission`
    ("orders.cancel_order"), or for a row that the person may not see.
    """

    def decorate(action: Action) -> View:
        @wraps(action)
        def view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            row = _row(model_admin, request, object_id, permission)
            confirmed = request.method == "POST"
            question = ask(row, request.POST.dict() if confirmed else None)
            if not confirmed or not _can_go_on(question):
                return _page(model_admin, request, question, row)
            return _finished(model_admin, request, row, action(model_admin, request, row, question))

        made = button(
            description=description, permissions=(permission,), icon=icon, url_path=url_path
        )
        return made(view)

    return decorate


def ask_about_rows(
    model_admin: "ModelAdmin[Any]", request: HttpRequest, rows: QuerySet[Any], question: Question
) -> HttpResponse | None:
    """Return the page that asks before an action of a list, None once it is confirmed."""
    if CONFIRMED in request.POST:
        return None
    hidden = [
        ("action", request.POST.get("action", "")),
        ("select_across", request.POST.get("select_across", "0")),
        *((ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)),
    ]
    question.rows.extend(str(row) for row in rows[:LISTED])
    return _page(model_admin, request, question, None, hidden=hidden)


def _row(model_admin: Any, request: HttpRequest, object_id: str, permission: str) -> Any:
    row = model_admin.get_object(request, unquote(object_id))
    if row is None:
        raise Http404
    allowed = getattr(request.user, "has_perm")(permission)  # noqa: B009 - any user has it
    if not allowed or not model_admin.has_view_permission(request, row):
        raise PermissionDenied
    return row


def _can_go_on(question: Question) -> bool:
    return not question.refusal and (question.form is None or question.form.is_valid())


def _page(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    question: Question,
    row: Any,
    *,
    hidden: list[tuple[str, str]] | None = None,
) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "opts": model_admin.opts,
        "original": row,
        "back": _url(model_admin, row),
        "hidden": [*(hidden or ()), (CONFIRMED, "yes")],
        "media": model_admin.media,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, TEMPLATE, context)


def _finished(
    model_admin: Any, request: HttpRequest, row: Any, outcome: Outcome | HttpResponse
) -> HttpResponse:
    if isinstance(outcome, HttpResponse):
        return outcome
    model_admin.log_change(request, row, outcome.text)
    messages.add_message(request, outcome.level, outcome.text)
    return redirect(_url(model_admin, row))


def _url(model_admin: "ModelAdmin[Any]", row: Any) -> str:
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    if row is None:
        return reverse(f"{name}_changelist")
    return reverse(f"{name}_change", args=[quote(row.pk)])
