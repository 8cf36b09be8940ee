"""Logs: one format on standard error, and how often the same cause may be named."""

from .base import env

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "faults": {"()": "shop.core.logs.filters.WithoutAnsweredUnavailability"},
        "seldom": {"()": "shop.core.logs.filters.AtMostEverySecond"},
        "strangers": {"()": "shop.core.logs.filters.StrangersAtMostEverySecond"},
    },
    "formatters": {
        "line": {
            "()": "shop.core.logs.lines.formatter",
            "style": env.text("LOG_FORMAT"),
        },
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["strangers"],
        },
    },
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL")},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["faults"]},
        # Redis away is one cause, however many batches meet it.
        "orders.intake.batcher": {"filters": ["seldom"]},
        # Forged callbacks are one cause, too.
        "orders.api.payment_callbacks": {"filters": ["seldom"]},
        # Two lines for each sweep, every second: each task logs its own result.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # A hint that comes too late needs no line: a sweep has done its work.
        "celery.worker.request": {"level": "WARNING"},
        # Each failed sign-in has a line of ours.
        "axes": {"level": "ERROR"},
        # Flower lists every task at its start, and complains of workers that start beside it.
        "flower": {"level": "ERROR"},
        "kombu.mixins": {"level": "WARNING"},
        # These bring handlers of their own; with ours their lines look like all others.
        # Not "uvicorn", whose access log would be on again, and with it the long way of an order.
        "uvicorn.error": {"handlers": ["stderr"], "propagate": False},
        "celery.task": {"handlers": ["stderr"], "propagate": False},
        "multiprocessing": {"handlers": ["stderr"], "propagate": False},
        # A collector that is away is one cause, however many batches of spans meet it.
        "opentelemetry.exporter.otlp.proto.http.trace_exporter": {"filters": ["seldom"]},
    },
}
