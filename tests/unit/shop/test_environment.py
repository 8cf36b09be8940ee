"""The environment is read by one table: every value in it is checked before anything starts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shop.core.environment import Environment, Unusable, default_store, forms
from shop.core.environment.document import written
from shop.core.environment.table import VARIABLES
from shop.core.environment.variable import Kind, Variable

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = [each for each in VARIABLES if each.kind in (Kind.WHOLE, Kind.NUMBER)]
SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


def refused(**values: str) -> str:
    with pytest.raises(Unusable) as caught:
        Environment(values)
    return str(caught.value)


def test_nothing_set_is_usable() -> None:
    environment = Environment({})
    assert environment.whole("INTAKE_MAX_BATCH") == 128
    assert environment.number("REDIS_TIMEOUT_SECONDS") == 0.8
    assert environment.items("DJANGO_ALLOWED_HOSTS") == ["localhost", "127.0.0.1", "[::1]"]
    assert not environment.flag("TEST_PAYMENTS")
    assert not environment.given("WEBHOOK_ALLOW_PRIVATE")


def test_an_empty_variable_counts_as_unset() -> None:
    environment = Environment({"INTAKE_MAX_BATCH": "", "WEBHOOK_ALLOW_PRIVATE": ""})
    assert environment.whole("INTAKE_MAX_BATCH") == 128
    assert not environment.given("WEBHOOK_ALLOW_PRIVATE")


@pytest.mark.parametrize("variable", NUMBERS, ids=lambda variable: variable.name)
def test_every_number_has_bounds_and_they_are_held(variable: object) -> None:
    least, most, name = variable.least, variable.most, variable.name  # type: ignore[attr-defined]
    Environment({name: f"{least}"})
    Environment({name: f"{most}"})
    for beyond in (least - 1, most + 1):
        assert f"{name}={beyond}: " in refused(**{name: f"{beyond}"})


@pytest.mark.parametrize(
    "text", ["0", "1_0", "1e2", " 5", "５", "+5", "0x10", "5.0", "--5", "", "a"]
)
def test_a_batch_size_that_is_no_plain_number_is_named_with_its_range(text: str) -> None:
    if text:
        assert refused(INTAKE_MAX_BATCH=text) == (
            f"INTAKE_MAX_BATCH={text}: a whole number from 1 to 1,000 is expected."
        )


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e0", "0,8", "0.8s", "1" * 30])
def test_a_time_out_that_is_no_plain_number_is_refused(text: str) -> None:
    assert "REDIS_TIMEOUT_SECONDS" in refused(REDIS_TIMEOUT_SECONDS=text)


@pytest.mark.parametrize(
    "text", ["0", "65536", "8443,", ",", "8443;9443", "https", "8443,8.5", "-1"]
)
def test_a_list_of_ports_with_one_that_is_none_is_refused_with_the_range(text: str) -> None:
    assert refused(WEBHOOK_PORTS=text) == (
        f"WEBHOOK_PORTS={text}: a list of whole numbers, separated by commas, from 1 to 65,535 "
        "is expected."
    )


def test_ports_are_numbers_that_commas_part() -> None:
    assert Environment({"WEBHOOK_PORTS": "8443, 9443"}).wholes("WEBHOOK_PORTS") == [8443, 9443]
    assert Environment({}).wholes("WEBHOOK_PORTS") == []


@pytest.mark.parametrize("text", ["ture", "2", "enabled", "y e s"])
def test_a_flag_is_true_or_false(text: str) -> None:
    assert "true or false" in refused(TEST_PAYMENTS=text)


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(refused(INTAKE_MAX_BATCH="0", LOG_FORMAT="xml", PORT="0").splitlines()) == 3


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "unix:///run/redis.sock",
        "redis+socket:///run/redis.sock",
        "redis+cluster://a:1,b:2",
        "redis+sentinel://a:1/main",
        "sentinel://a:1",
        "amqp://a",
        "redis://",
        "redis://a:99999/0",
        "redis://a/zero",
        "redis://a/-1",
        "localhost:6379",
    ],
)
def test_a_store_that_cannot_be_spoken_to_is_named(name: str, url: str) -> None:
    assert refused(**{name: url}).startswith(f"{name}=")


@pytest.mark.parametrize(
    "url", ["sqlite:///x", "mysql://a/b", "postgresql://a", "postgresql://a:x/b"]
)
def test_a_ledger_that_is_not_postgresql_is_named(url: str) -> None:
    assert refused(DATABASE_URL=url).startswith("DATABASE_URL=")


@pytest.mark.parametrize("url", ["mail.example", "imap://a", "smtp://a:b@c:d"])
def test_a_mail_server_that_cannot_be_spoken_to_is_named(url: str) -> None:
    assert refused(EMAIL_URL=url).startswith("EMAIL_URL=")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("CELERY_BROKER_URL", "redis://stock:6379/0"),
        ("CELERY_BROKER_URL", "redis://user:pw@stock/0"),
        ("CACHE_URL", "redis://stock"),
        ("CACHE_URL", "redis://stock?db=0"),
        ("CACHE_URL", "redis://stock/1"),  # the broker's, which is unset
    ],
)
def test_two_roles_never_share_a_database(name: str, url: str) -> None:
    text = refused(REDIS_URL="redis://stock:6379/0", **{name: url})
    assert "needs a database of its own" in text
    assert "pw" not in text


def test_names_of_the_loopback_are_one_host() -> None:
    refused(REDIS_URL="redis://localhost/0", CACHE_URL="redis://127.0.0.1/0")


def test_roles_may_share_a_server() -> None:
    Environment({"REDIS_URL": "redis://a/5", "CACHE_URL": "redis://a/4"})


@pytest.mark.parametrize(
    ("stock", "broker"),
    [
        ("redis://a:1/0", "redis://a:1/1"),
        ("redis://u:p@a/3", "redis://u:p@a/4"),
        ("rediss://a", "rediss://a/1"),
    ],
)
def test_an_unset_broker_is_the_database_after_the_stock(stock: str, broker: str) -> None:
    assert default_store(stock, "CELERY_BROKER_URL") == broker


def test_weak_secrets_stop_a_start_that_the_network_reaches() -> None:
    values = {
        "DJANGO_SECRET_KEY": "short",
        "PAYMENT_WEBHOOK_SECRET": f"{SECRET}, whsec_c2hvcnQ=",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
    }
    Environment(values)  # on the loopback they harm nobody
    text = refused(WEB_ADDRESS="0.0.0.0", **values)
    assert "DJANGO_SECRET_KEY has 5 characters" in text
    assert "PAYMENT_WEBHOOK_SECRET number 2" in text
    assert "STRIPE_WEBHOOK_SECRET is not" in text
    assert "short" not in text.replace("DJANGO_SECRET_KEY", "")


def test_good_secrets_start_where_the_network_reaches() -> None:
    key = "".join(map(chr, range(40, 90)))
    secrets = {"PAYMENT_WEBHOOK_SECRET": SECRET, "STRIPE_WEBHOOK_SECRET": "whsec_" + "5m" * 16}
    Environment({"WEB_ADDRESS": "::", "DJANGO_SECRET_KEY": key, **secrets})


# For each text something that no such text is; more than one where they fail for different reasons.
NONSENSE = {
    "DATABASE_URL": ["nonsense", "postgresql://", "http://a/b"],
    "REDIS_URL": ["nonsense", "http://a"],
    "CELERY_BROKER_URL": ["nonsense"],
    "CACHE_URL": ["locmem://"],
    "WEB_ADDRESS": ["nonsense", "256.1.1.1", "127.0.0.1:8000", "[::1]", "0", "١.١.١.١"],
    "FLOWER_ADDRESS": ["nonsense"],
    "FLOWER_BASIC_AUTH": ["nonsense", ":", "a:", ":b", "a:b,c"],
    "FLOWER_URL": ["nonsense", "//a", "javascript:alert(1)", "http://", "http://a b"],
    "NOTIFY_SOCKET": ["nonsense"],
    "FORWARDED_ALLOW_IPS": ["x", "10.0.0.1/8", "127.0.0.1,x", "127.0.0.1 10.0.0.1", ","],
    "SHOP_STATE_DIR": ["/dev/null", "/dev/null/below", f"{__file__}/x"],
    "SHOP_POSTGRES_BIN": ["/nonsense", "/dev/null", "nonsense"],
    "SHOP_REDIS_SERVER": ["/nonsense", "nonsense", "/etc/passwd"],
    "SHOP_REDIS_MAXMEMORY": ["lots", "1", "0", "-1", "1tb", "1.5gb", "512 mb", "1e9", "٥gb"],
    "DJANGO_ALLOWED_HOSTS": ["http://a", "a b", "a:8000", "*.a", "[::1", "[127.0.0.1]", "ä"],
    "DJANGO_CSRF_TRUSTED_ORIGINS": ["nonsense", "https://", "https://a/path", "ftp://a"],
    "METRICS_TOKEN": ["nonsense"],
    "DJANGO_SUPERUSER_USERNAME": ["no sense", "a" * 151, "a:b"],
    "DJANGO_SUPERUSER_EMAIL": ["nonsense", "@", "a@", "a@b c"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["nonsense", "grpc://a", "http://a:b"],
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ["nonsense"],
    "OTEL_TRACES_EXPORTER": ["nonsense"],
    "OTEL_SDK_DISABLED": ["nonsense", "1"],
    "PAYMENT_WEBHOOK_SECRET": ["nonsense!", "whsec_", "whsec_ä", f"{SECRET}, nonsense!"],
    "STRIPE_WEBHOOK_SECRET": ["no sense", "ä"],
    "EMAIL_URL": ["nonsense", "smtp://", "smtp://:25"],
    "DEFAULT_FROM_EMAIL": ["nonsense", "a b@c", "Shop <nonsense>", "Shop <a@b>, c@d"],
    "DJANGO_ADMINS": ["nonsense", "a@b, nonsense", "Ada <ada@b>"],
    "SMS_SENDER": ["nonsense", "a.b-c", ".a.b", "a..b"],
    "DROP_PAGE_API_KEY": ["nonsense", "fso_", "fso_a b"],
}
SECRETS = {variable.name for variable in VARIABLES if variable.secret}
# By convention (no-color.org) any value of these counts.
ANY_VALUE = {"NO_COLOR", "FORCE_COLOR"}


def nonsense(variable: Variable) -> list[str]:
    free = [] if variable.name in ANY_VALUE else ["a\x1bb"]
    return [*NONSENSE.get(variable.name, ["nonsense"] if has_form(variable) else []), *free]


def has_form(variable: Variable) -> bool:
    """Whether more than control characters is refused; a password may be any other text."""
    return variable.form is not forms.ANY_TEXT or variable.expected != forms.ANY_TEXT.allowed


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_nonsense_for_a_variable_is_refused_by_its_name_and_with_what_is_allowed(
    variable: Variable,
) -> None:
    for text in nonsense(variable):
        (line,) = refused(**{variable.name: text}).splitlines()
        assert line.startswith((f"{variable.name}=", f"{variable.name} (its value is not shown)"))
        assert line.endswith(" is expected.")
        if variable.name in SECRETS:
            assert text not in line.partition(":")[0]
            assert "nonsense" not in line
        else:
            assert text in line or "\x1b" in text


def test_every_process_refuses_to_start_and_names_all_that_is_wrong() -> None:
    values = {each.name: nonsense(each)[0] for each in VARIABLES if nonsense(each)}
    starts = [
        ["docker/entrypoint", "web"],
        ["docker/entrypoint", "worker"],
        ["python", "-m", "celery", "-A", "shop", "beat"],
        ["python", "-m", "shop.local", "up"],
        ["python", "manage.py", "check"],
    ]
    for start in starts:
        ended = subprocess.run(
            start,
            cwd=ROOT,
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **values},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = ended.stderr.splitlines()
        assert ended.returncode == 1, ended.stderr
        assert [line.partition("=")[0].partition(" ")[0] for line in said[:-1]] == list(values)
        assert said[-1] == "See docs/configuration.md."


GOOD = {
    "WEB_ADDRESS": ["0.0.0.0", "::", "::1", "localhost", "192.168.1.9"],
    "FLOWER_BASIC_AUTH": ["ada:it's:€,bob:b", "ada:p:w"],
    "FLOWER_URL": ["https://flower.example/x", "/flower/", "http://[::1]:5555"],
    "FORWARDED_ALLOW_IPS": ["*", "10.0.0.0/8, ::1", "fd00::/8"],
    "SHOP_STATE_DIR": ["relative/folder", "~/shop", "/tmp/not/there/yet"],
    "SHOP_REDIS_MAXMEMORY": ["512mb", "2gb", "2GB", "8388608", "1g"],
    "DJANGO_ALLOWED_HOSTS": ["*", ".example.com,shop.example", "10.1.2.3,[fd00::1]"],
    "DJANGO_CSRF_TRUSTED_ORIGINS": ["https://*.shop.example,http://localhost:8000"],
    "OTEL_TRACES_EXPORTER": ["otlp, console"],
    "EMAIL_URL": ["smtp://mail", "smtp+tls://u%40a:p@mail:587", "consolemail://", "filemail:///a"],
    "DEFAULT_FROM_EMAIL": ["orders@localhost", "The Shop <shop@example.com>", "Ä <a@b.example>"],
    "DJANGO_ADMINS": ["a@b.example, c@d.example"],
    "DATABASE_URL": ["postgres://u:p%40@h:5/n?sslmode=require", "postgresql://%2Frun/n"],
    "REDIS_URL": ["rediss://u:p@h:6380/0", "redis://h?db=3"],
    "SMS_SENDER": ["orders.notifications.sms.FileSender"],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_of_the_right_form_is_taken(name: str) -> None:
    for text in GOOD[name]:
        Environment({name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("REDIS_URL", "redis+cluster://user:hunter2@a"),
        ("REDIS_URL", "user:hunter2@a:6379"),
        ("REDIS_URL", "redis://:hun/ter2@a"),
        ("REDIS_URL", "redis://a/x?password=hunter2"),
        ("REDIS_URL", "redis://a/x?password=hunter@2"),
        ("DATABASE_URL", "mysql://user:hunter2@a/b"),
        ("DATABASE_URL", "postgresql://user:hunter2@a:x/b"),
        ("EMAIL_URL", "imap://user:hunter2@a"),
        ("FLOWER_URL", "ftp://user:hunter2@a"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://user:hunter2@a"),
    ],
)
def test_a_password_in_an_unusable_url_is_not_shown(name: str, text: str) -> None:
    said = refused(**{name: text})
    assert not any(part in said for part in ("hunter", "hun/", "ter2", "@2"))


def test_the_tables_in_the_docs_are_those_of_the_code() -> None:
    document = (ROOT / "docs" / "configuration.md").read_text()
    assert written(document) == document
    assert set(re.findall(r"^\| `([A-Z0-9_]+)` ", document, re.MULTILINE)) >= {
        variable.name for variable in VARIABLES
    }


def test_the_settings_read_no_variable_that_the_table_lacks() -> None:
    names = {variable.name for variable in VARIABLES}
    parts = (ROOT / "shop" / "settings").glob("*.py")
    settings = "".join(part.read_text() for part in parts)
    read = set(
        re.findall(r'env\.(?:text|flag|wholes?|number|items|given)\("([A-Z0-9_]+)"', settings)
    )
    assert read <= names
    assert "env.str" not in settings
    assert 'environ["' not in settings


@pytest.mark.parametrize(
    "token", ["brief", "a" * 15, "with a blank in it", "ungewöhnlich-lang", "=" * 16]
)
def test_a_metrics_token_that_is_guessed_or_cannot_be_sent_is_refused(token: str) -> None:
    said = refused(METRICS_TOKEN=token)
    assert "METRICS_TOKEN (its value is not shown): a text of 16 or more" in said
    assert token not in said


def test_a_metrics_token_of_hexadecimal_or_base64_is_taken() -> None:
    for token in ("0123456789abcdef", "AAECAwQFBgcICQoLDA0ODw=="):
        assert Environment({"METRICS_TOKEN": token}).text("METRICS_TOKEN") == token
