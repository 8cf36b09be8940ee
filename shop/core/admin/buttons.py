"""Buttons above a list or on the page of a row: methods of a model admin, for django-unfold."""

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpResponse
from unfold.enums import ActionVariant

View = TypeVar("View", bound=Callable[..., HttpResponse])


def button(
    *, description: str, permissions: tuple[str, ...], icon: str, url_path: str
) -> Callable[[View], View]:
    """Make a method a button, shown to those who have all `permissions` ("orders.cancel_order").

    It is named in `actions_list` or `actions_detail`. Unfold hides the button, and does not guard
    the URL behind it: the method checks the permissions again. `icon` is one of Material Symbols.
    """

    def decorate(view: View) -> View:
        vars(view).update(
            short_description=description,
            allowed_permissions=permissions,
            icon=icon,
            url_path=url_path,
            attrs={},
            variant=ActionVariant.DEFAULT,
        )
        return view

    return decorate
