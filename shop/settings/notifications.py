"""Mail, SMS and webhooks: the ways on which events reach people and programs."""

from environ import Env

from .base import STATE_DIR, env

# Without a mail server, mail is caught in files: a machine that is not set up for it sends nothing.
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
ADMINS = [("", address) for address in env.items("DJANGO_ADMINS")]  # receive reports of trouble
SMS_SENDER = env.text("SMS_SENDER")  # dotted path of a class, see docs/notifications.md
# Webhooks to private addresses are refused, so that no client can make the server call its own
# network. A developer's machine, known by its embedded database, allows them.
WEBHOOK_ALLOW_PRIVATE = (
    env.flag("WEBHOOK_ALLOW_PRIVATE")
    if env.given("WEBHOOK_ALLOW_PRIVATE")
    else not env.given("DATABASE_URL")
)
WEBHOOK_PORTS = frozenset(env.wholes("WEBHOOK_PORTS"))  # beside 443 and 80
WEBHOOK_DISABLE_AFTER_SECONDS = 5 * 24 * 3600  # of failures without a success
