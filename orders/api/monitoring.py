"""The endpoints that load balancers and monitoring ask."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from orders import metrics as figures
from orders.intake.service import intake
from shop.core import health
from shop.core.threads import in_thread

from .endpoint import endpoint


@endpoint("GET", "HEAD")
async def healthz(request: HttpRequest) -> HttpResponse:
    """This process is alive."""
    return JsonResponse({"status": "ok"})


@endpoint("GET", "HEAD")
async def readyz(request: HttpRequest) -> HttpResponse:
    """Everything that orders need is there; 503 names what is not."""
    ready, parts = await in_thread(health.readiness)
    copy = await _copy_of_sales()
    ready, parts = ready and bool(copy["ok"]), {**parts, "sales": copy}
    failing = [name for name, part in parts.items() if not part["ok"]]
    response = JsonResponse(
        {"status": "ready" if ready else "not ready", "failing": failing, "checks": parts},
        status=200 if ready else 503,
    )
    if not ready:
        response["Retry-After"] = "1"
    return response


async def _copy_of_sales() -> dict[str, Any]:
    """Return what this process's copy of clients and sales says of itself, as a check."""
    try:
        return {"ok": True, "detail": await intake().directory.check()}
    except health.NotReady as error:
        return {"ok": False, "detail": str(error)}


@endpoint("GET", "HEAD")
async def metrics(request: HttpRequest) -> HttpResponse:
    """What Prometheus is told."""
    return HttpResponse(await in_thread(figures.render), content_type=figures.CONTENT_TYPE)
