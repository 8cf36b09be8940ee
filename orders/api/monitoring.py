"""The endpoints for load balancers and monitoring."""

from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from orders import metrics as order_metrics
from orders.http import problems
from orders.http.problems import Problem, Refused
from orders.intake.placing import intake
from shop.core.processes import health
from shop.core.processes.threads import in_thread

from .endpoint import endpoint

ALIVE = {"status": "ok"}


@endpoint("GET", "HEAD")
async def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process is alive. In front of Django, `probes` answers instead."""
    return JsonResponse(ALIVE)


@endpoint("GET", "HEAD")
async def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether all that orders need is there; 503 names what is missing. As `healthz`."""
    ready, found = await readiness()
    response = JsonResponse(found, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = "1"
    return response


async def readiness() -> tuple[bool, dict[str, Any]]:
    """Return whether all is there that orders need, and the answer with its checks.

    Raises Overloaded where the checks do not come to an end.
    """
    ready, parts = await in_thread(health.readiness)
    copy = await _reference_cache_check()
    ready, parts = ready and bool(copy["ok"]), {**parts, "sales": copy}
    failing = [name for name, part in parts.items() if not part["ok"]]
    status = "ready" if ready else "not ready"
    return ready, {"status": status, "failing": failing, "checks": parts}


async def _reference_cache_check() -> dict[str, Any]:
    """Return the check of this process's reference cache."""
    try:
        return {"ok": True, "detail": await intake().references.check()}
    except health.NotReady as error:
        return {"ok": False, "detail": str(error)}


@endpoint("GET", "HEAD")
async def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the metrics for Prometheus; where METRICS_TOKEN is set, for that token alone."""
    _check_token(request.headers.get("Authorization", ""))
    return HttpResponse(
        await in_thread(order_metrics.render), content_type=order_metrics.CONTENT_TYPE
    )


def _check_token(authorization: str) -> None:
    """Raise Refused unless the metrics are open, or the header carries their token (RFC 6750)."""
    expected = settings.METRICS_TOKEN
    scheme, _, token = authorization.partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else ""
    # As bytes: the comparison takes no text beyond ASCII, and a header may have some.
    if expected and not compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise Refused(Problem(problems.NO_METRICS_TOKEN, "The metrics' token is missing or wrong."))
