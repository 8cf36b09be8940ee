"""Hosts, secrets, HTTPS, cookies, proxies and the content security policy."""

import secrets

from .base import env, kept_secret

SECRET_KEY = env.text("DJANGO_SECRET_KEY") or kept_secret(
    "secret_key", lambda: secrets.token_urlsafe(50)
)
ALLOWED_HOSTS = env.items("DJANGO_ALLOWED_HOSTS")
if WEB_ADDRESS := env.text("WEB_ADDRESS"):
    ALLOWED_HOSTS = [
        *ALLOWED_HOSTS,
        WEB_ADDRESS,
    ]  # requests may name the address on which it listens
CSRF_TRUSTED_ORIGINS = env.items("DJANGO_CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("DJANGO_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# The proxies whose word on a request's sender counts. With DJANGO_HTTPS there is one on this host.
FORWARDED_ALLOW_IPS = ",".join(env.items("FORWARDED_ALLOW_IPS")) or (
    "127.0.0.1,::1" if HTTPS else ""
)
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# The pages outside the admin send their own, stricter policies (orders/api/html.py). The theme of
# the admin needs Alpine, which compiles expressions in attributes.
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
