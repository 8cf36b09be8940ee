"""The pages of an import: a file goes in, what it would do is shown, and a yes makes it so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from import_export.results import Result
from tablib import Dataset
from unfold.widgets import UnfoldAdminFileFieldWidget

from .columns import WholeFile
from .files import LINE, MAX_BYTES, MAX_ROWS, FileRefused, read_rows

KEPT_SECONDS = 3600  # between the preview and the yes
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
    resource: Callable[[str], WholeFile]  # of what the page with the file was made with
    state: str = ""  # what the preview was made of, if that may change
    # Called once it is done, with its result.
    done: Callable[[WholeFile, Result], None] = lambda resource, result: None


class FileForm(forms.Form):
    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget,
        help_text=f"CSV in UTF-8, or Excel; up to {MAX_ROWS:,} rows and {MAX_BYTES // 1024:,} KiB.",
    )

    def clean_file(self) -> Dataset:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES // 1024:,} KiB.")
        self.content = file.read()
        try:
            return read_rows(self.content)
        except FileRefused as error:
            raise forms.ValidationError(str(error)) from error


def import_page(model_admin: "ModelAdmin[Any]", request: HttpRequest, what: Import) -> HttpResponse:
    """Answer a request for the pages of one import. Raises PermissionDenied."""
    if not request.user.has_perms(what.permissions):
        raise PermissionDenied
    if "kept" in request.POST:
        return _confirmed(model_admin, request, what)
    form = FileForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        return _page(model_admin, request, what, form=form)
    rows = form.cleaned_data["file"]
    result = what.resource(what.state).import_data(rows, dry_run=True)
    if _is_refused(result):
        return _page(model_admin, request, what, form=FileForm(), refused=_refused(rows, result))
    kept = _keep(request, form.content, what.state)
    return _page(model_admin, request, what, kept=kept, preview=_preview(result))


def _confirmed(model_admin: "ModelAdmin[Any]", request: HttpRequest, what: Import) -> HttpResponse:
    found = _take(request, request.POST["kept"])
    if found is None:
        gone = ["The file was taken in already, or is not kept any more: choose it again."]
        return _page(model_admin, request, what, form=FileForm(), refused=gone)
    content, state = found
    rows, resource = read_rows(content), what.resource(state)
    result = resource.import_data(rows, dry_run=False)
    if _is_refused(result):  # something has changed since the preview
        return _page(model_admin, request, what, form=FileForm(), refused=_refused(rows, result))
    what.done(resource, result)
    return redirect(what.back)


def _keep(request: HttpRequest, content: bytes, state: str) -> str:
    """Keep a file until its sender says yes, whichever machine that reaches. Returns its name."""
    name = uuid4().hex
    cache.set(_key(request, name), (content, state), KEPT_SECONDS)
    return name


def _take(request: HttpRequest, name: str) -> tuple[bytes, str] | None:
    """Return a kept file to the first who asks, if it is its sender; None to everybody else."""
    key = _key(request, name)
    found: tuple[bytes, str] | None = cache.get(key)
    return found if found is not None and cache.delete(key) else None


def _key(request: HttpRequest, name: str) -> str:
    return f"import:{request.user.pk}:{name}"


def _is_refused(result: Result) -> bool:
    return bool(result.has_errors() or result.has_validation_errors())


def _refused(rows: Dataset, result: Result) -> list[str]:
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


def _page(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    what: Import,
    *,
    refused: list[str] | None = None,
    **shown: Any,
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": what.title,
        "what": what,
        "opts": model_admin.opts,
        "refused": (refused or [])[:SHOWN],
        "refused_more": max(len(refused or ()) - SHOWN, 0),
        **shown,
        "media": model_admin.media,
    }
    return TemplateResponse(request, TEMPLATE, context)
