"""Settings: everything that differs between deployments comes from the environment.

`docs/configuration.md` lists every variable. Where DATABASE_URL and REDIS_URL are unset, the
servers of the local stack (`make up`) are used.
"""

import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from environ import Env

from shop.admin_theme import unfold_settings
from shop.core.environment import Environment, default_store
from shop.local import discovery

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)

STATE_DIR = discovery.state_dir()


def _kept_secret(name: str, make: Callable[[], str]) -> str:
    """Return the secret `name` of this state directory, made on first use and kept.

    It serves one machine. Several machines need one secret between them, from the environment.
    """
    path = STATE_DIR / name
    try:
        return path.read_text()
    except FileNotFoundError:
        STATE_DIR.mkdir(parents=True, exist_ok=True)
    secret = make()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
    except FileExistsError:  # another process of the same start was faster
        return path.read_text()
    return secret


DEBUG = env.flag("DJANGO_DEBUG")
SECRET_KEY = env.text("DJANGO_SECRET_KEY") or _kept_secret(
    "secret_key", lambda: secrets.token_urlsafe(50)
)
ALLOWED_HOSTS = env.items("DJANGO_ALLOWED_HOSTS")
if WEB_ADDRESS := env.text("WEB_ADDRESS"):
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, WEB_ADDRESS]  # where it listens, it may be asked
CSRF_TRUSTED_ORIGINS = env.items("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    # Without a look for each app's admin: that is for those who serve it, in shop/urls.py.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",  # throttles sign-ins, in the database: a cache that is away would let all through
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular_sidecar",
    "inventory",
    "orders",
    "console",
    # The workers are no app: they hold no models. Celery finds them in shop/celery.py.
]

MIDDLEWARE = [
    "shop.core.logs.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "shop.core.admin.wrong_values.WrongValuesMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "orders.asgi.application"
APPEND_SLASH = False  # an API that answers POST with a redirect loses the body
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
FORMAT_MODULE_PATH = "shop.formats"
USE_TZ = True
TIME_ZONE = "UTC"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- PostgreSQL: the ledger ---------------------------------------------------------------------

DATABASES = {
    "default": Env.db_url_config(env.text("DATABASE_URL") or discovery.database_url(STATE_DIR))
}
DATABASES["default"]["CONN_MAX_AGE"] = env.whole("DATABASE_CONN_MAX_AGE")
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Every wait on the database has an end: connecting, a lock, a statement, an idle transaction. What
# the URL says comes later on PostgreSQL's command line, and so wins.
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
# Before a yes: so many replicas have it, and with WAITAOF (Redis 7.2) they have it on their disks.
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
            # Not pickle: whoever could write to the cache would run what it likes in web.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        },
        "KEY_PREFIX": "shop",
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- Celery -------------------------------------------------------------------------------------

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A primary that becomes a replica refuses what a worker waits in (UNBLOCKED, READONLY). Otherwise
# that ends the worker, and now and then leaves one that is alive and takes no message any more.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A message whose worker died comes back after this long. Tasks are idempotent and hints only,
    # so a short time costs nothing and a long one would be felt.
    "visibility_timeout": 60,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "max_retries": 3,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 45
CELERY_TASK_SOFT_TIME_LIMIT = 35
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# What a lost connection interrupts is asked for again, and takes up where it was.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery connects to the database anew for each task, unless told not to. What is old or broken is
# closed between two tasks all the same (shop/core/tasks/signals.py).
CELERY_DB_REUSE_MAX = 2**31
CELERY_TIMEZONE = "UTC"

# --- Flower -------------------------------------------------------------------------------------

_OWN_FLOWER = f"http://127.0.0.1:{env.whole('FLOWER_PORT')}/"  # a small profile runs none
FLOWER_URL = env.text("FLOWER_URL") or (_OWN_FLOWER if env.text("SHOP_PROFILE") == "full" else "")

# --- The web admin ------------------------------------------------------------------------------

LOGIN_REDIRECT_URL = "admin:index"
METRICS_TOKEN = env.text("METRICS_TOKEN")  # empty: /metrics is open
UNFOLD = unfold_settings(flower_url=FLOWER_URL, metrics_open=not METRICS_TOKEN)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: who has to wait costs no password check
    "console.sign_in.backend.BoundedBackend",
]
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]  # either of them
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # nobody can keep an operator out for good
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "console.sign_in.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Flash sale orders"

# The pages outside the admin say their own, stricter ones (orders/api/html.py). The admin's theme
# stands on Alpine, which compiles what it finds in attributes.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'", "'unsafe-inline'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- The way of an order: every bound in one place ----------------------------------------------

# A connection, before anybody has read what it sends (docs/adr/0021).
WEB_MAX_CONNECTIONS_PER_ADDRESS = env.whole("WEB_MAX_CONNECTIONS_PER_ADDRESS")
WEB_MAX_KEPT_BYTES = 64 * 1024 * 1024  # of requests that are not answered yet, in one process
WEB_HEAD_SECONDS = env.number("WEB_HEAD_SECONDS")  # until a head has to be whole
WEB_UNREAD_SECONDS = env.number("WEB_UNREAD_SECONDS")  # for a client to read

INTAKE_MAX_BODY_BYTES = 16 * 1024
INTAKE_BODY_TIMEOUT_SECONDS = 10.0
# A Lua call takes some 8,000 values at once, hence the upper bounds of what makes up one call.
INTAKE_MAX_BATCH = env.whole("INTAKE_MAX_BATCH")  # orders in a script call
INTAKE_MAX_QUEUE = env.whole("INTAKE_MAX_QUEUE")  # orders waiting for their call
INTAKE_MAX_WAIT_SECONDS = 2.0  # an order that waited longer is answered 503, not executed
INTAKE_MAX_WATCHERS = 10_000  # requests that wait for a status change, per process
INTAKE_MAX_REFUSALS = env.whole("INTAKE_MAX_REFUSALS")  # remembered per sale
OUTBOX_MAX_BACKLOG = env.whole("OUTBOX_MAX_BACKLOG")  # orders not yet persisted
PERSIST_BATCH = env.whole("PERSIST_BATCH")  # orders in one transaction
PERSIST_CLAIM_IDLE_MS = env.whole("PERSIST_CLAIM_IDLE_MS")
# A batch costs as much as a hundred orders, so those of a busy sale are collected for this long.
PERSIST_PAUSE_SECONDS = 0.05
PERSIST_TASK_SECONDS = 3.0  # a drain hands over to a fresh task after this long: others wait, too

URGENT_TASK_SECONDS = 1.0  # a round of ending holds, or of giving stock back, hands over after this
EXPIRE_BATCH = 1000  # orders whose hold is ended in one transaction
SETTLE_TASK_SECONDS = 3.0  # a round of applying payments hands over after this long
SETTLE_BATCH = 500  # payments that are applied in one transaction

# --- Payments -----------------------------------------------------------------------------------

# More than one, separated by commas, while a secret is being replaced.
PAYMENT_WEBHOOK_SECRETS = env.items("PAYMENT_WEBHOOK_SECRET") or [
    _kept_secret(
        "payment_webhook_secret", lambda: "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    )
]
STRIPE_WEBHOOK_SECRET = env.text("STRIPE_WEBHOOK_SECRET")  # empty: no such endpoint

# Signs in the provider's place, so that an order can be paid on the drop page: to try it out only.
TEST_PAYMENTS = env.flag("TEST_PAYMENTS")

# --- The drop page ------------------------------------------------------------------------------

# Anybody may read it (docs/adr/0017). Empty: the page shows the sale, and takes no orders.
DROP_PAGE_API_KEY = env.text("DROP_PAGE_API_KEY")
DROP_PAGE_ORDERS_PER_ADDRESS = env.whole("DROP_PAGE_ORDERS_PER_ADDRESS")  # a minute
DROP_PAGE_ORDERS_PER_CUSTOMER = env.whole("DROP_PAGE_ORDERS_PER_CUSTOMER")

# --- Telling people -----------------------------------------------------------------------------

# Without a mail server, mail is caught in files: nothing leaves a machine that was not told to.
EMAIL_URL = env.text("EMAIL_URL")
if EMAIL_URL:
    vars().update(Env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = STATE_DIR / "mail"
EMAIL_TIMEOUT = 10
# Whether the mail server takes addresses whose local part is not ASCII (RFC 6531). Where it does
# not, an order with such an address is refused: no other spelling of it is the customer's.
EMAIL_SMTPUTF8 = env.flag("EMAIL_SMTPUTF8")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL")
ADMINS = [("", address) for address in env.items("DJANGO_ADMINS")]  # told of trouble
SMS_SENDER = env.text("SMS_SENDER")  # dotted path of a class, see docs/notifications.md
# Webhooks to private addresses are refused, so that nobody can make the server speak to its own
# network. On a developer's machine, known by its embedded database, that is what one wants.
WEBHOOK_ALLOW_PRIVATE = (
    env.flag("WEBHOOK_ALLOW_PRIVATE")
    if env.given("WEBHOOK_ALLOW_PRIVATE")
    else not env.given("DATABASE_URL")
)
WEBHOOK_PORTS = frozenset(env.wholes("WEBHOOK_PORTS"))  # beside 443 and 80
WEBHOOK_DISABLE_AFTER_SECONDS = 5 * 24 * 3600  # of failures without a success
NOTIFY_TASK_SECONDS = 15.0  # a round of deliveries hands over to a fresh task after this long
NOTIFY_LINGER_SECONDS = 2.0  # that a round which had something to do looks on for more
NOTIFY_TIMEOUT_SECONDS = 15.0  # for one webhook call
NOTIFY_LANE = 32  # calls under way to one endpoint
NOTIFY_MAX_IN_FLIGHT = 256  # calls under way to all

# --- Security -----------------------------------------------------------------------------------

HTTPS = env.flag("DJANGO_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Who is believed about the sender of a request. With TLS a proxy is there, by the operator's word.
FORWARDED_ALLOW_IPS = ",".join(env.items("FORWARDED_ALLOW_IPS")) or (
    "127.0.0.1,::1" if HTTPS else ""
)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # of any request
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Static files -------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
SERVESTATIC_USE_FINDERS = True  # no collectstatic step: what is installed is served
SERVESTATIC_AUTOREFRESH = DEBUG

# --- Logs ---------------------------------------------------------------------------------------

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
        # Two lines for each sweep, every second: what a task has done, it says itself.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # A hint that comes too late is no news: a sweep has made good for it.
        "celery.worker.request": {"level": "WARNING"},
        # Each failed sign-in has a line of ours.
        "axes": {"level": "ERROR"},
        # Flower lists every task at its start, and complains of workers that start beside it.
        "flower": {"level": "ERROR"},
        "kombu.mixins": {"level": "WARNING"},
        # Instead of the handlers that they bring along: their lines are to look like all others.
        # Not "uvicorn", whose access log would come back on, and with it the long way of an order.
        "uvicorn.error": {"handlers": ["stderr"], "propagate": False},
        "celery.task": {"handlers": ["stderr"], "propagate": False},
        "multiprocessing": {"handlers": ["stderr"], "propagate": False},
        # A collector that is away is one cause, however many batches of spans meet it.
        "opentelemetry.exporter.otlp.proto.http.trace_exporter": {"filters": ["seldom"]},
    },
}
