"""Permissions at the door: pages lead to the sign-in, feeds of scripts answer with a status."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponse]


def page(permission: str) -> Callable[[View], View]:
    """Show a page to staff who hold `permission`; others sign in first, or are refused."""

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return wraps(view)(admin.site.admin_view(shown))

    return decorate


def feed(permission: str) -> Callable[[View], View]:
    """Answer staff who hold `permission`; 401 for those who have signed out, 403 for others."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not admin.site.has_permission(request):
                return JsonResponse({"detail": "You are signed out."}, status=401)
            if not request.user.has_perm(permission):
                return JsonResponse({"detail": "Your role does not show this."}, status=403)
            return view(request, *args, **kwargs)

        return answered

    return decorate
