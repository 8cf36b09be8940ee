"""Signs of progress of the workers, and of beat, who asks them: Redis."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from shop.core.tasks import progress

from .context import ScrapeContext
from .families import gauge


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how long ago each last went all the way."""
    yield gauge(
        "shop_progress_age_seconds",
        "Since each last made progress.",
        ["name"],
        list(progress.ages().items()),
    )
