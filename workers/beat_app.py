"""The Celery app of beat: the settings, and none of the tasks.

Beat asks for tasks by name. Without Django's apps and all that the tasks need, it keeps 20 MB less
and is there sooner.
"""

import os

from celery import Celery
from django.conf import settings
from django.utils.log import configure_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)

app = Celery("shop", fixups=[])  # not the one for Django, which loads its apps
app.config_from_object("django.conf:settings", namespace="CELERY")
