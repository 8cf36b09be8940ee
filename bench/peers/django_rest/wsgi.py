"""The application that gunicorn serves, with that of Celery, so that tasks find the broker."""

import os

from django.core.wsgi import get_wsgi_application

from .celery import app as celery_app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_rest.settings")
celery_app.set_default()
application = get_wsgi_application()
