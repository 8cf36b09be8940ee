"""The ASGI application: the intake in front of Django."""

import gc
import os
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

django_application = get_asgi_application()

from orders.intake.asgi import Application, with_intake  # noqa: E402 - needs the apps that Django has just loaded
from shop.core.readiness import announced  # noqa: E402

application = announced(with_intake(cast(Application, django_application)))

# What is loaded by now lives as long as the process. Walking through it takes the collector 30 ms
# each time, in which no order is answered.
gc.collect()
gc.freeze()
