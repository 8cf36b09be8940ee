"""Metrics for Prometheus, read from the stores at the moment of the scrape: true for any number of
processes and machines, and nothing to keep up to date.

Every process would answer the same, so one target is scraped (a process, or the load balancer),
and figures are never summed over targets. One module per source of figures; `sources.py` lists
them.
"""

from .scrape import CONTENT_TYPE, render

__all__ = ["CONTENT_TYPE", "render"]
