"""The answer to an account or an address with too many failures, and the log of failures."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from shop.core.admin import sign_ins

logger = logging.getLogger(__name__)


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Return the page of a lockout: 429, before any password is checked."""
    wait: timedelta = settings.AXES_COOLOFF_TIME
    context = {"minutes": int(wait.total_seconds() // 60), "again": reverse("admin:login")}
    response = render(request, "console/locked_out.html", context, status=429)
    response["Retry-After"] = str(int(wait.total_seconds()))
    return response


def note_failure(credentials: dict[str, Any], request: HttpRequest | None, **_: Any) -> None:
    """Log and count a failure, with the name as it came, cut short, and never the password."""
    name = str(credentials.get("username", ""))[:150]
    address = request.META.get("REMOTE_ADDR") if request else None
    logger.warning("sign-in failed: account %r, from %s", name, address)
    sign_ins.count_failure()


def listen() -> None:
    """Have every failure noted."""
    user_login_failed.connect(note_failure, dispatch_uid="console.sign_in")
