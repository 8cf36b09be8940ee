"""Django REST framework and Celery, as most Django teams would build it: a task for each order."""

READY = "takes orders"  # what the worker says when it does
