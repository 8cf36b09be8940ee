"""The pages of an import: a file goes in, its effect is shown, and a confirmation makes it so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from import_export.results import Result
from tablib import Dataset
from unfold.widgets import UnfoldAdminFileFieldWidget

from .columns import WholeFile
from .files import LINE, MAX_BYTES, MAX_ROWS, FileRefused, Rows, read_rows
from .keeping import keep, take

REFUSED = 422
SHOWN = 200  # rows, or refused rows, on a page
TEMPLATE = "admin/inventory/import.html"


@dataclass(frozen=True, slots=True)
class Import:
    """One kind of import, for one request."""

    title: str
    text: str
    example: str  # the first rows of such a file
    permissions: tuple[str, ...]
    back: str  # URL of the page that it was asked for on
    # Of the state that a person has looked at; of the present one where it is empty.
    resource: Callable[[str], WholeFile]
    adds: bool = False  # each row is added to what is there
    # Called once it is done, with its result.
    done: Callable[[WholeFile, Result], None] = lambda resource, result: None


class FileForm(forms.Form):
    """The first page of an import: which file."""

    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget,
        help_text=f"CSV in UTF-8, or Excel; up to {MAX_ROWS:,} rows and {MAX_BYTES // 1024:,} KiB.",
    )


def import_page(model_admin: "ModelAdmin[Any]", request: HttpRequest, what: Import) -> HttpResponse:
    """Answer a request for the pages of one import. Raises PermissionDenied."""
    if not request.user.has_perms(what.permissions):
        raise PermissionDenied
    if "kept" in request.POST:
        return _confirmed(model_admin, request, what)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if not form.is_valid():
        status = REFUSED if form.is_bound else 200
        return _page(model_admin, request, what, form=form, status=status)
    resource = what.resource("")
    try:
        rows = _read(form.cleaned_data["file"], resource)
    except FileRefused as refused:
        return _refusal(model_admin, request, what, list(refused.reasons))
    result = resource.import_data(rows.dataset, dry_run=True)
    if _is_refused(result):
        return _refusal(model_admin, request, what, _reasons(rows.dataset, result))
    token = keep(_owner(request), rows.dataset, resource.state)
    preview = _preview(result)
    return _page(model_admin, request, what, kept=token, preview=preview, notes=rows.notes)


def _read(file: "UploadedFile[bytes]", resource: WholeFile) -> Rows:
    content = file.read(MAX_BYTES + 1)
    return read_rows(content, resource.columns, name=file.name or "")


def _confirmed(model_admin: "ModelAdmin[Any]", request: HttpRequest, what: Import) -> HttpResponse:
    found = take(_owner(request), request.POST["kept"])
    if found is None:
        gone = "The file was taken in already, or is not kept any more: choose it again."
        return _refusal(model_admin, request, what, [gone])
    rows, state = found
    resource = what.resource(state)
    result = resource.import_data(rows, dry_run=False)
    if _is_refused(result):  # something has changed since the preview
        return _refusal(model_admin, request, what, _reasons(rows, result))
    what.done(resource, result)
    return redirect(what.back)


def _owner(request: HttpRequest) -> str:
    """Return whose file is kept, and for what: a confirmation on one page is none on another."""
    return f"{request.user.pk}:{request.path}"


def _is_refused(result: Result) -> bool:
    return bool(result.has_errors() or result.has_validation_errors())


def _reasons(rows: Dataset, result: Result) -> list[str]:
    """Return what is wrong, a sentence for each row, as the file counts its rows."""
    lines = rows[LINE]
    texts = [str(error.error) for error in result.base_errors]
    for number, errors in result.row_errors():
        texts += [f"Row {lines[number - 1]}: {error.error}" for error in errors]
    for row in result.invalid_rows:
        said = (f"{name}: {' '.join(why)}" for name, why in row.error_dict.items())
        texts.append(f"Row {lines[row.number - 1]}: {' '.join(said)}")
    return texts


def _preview(result: Result) -> dict[str, Any]:
    totals = {kind: count for kind, count in result.totals.items() if count}
    rows = [(row.import_type, list(row.row_values.values())) for row in result.rows[:SHOWN]]
    return {
        "totals": totals,
        "headers": list(result.rows[0].row_values),
        "rows": rows,
        "more": max(len(result.rows) - SHOWN, 0),
    }


def _refusal(
    model_admin: "ModelAdmin[Any]", request: HttpRequest, what: Import, reasons: list[str]
) -> HttpResponse:
    shown = {"refused": reasons[:SHOWN], "refused_more": max(len(reasons) - SHOWN, 0)}
    return _page(model_admin, request, what, form=FileForm(), status=REFUSED, **shown)


def _page(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    what: Import,
    *,
    status: int = 200,
    **shown: Any,
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": what.title,
        "what": what,
        "opts": model_admin.opts,
        **shown,
        "media": model_admin.media,
    }
    return TemplateResponse(request, TEMPLATE, context, status=status)
