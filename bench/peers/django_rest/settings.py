"""Settings of the peer: what an API of one endpoint needs, and nothing that would slow it down."""

import os
import secrets

import environ

SECRET_KEY = secrets.token_urlsafe(50)  # it signs nothing
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["rest_framework", "bench.peers.django_rest"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.peers.django_rest.urls"
WSGI_APPLICATION = "bench.peers.django_rest.wsgi.application"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        **environ.Env.db_url_config(os.environ["PEER_DATABASE_URL"]),
        "CONN_MAX_AGE": None,  # a connection is kept as long as its process
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "bench.peers.django_rest.authentication.ApiKeyAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

STOCK_REDIS_URL = os.environ["PEER_REDIS_URL"]
STOCK_PREFIX = os.environ["PEER_PREFIX"]

CELERY_BROKER_URL = STOCK_REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{STOCK_PREFIX}:broker:"}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a killed worker's orders are done again, by their ids only once
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 64  # the tasks are short
