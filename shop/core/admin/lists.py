"""The base of the web admin's lists: they open at once, also over millions of rows."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.admin.filters import ChoicesFieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest
from django.core.paginator import InvalidPage, Paginator
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .estimates import estimate

if TYPE_CHECKING:  # ModelAdmin can be parametrised only for the type checker
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
else:
    from unfold.admin import ModelAdmin as _ModelAdmin

    _Paginator = Paginator

COUNTED_EXACTLY = 10_000
BIG_TABLE_HELP = (
    f"Numbers above {COUNTED_EXACTLY:,} are estimates, and only the first {COUNTED_EXACTLY:,} rows "
    "can be paged through."
)


class BoundedPaginator(_Paginator):
    """Counts up to 10,000 rows and takes the planner's word for more; pages through as many.

    An exact count reads the whole table, and so does a page at its far end: OFFSET reads what it
    skips. A person does not page that far, but searches.
    """

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list).order_by()
        counted = rows[: COUNTED_EXACTLY + 1].count()
        return counted if counted <= COUNTED_EXACTLY else max(counted, estimate(rows))

    @cached_property
    def num_pages(self) -> int:
        return min(super().num_pages, -(-COUNTED_EXACTLY // self.per_page))


class FixedOrderChangeList(ChangeList):
    """A list in the order that its admin gives: no click and no URL makes it sort a big table."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return self._get_deterministic_ordering(list(self.model_admin.get_ordering(request)))  # type: ignore[attr-defined, no-any-return]


class ShopAdmin(_ModelAdmin):
    """A list that neither counts nor facets. Nothing can be deleted: rows are history here."""

    # The theme's own checks ask the database for permissions, also before it has tables.
    checks_class = ModelAdminChecks
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = COUNTED_EXACTLY

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        for name in self.readonly_fields:
            if isinstance(name, str) and hasattr(type(self), name):
                setattr(self, name, _once_per_row(getattr(self, name)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list that a URL asks for. Raises BadRequest for a wrong filter or search,
        which would otherwise show, or export, other rows than were asked for;
        IncorrectLookupParameters for a page that there is not (any more)."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise BadRequest("It filters by a value that there cannot be.")
        try:
            found: ChangeList = super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            if isinstance(cause := error.__context__, DatabaseError):
                raise cause from None  # PostgreSQL is away, or the value does not fit
            if isinstance(cause, InvalidPage):
                raise
            raise BadRequest("It filters by a value that there cannot be.") from error
        _check_choices(found)
        return found


def _check_choices(found: ChangeList) -> None:
    """Raises BadRequest where a list is filtered by a choice that is not offered."""
    for spec in found.filter_specs:
        if isinstance(spec, ChoicesFieldListFilter):
            chosen: list[str | None] = list(spec.lookup_val or ())
            offered: dict[Any, Any] = dict(spec.field.flatchoices)
        elif isinstance(spec, OfferedFilter):
            chosen, offered = [spec.value()], {None: "", **dict(spec.lookup_choices)}
        else:
            continue
        if any(each not in offered for each in chosen):
            raise BadRequest(f"Its filter “{spec.title}” does not offer that value.")


class OfferedFilter(admin.SimpleListFilter):
    """A filter by one of the values that it offers; another one is refused, not passed over."""


def _once_per_row(display: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `display`, which now asks its questions once: the page's templates call it five times.

    A row is read anew for each request, so what it remembers is never old.
    """

    @wraps(display)
    def remembered(row: Any) -> Any:
        shown = row.__dict__.setdefault("_shown", {})
        if display.__name__ not in shown:
            shown[display.__name__] = display(row)
        return shown[display.__name__]

    return remembered


class ReadOnlyAdmin(ShopAdmin):
    """Rows to look at. Services write them, with all that belongs to a change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class BigTableAdmin(ReadOnlyAdmin):
    """A read-only list of a table without bounds, newest first by primary key."""

    ordering = ("-pk",)
    sortable_by = ()
    list_max_show_all = 0

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FixedOrderChangeList


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> SafeString:
    """Return rows as an HTML table for a read-only field; every cell is escaped."""
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((c,) for c in r)),) for r in rows)
    )
    if not body:
        return SafeString("None.")
    head = format_html_join("", "<th scope='col'>{}</th>", ((header,) for header in headers))
    rows_of_table = "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    return format_html(f'<div class="shop-wide">{rows_of_table}</div>', head, body)


def unbroken(text: object) -> SafeString:
    """Return `text` as one line where there is room: browsers would break an order id into four."""
    return format_html('<span class="shop-unbroken">{}</span>', text)


def preformatted(text: str) -> SafeString:
    """Return `text` as it stands, line breaks and all."""
    return format_html("<pre style='margin: 0; white-space: pre-wrap'>{}</pre>", text)
