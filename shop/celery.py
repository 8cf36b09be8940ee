"""The Celery app: settings from Django, tasks from `workers`; beat has one of its own."""

import os
import warnings

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
# Django's checks look at every page of the admin, which a worker would load for them: 16 MB each.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

# Eight lines at each start of each worker, on a developer's machine that works as root. The images
# run as another user.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("shop", include=["workers.tasks", "shop.core.tasks.signals"])
app.config_from_object("django.conf:settings", namespace="CELERY")
