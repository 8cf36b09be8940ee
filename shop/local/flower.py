"""Runs Flower behind its password, and refuses to show it to the network without one.

Flower can stop and reconfigure workers, so who reaches it owns them. Reads FLOWER_ADDRESS
(127.0.0.1), FLOWER_PORT (5555) and FLOWER_BASIC_AUTH (`user:password`, which Flower reads itself).
"""

import os
import sys
from collections.abc import Mapping

from celery.__main__ import main as celery
from flower.views import monitor
from tornado.web import authenticated

from shop.core.environment import is_loopback

# Flower's own documentation has them open, for Prometheus and probes inside a closed network. They
# tell tasks, hosts and rates; a probe can carry the password like any other client.
OPEN_PAGES = (monitor.Metrics, monitor.Healthcheck)
# It keeps each task in memory, some 9 kB, a dozen of which end a second: with its own bound of
# 100,000 it grows for two hours, to a gigabyte.
MAX_TASKS = 3000


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Become Flower, or end with the reason why not."""
    address = environ.get("FLOWER_ADDRESS") or "127.0.0.1"
    port = environ.get("FLOWER_PORT") or "5555"
    if not is_loopback(address) and ":" not in environ.get("FLOWER_BASIC_AUTH", ""):
        sys.exit(f"Flower on {address} needs a password: set FLOWER_BASIC_AUTH=user:password")
    close_open_pages()
    # The options win over a flowerconfig.py, so the address checked is the address used.
    options = {"address": address, "port": port, "max_tasks": MAX_TASKS}
    sys.argv = ["celery", "-A", "shop", "flower", *(f"--{k}={v}" for k, v in options.items())]
    celery()


def close_open_pages() -> None:
    """Ask on every page of Flower's for its password, where it has one."""
    for page in OPEN_PAGES:
        page.get = authenticated(page.get)


if __name__ == "__main__":
    main()
