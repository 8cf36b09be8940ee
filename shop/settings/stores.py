"""The stores: PostgreSQL, the stock's Redis, the broker and the cache."""

from environ import Env

from shop.core.environment import default_store
from shop.local import discovery

from .base import STATE_DIR, env

# --- PostgreSQL: the ledger ---------------------------------------------------------------------

DATABASES = {
    "default": Env.db_url_config(env.text("DATABASE_URL") or discovery.database_url(STATE_DIR))
}
DATABASES["default"]["CONN_MAX_AGE"] = env.whole("DATABASE_CONN_MAX_AGE")
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Every wait on the database has an end: connecting, a lock, a statement, an idle transaction. The
# options in the URL come later on PostgreSQL's command line, and so win.
_BOUNDS = "-c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=15s"
_chosen = DATABASES["default"].get("OPTIONS", {})
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "application_name": "shop",
    **_chosen,
    "options": f"{_BOUNDS} {_chosen.get('options', '')}".strip(),
}

# --- Redis: stock, request ids, the outbox; and, apart from these, the broker and the cache -----

REDIS_URL = env.text("REDIS_URL") or discovery.redis_url(STATE_DIR, db=0)
REDIS_TIMEOUT_SECONDS = env.number("REDIS_TIMEOUT_SECONDS")
# Before an order is accepted, so many replicas have it; with WAITAOF (Redis 7.2) on their disks.
REDIS_WAIT_REPLICAS = env.whole("REDIS_WAIT_REPLICAS")
REDIS_WAIT_AOF = env.flag("REDIS_WAIT_AOF")
REDIS_WAIT_MS = min(env.whole("REDIS_WAIT_MS"), int(REDIS_TIMEOUT_SECONDS * 1000) - 100)
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or default_store(REDIS_URL, "CELERY_BROKER_URL")
CACHE_URL = env.text("CACHE_URL") or default_store(REDIS_URL, "CACHE_URL")

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            "IGNORE_EXCEPTIONS": True,
            # Not pickle: a writer to the cache could run any code in web.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
        "KEY_PREFIX": "shop",
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
