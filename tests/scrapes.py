"""What a scrape of /metrics tells, for tests."""

from django.test import Client
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

Stats = dict[tuple[str, ...], float]


def scraped() -> list[Metric]:
    """The families of a scrape, as Prometheus' own client parses them."""
    reply = Client().get("/metrics")
    assert reply.status_code == 200
    assert reply["Content-Type"].startswith("text/plain")
    return list(text_string_to_metric_families(reply.content.decode()))


def figures() -> Stats:
    """Every sample by its name and its labels' values, these in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in scraped()
        for sample in family.samples
    }


def failing(told: Stats) -> set[str]:
    """The sources that could not tell their figures."""
    return {key[1] for key, failed in told.items() if key[0] == "shop_scrape_error" and failed}
