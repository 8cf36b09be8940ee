"""The web admin: its theme, its sign-in and where Flower is."""

from datetime import timedelta

from shop.admin_theme import unfold_settings

from .base import env

_OWN_FLOWER = f"http://127.0.0.1:{env.whole('FLOWER_PORT')}/"  # a small profile runs none
FLOWER_URL = env.text("FLOWER_URL") or (_OWN_FLOWER if env.text("SHOP_PROFILE") == "full" else "")

LOGIN_REDIRECT_URL = "admin:index"
METRICS_TOKEN = env.text("METRICS_TOKEN")  # empty: /metrics is open
UNFOLD = unfold_settings(flower_url=FLOWER_URL, metrics_open=not METRICS_TOKEN)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: a locked-out sign-in costs no password check
    "console.sign_in.backend.BoundedBackend",
]
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]  # either of them
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = (
    False  # failures cannot keep an operator out for good
)
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "console.sign_in.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Flash sale orders"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
