"""The Celery application; it says in the log when its worker takes tasks."""

import os

from celery import Celery
from celery.signals import worker_ready

from . import READY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_rest.settings")

app = Celery("peer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["bench.peers.django_rest"])


@worker_ready.connect
def announce(**_: object) -> None:
    """Tell who waits for it that the worker is ready."""
    print(READY, flush=True)
