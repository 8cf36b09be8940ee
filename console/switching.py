"""Use of a switch: ask, show the consequences, apply it once, and log it with its user."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from inventory.errors import CountersLost, CountersUnavailable, InventoryError, SaleChanged
from inventory.models import Sale
from shop.core import clock

from .switches import Switch

CONFIRMED = "confirmed"


def show_switch(request: HttpRequest, sale: Sale, switch: type[Switch]) -> HttpResponse:
    """Return the page that asks or confirms; after the confirmation, the way to the live page."""
    if not request.user.has_perm(switch.permission):
        raise PermissionDenied
    if not switch.fits(sale, now=clock.now()):
        messages.info(request, f"“{switch.label}” does not fit: the sale was changed meanwhile.")
        return _to_live_page(sale)
    form = _form(request, sale, switch)
    if not form.is_bound or not form.is_valid():
        return _page(request, form, confirm=False)
    if request.method == "POST" and CONFIRMED in request.POST:
        return _use(request, form)
    return _page(request, form, confirm=True)


def _form(request: HttpRequest, sale: Sale, switch: type[Switch]) -> Switch:
    if request.method == "POST":
        return switch(request.POST, sale=sale)
    form = switch(initial={"version": sale.version}, sale=sale)
    if form.visible_fields():
        return form
    return switch({"version": sale.version}, sale=sale)  # there is nothing to ask


def _use(request: HttpRequest, form: Switch) -> HttpResponse:
    change = form.change()
    try:
        form.apply(now=clock.now())
    except (CountersLost, CountersUnavailable) as error:
        _write_down(request, form, f"{change} (Redis does not know of it yet: {error})")
        messages.warning(
            request,
            f"{change}: written to PostgreSQL, but Redis, which decides on orders, does not "
            f"know of it yet. The workers publish it within ten seconds of its return. {error}",
        )
    except SaleChanged as error:
        messages.error(request, f"Nothing was done. {error}")
    except InventoryError as error:
        form.add_error(None, str(error))
        return _page(request, form, confirm=False)
    else:
        _write_down(request, form, change)
        messages.success(request, f"Done: {change}.")
    return _to_live_page(form.sale)


def _write_down(request: HttpRequest, form: Switch, change: str) -> None:
    history = admin.site.get_model_admin(Sale)
    history.log_change(request, form.sale, f"{form.label}: {change}")


def _page(request: HttpRequest, form: Switch, *, confirm: bool) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": f"{form.sale.name}: {form.label.lower()}",
        "sale": form.sale,
        "form": form,
        "confirm": confirm,
        "confirmed": CONFIRMED,
        "change": form.change() if confirm else "",
        "consequences": form.consequences() if confirm else [],
    }
    return TemplateResponse(request, "console/switch.html", context)


def _to_live_page(sale: Sale) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:live", args=[sale.pk]))
