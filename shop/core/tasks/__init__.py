"""Celery tasks: how they are asked for, and signs that they get done."""
