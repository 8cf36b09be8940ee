"""The Django project. Importing it makes the Celery app current, as tasks are sent by name."""

from .celery import app as celery_app

__all__ = ["celery_app"]
