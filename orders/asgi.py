"""The application of the web process: the intake in front of Django, and its protocol."""

import gc
import os
import sys
from importlib import import_module
from typing import cast

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

django_application = get_asgi_application()

# These need the apps that Django has just loaded.
from orders.api.cancelling import with_cancelling  # noqa: E402
from orders.api.outside import with_room  # noqa: E402
from orders.api.payment_callbacks import with_callback  # noqa: E402
from orders.api.probes import with_probes  # noqa: E402
from orders.http.asgi import Application  # noqa: E402
from orders.intake.handler import with_intake  # noqa: E402
from orders.intake.placing import intake  # noqa: E402
from orders.intake.short_way import OrderProtocol  # noqa: E402
from orders.reads.public_reads import with_public_reads  # noqa: E402
from shop.core.processes.readiness import announced  # noqa: E402
from shop.core.profiling import in_process  # noqa: E402
from shop.core.tracing import process  # noqa: E402

__all__ = ["OrderProtocol", "application"]

SWITCH_SECONDS = 0.0005

import_module(settings.ROOT_URLCONF)  # now, and not while somebody waits for the first page

process.start("web")
in_process.listen("web")

# Probes, public reads and the callback are left out of the traces: one reading answers many.
traced = process.traced(with_cancelling(with_room(cast(Application, django_application))))
behind = with_probes(with_callback(with_public_reads(traced, intake)))
application = announced(process.until_shutdown(with_intake(behind)))

# Orders are placed in one thread, and Django works in others. When the first one wants the
# interpreter, which it does several times an order, each of these may keep it for 5 ms, unless
# something else is said.
sys.setswitchinterval(SWITCH_SECONDS)

# All that is loaded by now lives as long as the process. Walking through it takes the collector
# 30 ms each time, in which no order is answered.
gc.collect()
gc.freeze()
