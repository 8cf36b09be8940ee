"""The forms of texts in the environment: what is allowed, and whether a text is that."""

import re
import shutil
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

SECRET_BYTES = range(24, 65)  # Standard Webhooks 1.0, "Signature scheme"
BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1
LEAST_TOKEN = 16  # characters
MOST_CHARACTERS = 4096
NO_REASON = "no"
MOST_SHOWN = 200
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" + _HOST
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MEMORY = re.compile(r"(\d{1,15})(|b|k|kb|m|mb|g|gb)", re.IGNORECASE | re.ASCII)
_FACTOR = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_FACTOR |= {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}  # as redis.conf explains them
LEAST_MEMORY, MOST_MEMORY = 8 << 20, 64 << 40


@dataclass(frozen=True, slots=True)
class Form:
    """The form that a text has to have: `allowed` in words, as Markdown, and `fits` as a rule.

    `fits` may raise ValueError or OSError for a text that is not of the form, with the reason.
    """

    allowed: str
    fits: Callable[[str], bool]
    is_url: bool = False  # which may have a password in it

    def fault(self, text: str) -> str:
        """Return "" for a text of this form, otherwise why it is not, or NO_REASON."""
        try:
            return "" if self.fits(text) else NO_REASON
        except Reason as reason:
            return str(reason)
        except (ValueError, OSError):
            return NO_REASON


class Reason(ValueError):
    """A text is not of its form; the reason is worth showing."""


def matching(allowed: str, pattern: str) -> Form:
    """Return the form of texts that a regular expression describes as a whole."""
    return Form(allowed, lambda text: re.fullmatch(pattern, text, re.ASCII) is not None)


def unprintable(text: str) -> bool:
    """Tell whether a text has what no setting has: control characters, or far too many."""
    return bool(_UNSEEN.search(text)) or len(text) > MOST_CHARACTERS


def shown(text: str, *, is_url: bool) -> str:
    """Return a value for a message: in one line, short, and of a URL no password and no options."""
    if is_url and ("@" in text or "?" in text):
        scheme = re.match(r"[a-z+]+://", text)
        server = "" if "?" in text else text.rpartition("@")[2]
        text = f"{scheme[0] if scheme else ''}…{'@' if server else ''}{server}"
    text = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def secret_bytes(secret: str) -> int:
    """Return of how many bytes a payment secret is, `whsec_` and base64; 0: of none, it is none.

    With 24 to 64 it is as good as Standard Webhooks 1.0 asks; with fewer it works, and is guessed.
    """
    try:
        return len(b64decode(secret.removeprefix("whsec_"), validate=True))
    except (NotBase64, ValueError):
        return 0


def _is_web_url(text: str) -> bool:
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError where it is none
    plain = not re.search(r"[\s\\]", text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain


def _is_proxies(text: str) -> bool:
    return text == "*" or bool(ip_network(text))


def _is_listening_address(text: str) -> bool:
    return text == "localhost" or bool(ip_address(text))


def _is_allowed_host(text: str) -> bool:
    if text.startswith("["):
        return text.endswith("]") and ip_address(text[1:-1]).version == 6
    return text == "*" or re.fullmatch(r"\.?" + _HOST, text, re.ASCII) is not None


def _is_memory(text: str) -> bool:
    found = _MEMORY.fullmatch(text)
    if not found:
        return False
    return LEAST_MEMORY <= int(found[1]) * _FACTOR[found[2].lower()] <= MOST_MEMORY


def _is_folder(text: str) -> bool:
    """Tell whether a folder is there or may be made: nothing above it is a file."""
    path = Path(text).expanduser().absolute()
    there = next(each for each in (path, *path.parents) if each.exists())
    return there.is_dir()


def _is_sender(text: str) -> bool:
    named = re.fullmatch(r"[^<>]*<([^<>]+)>", text)
    return re.fullmatch(_ADDRESS, named[1] if named else text, re.ASCII) is not None


LISTENING_ADDRESS = Form("an IP address, or `localhost`", _is_listening_address)
PROXY = Form("an IP address, a network (`10.0.0.0/8`), or `*`", _is_proxies)
ALLOWED_HOST = Form(
    "a host name, `.example.com` for all below it, an IP address (`[::1]`), or `*`",
    _is_allowed_host,
)
ORIGIN = matching(
    "an origin (`https://shop.example`, `https://*.shop.example`)",
    rf"https?://(\*\.)?({_HOST}|\[[0-9a-fA-F:.]+\])(:\d{{1,5}})?",
)
WEB_URL = Form("an `http://` or `https://` URL", _is_web_url, is_url=True)
LINK = Form(
    "an `http://` or `https://` URL, or a path (`/flower/`)",
    lambda text: re.fullmatch(r"/(?!/)[!-~]*", text) is not None or _is_web_url(text),
    is_url=True,
)
MAIL_ADDRESS = matching("a mail address", _ADDRESS)
SENDER = Form("`shop@example.com`, or `The Shop <shop@example.com>`", _is_sender)
ACCOUNTS = matching("`user:password`", r"[^:,]+:[^,]+(,[^:,]+:[^,]+)*")
NAME = Form(
    "a name of letters, digits and `@.+-_`, at most 150,",
    lambda text: re.fullmatch(r"[\w.@+-]{1,150}", text) is not None,
)
MEMORY = Form("a size from `8mb` to `65536gb`", _is_memory)
FOLDER = Form("a folder, or a path where one can be made", _is_folder)
POSTGRES_FOLDER = Form(
    "a folder with the program `postgres`", lambda text: bool(shutil.which("postgres", path=text))
)
PROGRAM = Form("a program that can be run", lambda text: bool(shutil.which(text)))
SOCKET = matching("a path from `/` on, or `@` and a name", r"[/@][^\0]{1,106}")
DOTTED_PATH = matching("`module.Class`", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
PAYMENT_SECRET = Form("`whsec_` and base64 of 24 to 64 bytes", lambda text: secret_bytes(text) > 0)
KEY = matching("a text of visible characters", r"[!-~]+")
TOKEN = Form(
    "a text of 16 or more letters, digits and `-._~+/`",
    lambda text: len(text) >= LEAST_TOKEN and BEARER_TOKEN.fullmatch(text) is not None,
)
API_KEY = matching("an API key, as `create_client` prints it", r"fso_[A-Za-z0-9_-]{1,200}")
SWITCH = matching("`true` or `false`", r"(?i:true|false)")
EXPORTERS = matching("`otlp`, `console` or `none`", r"otlp|console|none")
ANY_TEXT = Form("a text without control characters", lambda text: True)
