"""Is this container's process at work? Run as `healthcheck.py NAME`, a name in the Procfile.

Exit code 0: yes. 1: no, and the reason is printed, where `docker inspect` shows it.
It asks about this one container; whether the service as a whole can sell is told by /readyz.
"""

import os
import socket
import sys
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")


class Unhealthy(Exception):
    """The process does not do its work; the text says why."""


def check_web() -> None:
    """Raise Unhealthy unless the web process answers.

    The request is one that Django takes under any settings: for a host that is allowed, and over
    HTTPS, as far as the proxy's header tells.
    """
    host = os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",")[0].strip(" .*") or "localhost"
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    _expect_200(int(os.environ.get("PORT") or 8000), "/healthz", headers)


def check_flower() -> None:
    """Raise Unhealthy unless Flower answers somebody who has its password."""
    # Flower takes several, separated by commas; any of them opens it.
    account = os.environ.get("FLOWER_BASIC_AUTH", "").partition(",")[0]
    headers = {"Authorization": f"Basic {b64encode(account.encode()).decode()}"} if account else {}
    _expect_200(int(os.environ.get("FLOWER_PORT") or 5555), "/healthcheck", headers)


def check_worker(name: str) -> None:
    """Raise Unhealthy unless the Celery worker `name` of this container answers by the broker."""
    from shop.celery import app

    node = f"{name}@{socket.gethostname()}"
    if not app.control.ping(destination=[node], timeout=5):
        raise Unhealthy(f"{node} does not answer")


def check_beat() -> None:
    """Raise Unhealthy unless a task that beat asks for every second was finished just now.

    Beat answers no questions, so its work is the proof. A worker is needed for it, too.
    """
    from shop.core.processes import health

    try:
        health.check_worker()
    except health.NotReady as error:
        raise Unhealthy(str(error)) from error


CHECKS: dict[str, Callable[[], None]] = {
    "web": check_web,
    **{
        name: partial(check_worker, name)
        for name in ("worker", "urgent", "settle", "upkeep", "notifier")
    },
    "beat": check_beat,
    "flower": check_flower,
}


def _expect_200(port: int, path: str, headers: dict[str, str]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise Unhealthy(f"port {port} does not answer: {error}") from error
    finally:
        connection.close()
    if status != 200:
        raise Unhealthy(f"{path} answers {status}")


def main() -> None:
    """Run the check that the command line names; exit 0 if it passes, else 1 with one line."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in CHECKS:
        sys.exit(f"usage: healthcheck.py {'|'.join(CHECKS)}")
    try:
        CHECKS[name]()
    except Unhealthy as error:
        sys.exit(f"{name}: {error}")


if __name__ == "__main__":
    main()
