"""Sign-ins to the admin that have failed: Redis."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from shop.core.admin import sign_ins

from .context import ScrapeContext
from .families import counter


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how many there were."""
    yield counter(
        "shop_admin_sign_ins_failed_total",
        "Sign-ins to the web admin that have failed.",
        [],
        [(sign_ins.failures(),)],
    )
