"""The Django project. Importing it makes the Celery app current, as tasks are sent by name.

Every process begins here, so this is where an environment that cannot be used ends a start: with a
line for each variable, and not with a traceback.
"""

import os

from .core.environment import stop_if_unusable
from .core.tracing import recording
from .local import discovery

_own_redis = discovery.redis_url(discovery.state_dir(), db=0)
stop_if_unusable({**os.environ, "REDIS_URL": os.environ.get("REDIS_URL") or _own_redis})

recording.leave_out(os.environ)
from .celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
