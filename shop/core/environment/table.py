"""Every variable that the product reads, in the groups in which docs/configuration.md shows them.

A new variable is a line here, a use of `environment` in the settings, and
`python -m shop.core.environment docs/configuration.md`.
"""

from . import forms, stores
from .variable import Kind, Variable

SAMPLERS = tuple(
    f"{parent}{kind}"
    for parent in ("", "parentbased_")
    for kind in ("always_on", "always_off", "traceidratio")
)
_BY_MAKE_UP = "none; `make up` makes one"

GROUPS: dict[str, tuple[Variable, ...]] = {
    "stores": (
        Variable(
            name="DATABASE_URL",
            form=stores.LEDGER,
            shown="embedded",
            means="PostgreSQL ≥ 15, `postgresql://user:password@host:5432/name`; "
            "`?options=-c …` and `?sslmode=…` are added to the product's own",
        ),
        Variable(
            name="REDIS_URL",
            form=stores.REDIS,
            shown="embedded",
            means="Redis ≥ 7 or Valkey ≥ 8 for stock and outbox: `appendonly yes`, "
            "`appendfsync always`, `maxmemory-policy noeviction`; a user of an ACL needs `+info`",
        ),
        Variable(
            name="CELERY_BROKER_URL",
            form=stores.REDIS,
            shown="database 1 of `REDIS_URL`",
            means="the broker; its messages are hints, it may lose them",
        ),
        Variable(
            name="CACHE_URL",
            form=stores.REDIS,
            shown="database 2 of `REDIS_URL`",
            means="sessions and caches; may evict",
        ),
        Variable(
            name="REDIS_TIMEOUT_SECONDS",
            kind=Kind.NUMBER,
            default="0.8",
            least=0.2,
            most=30,
            means="how long one batch of orders waits for Redis before the answer is 503",
        ),
        Variable(
            name="REDIS_WAIT_REPLICAS",
            kind=Kind.WHOLE,
            default="0",
            least=0,
            most=16,
            means="so many replicas have to have an order before it is accepted; fewer: 503, and "
            "a repetition tells",
        ),
        Variable(
            name="REDIS_WAIT_AOF",
            kind=Kind.FLAG,
            default="false",
            means="… and on their disks, as on the server's own (`WAITAOF`: Redis ≥ 7.2, Valkey "
            "≥ 8)",
        ),
        Variable(
            name="REDIS_WAIT_MS",
            kind=Kind.WHOLE,
            default="500",
            least=1,
            most=10_000,
            means="how long that is waited for; at most `REDIS_TIMEOUT_SECONDS` less 100 ms",
        ),
        Variable(
            name="DATABASE_CONN_MAX_AGE",
            kind=Kind.WHOLE,
            default="60",
            least=0,
            most=86_400,
            means="seconds a database connection is kept",
        ),
    ),
    "processes": (
        Variable(
            name="PORT",
            kind=Kind.WHOLE,
            default="8000",
            least=1,
            most=65_535,
            means="where the web process listens",
        ),
        Variable(
            name="FLOWER_PORT",
            kind=Kind.WHOLE,
            default="5555",
            least=1,
            most=65_535,
            means="where Flower listens",
        ),
        Variable(
            name="WEB_ADDRESS",
            form=forms.LISTENING_ADDRESS,
            shown="`127.0.0.1`",
            means="on which address the web process listens",
        ),
        Variable(
            name="FLOWER_ADDRESS",
            form=forms.LISTENING_ADDRESS,
            shown="`127.0.0.1`",
            means="on which address Flower listens; beyond the loopback only with a password",
        ),
        Variable(
            name="FLOWER_BASIC_AUTH",
            form=forms.ACCOUNTS,
            secret=True,
            shown="none; `make up` makes one, keeps it and prints it",
            means="`user:password` for Flower",
        ),
        Variable(
            name="FLOWER_URL",
            form=forms.LINK,
            shown="from the port",
            means="where the site's link to Flower leads",
        ),
        Variable(
            name="WEB_FD",
            kind=Kind.WHOLE,
            shown="none",
            least=0,
            most=1_048_576,
            means="an open listening socket to serve, by its number, instead of `WEB_ADDRESS` and "
            "`PORT`; `make up` sets it, and a unit with a socket of systemd's can (`WEB_FD=3`)",
        ),
        Variable(
            name="NOTIFY_SOCKET",
            form=forms.SOCKET,
            shown="none",
            means="where the web process says that it is ready, as systemd asks with `Type=notify`",
        ),
        Variable(
            name="WEB_CONCURRENCY",
            kind=Kind.WHOLE,
            default="1",
            least=1,
            most=256,
            means="web processes",
        ),
        Variable(
            name="WEB_MAX_CONNECTIONS",
            kind=Kind.WHOLE,
            default="10000",
            least=16,
            most=1_000_000,
            means="connections that a web process serves at a time; beyond, those that do "
            "nothing make room, and where all are at work the answer is 503",
        ),
        Variable(
            name="WEB_MAX_CONNECTIONS_PER_ADDRESS",
            kind=Kind.WHOLE,
            default="1000",
            least=0,
            most=1_000_000,
            means="… of these from one address of the internet (IPv6: a /64); 0: no bound. "
            "Private addresses and those of `FORWARDED_ALLOW_IPS` are not counted",
        ),
        Variable(
            name="FORWARDED_ALLOW_IPS",
            form=forms.PROXY,
            kind=Kind.ITEMS,
            shown="`127.0.0.1,::1` with `DJANGO_HTTPS`, otherwise nobody",
            means="proxies that are believed about the sender (`X-Forwarded-For`, "
            "`X-Forwarded-Proto`). Each has to set `X-Forwarded-For` itself, or add to it",
        ),
        Variable(
            name="WEB_HEAD_SECONDS",
            kind=Kind.NUMBER,
            default="10",
            least=1,
            most=300,
            means="until the head of a request has to be whole; then 408",
        ),
        Variable(
            name="WEB_UNREAD_SECONDS",
            kind=Kind.NUMBER,
            default="10",
            least=1,
            most=300,
            means="after which a client that does not read its answers is disconnected",
        ),
        Variable(
            name="WEB_IDLE_SECONDS",
            kind=Kind.WHOLE,
            default="75",
            least=1,
            most=3600,
            means="that a connection may be idle between two requests; longer than a proxy in "
            "front keeps it",
        ),
        Variable(
            name="WORKER_CONCURRENCY",
            kind=Kind.WHOLE,
            default="2",
            least=1,
            most=256,
            means="processes that persist orders",
        ),
        Variable(
            name="URGENT_CONCURRENCY",
            kind=Kind.WHOLE,
            default="2",
            least=1,
            most=256,
            means="processes that end holds, put stock back on sale and sweep",
        ),
        Variable(
            name="SETTLE_CONCURRENCY",
            kind=Kind.WHOLE,
            default="1",
            least=1,
            most=256,
            means="processes that apply payments",
        ),
        Variable(
            name="UPKEEP_CONCURRENCY",
            kind=Kind.WHOLE,
            default="1",
            least=1,
            most=256,
            means="processes that reconcile",
        ),
        Variable(
            name="NOTIFIER_CONCURRENCY",
            kind=Kind.WHOLE,
            default="3",
            least=1,
            most=256,
            means="processes that send webhooks, mail and SMS; fewer than 3 lets a slow mail "
            "server "
            "hold up webhooks",
        ),
        Variable(
            name="SHOP_PROFILE",
            default="full",
            choices=("full", "small"),
            means="which processes `make up` starts: `small` runs the same queues in fewer, see "
            "[deployment](deployment.md#a-small-machine)",
        ),
        Variable(
            name="SHOP_STATE_DIR",
            form=forms.FOLDER,
            default=".local",
            means="all embedded data, logs and generated secrets",
        ),
        Variable(
            name="SHOP_POSTGRES_BIN",
            form=forms.POSTGRES_FOLDER,
            shown="the wheel",
            means="a folder of PostgreSQL programs, for the embedded server",
        ),
        Variable(
            name="SHOP_REDIS_SERVER",
            form=forms.PROGRAM,
            shown="the wheel",
            means="a Redis or Valkey server, for the embedded server",
        ),
        Variable(
            name="SHOP_REDIS_MAXMEMORY",
            form=forms.MEMORY,
            shown="half of the machine's",
            means="memory that the embedded server may use, as Redis writes it (`512mb`, `2gb`); "
            "beyond, orders are answered 503",
        ),
    ),
    "site": (
        Variable(
            name="DJANGO_SECRET_KEY",
            secret=True,
            shown="generated into the state folder",
            means="set it where more than one machine serves",
        ),
        Variable(
            name="DJANGO_DEBUG", kind=Kind.FLAG, default="false", means="Django's debug pages"
        ),
        Variable(
            name="DJANGO_ALLOWED_HOSTS",
            form=forms.ALLOWED_HOST,
            kind=Kind.ITEMS,
            default="localhost,127.0.0.1,[::1]",
            shown="localhost",
            means="comma-separated host names",
        ),
        Variable(
            name="DJANGO_CSRF_TRUSTED_ORIGINS",
            form=forms.ORIGIN,
            kind=Kind.ITEMS,
            shown="none",
            means="comma-separated origins, for the admin behind a proxy",
        ),
        Variable(
            name="DJANGO_HTTPS",
            kind=Kind.FLAG,
            default="false",
            means="secure cookies, redirect and HSTS; trusts `X-Forwarded-Proto`, so only behind a "
            "proxy that sets it",
        ),
        Variable(
            name="METRICS_TOKEN",
            form=forms.TOKEN,
            secret=True,
            shown="none: whoever reaches the site can read them",
            means="what `/metrics` asks for, as `Authorization: Bearer <token>`: 16 characters or "
            "more of those that a header takes, see [metrics](metrics.md)",
        ),
        Variable(
            name="DJANGO_SUPERUSER_USERNAME",
            form=forms.NAME,
            default="admin",
            means="the admin that `make up` creates",
        ),
        Variable(
            name="DJANGO_SUPERUSER_PASSWORD",
            secret=True,
            shown="generated",
            means="… and its password",
        ),
        Variable(
            name="DJANGO_SUPERUSER_EMAIL",
            form=forms.MAIL_ADDRESS,
            default="admin@example.com",
            means="… and its mail address",
        ),
    ),
    "logs": (
        Variable(
            name="LOG_LEVEL",
            default="INFO",
            choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            means="of all processes",
        ),
        Variable(
            name="LOG_FORMAT",
            default="text",
            choices=("text", "json"),
            means="what a log line looks like, wherever it goes: `text` for people, `json` for "
            "programs; see [observability](observability.md)",
        ),
        Variable(
            name="NO_COLOR",
            shown="a terminal gets colours",
            means="no colours in lines for people, whatever its value",
        ),
        Variable(
            name="FORCE_COLOR",
            shown="a terminal gets colours",
            means="colours everywhere in lines for people, whatever its value",
        ),
    ),
    "demo": (
        Variable(
            name="DEMO_ORDERS",
            kind=Kind.WHOLE,
            default="5000",
            least=1,
            most=200_000,
            means="how many orders the demo places",
        ),
        Variable(
            name="DEMO_STOCK",
            kind=Kind.WHOLE,
            default="500",
            least=1,
            most=200_000,
            means="how many units the demo sells",
        ),
    ),
    "traces": (
        Variable(
            name="OTEL_EXPORTER_OTLP_ENDPOINT",
            form=forms.WEB_URL,
            shown="none",
            means="the collector, `http://collector:4318`; switches traces on",
        ),
        Variable(
            name="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            form=forms.WEB_URL,
            shown="none",
            means="… with the whole URL, `http://collector:4318/v1/traces`",
        ),
        Variable(
            name="OTEL_TRACES_EXPORTER",
            kind=Kind.ITEMS,
            form=forms.EXPORTERS,
            shown="`otlp` where there is an endpoint",
            means="where traces go: `console` is standard output",
        ),
        Variable(
            name="OTEL_SDK_DISABLED",
            form=forms.SWITCH,
            default="false",
            means="`true` switches everything off",
        ),
        Variable(
            name="OTEL_SERVICE_NAME",
            default="flash-sale-orders",
            means="what spans say of where they come from",
        ),
        Variable(
            name="OTEL_TRACES_SAMPLER",
            default="parentbased_traceidratio",
            choices=SAMPLERS,
            means="whose traces are recorded: what the caller records, and a share of the rest",
        ),
        Variable(
            name="OTEL_TRACES_SAMPLER_ARG",
            kind=Kind.NUMBER,
            default="0.01",
            least=0,
            most=1,
            means="… and which share",
        ),
    ),
    "telling": (
        Variable(
            name="PAYMENT_WEBHOOK_SECRET",
            form=forms.PAYMENT_SECRET,
            secret=True,
            kind=Kind.ITEMS,
            shown="generated into the state folder",
            means="`whsec_…`: signs the payment provider's callbacks; two, separated by a comma, "
            "while one replaces the other",
        ),
        Variable(
            name="STRIPE_WEBHOOK_SECRET",
            form=forms.KEY,
            secret=True,
            shown="none",
            means="Stripe's signing secret; unset, there is no `/api/v1/payments/stripe`",
        ),
        Variable(
            name="TEST_PAYMENTS",
            kind=Kind.FLAG,
            default="false",
            shown="off; `make up` turns it on where only this machine can reach it",
            means='the drop page offers "Pay (test)": the server signs as the payment provider '
            "would. A caller who has an order's id can call it paid, so every command refuses to "
            "run with it under `DJANGO_HTTPS`, and the web process takes none there",
        ),
        Variable(
            name="EMAIL_URL",
            form=stores.MAIL,
            shown="files under the state folder, `mail/`",
            means="the mail server, `smtp+tls://user:password@host:587`",
        ),
        Variable(
            name="EMAIL_SMTPUTF8",
            kind=Kind.FLAG,
            default="false",
            means="whether the mail server takes addresses beyond ASCII before the @ (it says "
            "`SMTPUTF8`); where it does not, an order with such an address is refused (422)",
        ),
        Variable(
            name="DEFAULT_FROM_EMAIL",
            form=forms.SENDER,
            default="orders@localhost",
            means="the sender of mail",
        ),
        Variable(
            name="DJANGO_ADMINS",
            form=forms.MAIL_ADDRESS,
            kind=Kind.ITEMS,
            shown="none",
            means="comma-separated addresses: told when an endpoint is switched off",
        ),
        Variable(
            name="SMS_SENDER",
            form=forms.DOTTED_PATH,
            shown="none",
            means="dotted path of the class that sends SMS, see [notifications](notifications.md)",
        ),
        Variable(
            name="WEBHOOK_ALLOW_PRIVATE",
            kind=Kind.FLAG,
            shown="on with the embedded database, else off",
            means="whether webhooks may go to private addresses, to any port, and over plain http",
        ),
        Variable(
            name="WEBHOOK_PORTS",
            kind=Kind.WHOLES,
            shown="none",
            least=1,
            most=65_535,
            means="comma-separated ports that webhooks may go to, beside 443 and 80",
        ),
    ),
    "drop page": (
        Variable(
            name="DROP_PAGE_API_KEY",
            form=forms.API_KEY,
            secret=True,
            shown=_BY_MAKE_UP,
            means="the API key that `/sales/<slug>` orders with. Unset, the page shows the live "
            "stock and says that ordering there is off: orders go through the shop's own front end",
        ),
        Variable(
            name="DROP_PAGE_ORDERS_PER_ADDRESS",
            kind=Kind.WHOLE,
            default="20",
            least=1,
            most=60_000,
            means="orders a minute with this key from one address (IPv6: a /64), over all "
            "processes; beyond: 429. Behind a proxy that is not in `FORWARDED_ALLOW_IPS` all "
            "shoppers have one address",
        ),
        Variable(
            name="DROP_PAGE_ORDERS_PER_CUSTOMER",
            kind=Kind.WHOLE,
            default="5",
            least=1,
            most=60_000,
            means="orders a minute with this key of one customer",
        ),
    ),
    "bounds": (
        Variable(
            name="INTAKE_MAX_BATCH",
            kind=Kind.WHOLE,
            default="128",
            least=1,
            most=1000,
            means="orders in a script call; the rest goes into the next call",
        ),
        Variable(
            name="INTAKE_MAX_QUEUE",
            kind=Kind.WHOLE,
            default="10000",
            least=1,
            most=1_000_000,
            means="orders waiting per process; beyond: 503, `Retry-After`",
        ),
        Variable(
            name="OUTBOX_MAX_BACKLOG",
            kind=Kind.WHOLE,
            default="500000",
            least=1,
            most=100_000_000,
            means="orders not yet persisted per sale; beyond: 503, `Retry-After`",
        ),
        Variable(
            name="INTAKE_MAX_REFUSALS",
            kind=Kind.WHOLE,
            default="1000000",
            least=1000,
            most=100_000_000,
            means="refusals (sold out, limit) remembered per sale, some 85 bytes each; beyond, the "
            "oldest are forgotten before their two minutes are over",
        ),
        Variable(
            name="PERSIST_BATCH",
            kind=Kind.WHOLE,
            default="1000",
            least=1,
            most=5000,
            means="orders in a transaction; the rest goes into the next one",
        ),
        Variable(
            name="PERSIST_CLAIM_IDLE_MS",
            kind=Kind.WHOLE,
            default="5000",
            least=100,
            most=3_600_000,
            means="milliseconds without a sign of life after which another worker takes over the "
            "entries",
        ),
    ),
}

VARIABLES = tuple(variable for group in GROUPS.values() for variable in group)
