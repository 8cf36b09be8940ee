"""Signing in to the admin: throttled before a password is checked, and with a second factor."""

import logging
from contextlib import ExitStack
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from console.sign_in import backend
from console.sign_in.second_factor import give_second_factor
from shop.core.admin.sign_ins import failures

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
LIMIT = 5  # of failures; each costs a page


@pytest.fixture(autouse=True)
def _fewer_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AXES_FAILURE_LIMIT", LIMIT)


@pytest.fixture(autouse=True)
def ada() -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def sign_in(
    username: str = "ada", password: str = PASSWORD, *, code: str = "", address: str = "10.0.0.1"
) -> Any:
    form = {"username": username, "password": password, "code": code}
    return Client().post("/admin/login/?next=/admin/", form, REMOTE_ADDR=address)


def fail(times: int, **as_whom: Any) -> None:
    for _ in range(times):
        assert sign_in(password="wrong", **as_whom).status_code in (200, 429)


def test_the_right_password_signs_in() -> None:
    assert sign_in().status_code == 302


@pytest.mark.parametrize(
    ("failing", "then"),
    [
        ({"username": "ada", "address": "10.0.0.1"}, {"address": "10.0.0.2"}),
        ({"username": "nobody", "address": "10.0.0.1"}, {"address": "10.0.0.1"}),
    ],
    ids=["the account", "the address"],
)
def test_too_many_failures_have_to_wait_and_cost_no_more_password_checks(
    failing: dict[str, str], then: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(LIMIT, **failing)
    checked: list[str] = []
    monkeypatch.setattr(
        backend.BoundedBackend, "authenticate", lambda *_, **__: checked.append("a password")
    )
    answer = sign_in(**then)
    assert (answer.status_code, answer["Retry-After"], checked) == (429, "300", [])
    assert b"Wait a moment" in answer.content


def test_others_are_not_kept_waiting() -> None:
    fail(LIMIT, username="nobody", address="10.0.0.9")
    assert sign_in().status_code == 302


def test_waiting_is_not_prolonged_by_trying_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(LIMIT + 3)
    monkeypatch.setattr(settings, "AXES_COOLOFF_TIME", settings.AXES_COOLOFF_TIME * 0)
    assert sign_in().status_code == 302


def test_a_success_starts_the_count_anew() -> None:
    fail(LIMIT - 1)
    assert sign_in().status_code == 302
    fail(LIMIT - 1)
    assert sign_in().status_code == 302


def test_failures_are_logged_and_counted_without_the_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = failures()
    with caplog.at_level(logging.WARNING, logger="console.sign_in.lockout"):
        fail(2, username="ada\u2028x")
    assert failures() == before + 2
    assert caplog.messages == ["sign-in failed: account 'ada\\u2028x', from 10.0.0.1"] * 2


@pytest.mark.parametrize("name", ["x" * 151, "x" * 100_000, "a\0b"])
def test_a_name_that_no_account_can_have_is_refused_and_not_kept(name: Any) -> None:
    assert sign_in(name).status_code == 200
    assert not AccessAttempt.objects.exists()


def test_more_than_two_passwords_at_once_are_told_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backend, "PATIENCE_SECONDS", 0.01)
    before = failures()
    with ExitStack() as others:
        for _ in range(backend.AT_ONCE):
            others.enter_context(backend._hashing)
        answer = sign_in()
    assert answer.status_code == 200
    assert b"Try again in a few seconds" in answer.content
    assert failures() == before
    assert sign_in().status_code == 302


def test_an_account_with_a_second_factor_needs_its_code(ada: User) -> None:
    _, spare = give_second_factor(ada)
    device = TOTPDevice.objects.get()
    before = failures()
    for code in ("", "000000", "x" * 16):
        answer = sign_in(code=code)
        assert (answer.status_code, b"second factor" in answer.content) == (200, True)
    assert failures() == before + 3
    for model in (TOTPDevice, StaticDevice):  # which wait longer after each failure
        model.objects.update(throttling_failure_count=0)
    now = totp(device.bin_key, step=device.step, t0=device.t0, digits=device.digits)
    assert sign_in(code=f"{now:06d}").status_code == 302
    assert sign_in(code=spare[0]).status_code == 302
    assert sign_in(code=spare[0]).status_code == 200, "a code for emergencies is good for once"


def test_a_wrong_password_does_not_tell_whether_there_is_a_second_factor(ada: User) -> None:
    give_second_factor(ada)
    assert b"This account has a second factor" not in sign_in(password="wrong").content


def test_a_second_factor_is_given_and_taken_on_the_command_line(ada: User) -> None:
    out = StringIO()
    call_command("add_second_factor", "ada", stdout=out)
    assert "otpauth://totp/" in out.getvalue()
    assert sign_in().status_code == 200
    call_command("remove_second_factor", "ada", stdout=out)
    assert sign_in().status_code == 302
    for command, name in (("remove_second_factor", "ada"), ("add_second_factor", "nobody")):
        with pytest.raises(CommandError):
            call_command(command, name, stdout=out)


def test_pages_of_the_admin_say_what_a_browser_may_load() -> None:
    policy = Client().get("/admin/login/")["Content-Security-Policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'"):
        assert part in policy


def test_the_page_asks_for_the_code_of_a_second_factor(client: Client) -> None:
    page = client.get("/admin/login/").content.decode()
    assert (
        'name="code"' in page
    )  # by our template, not by the theme's, which comes first among apps


def test_a_failed_sign_in_is_told_once(client: Client) -> None:
    answer = client.post("/admin/login/", {"username": "nobody", "password": "wrong"})
    page = answer.content.decode()
    assert "Please enter the correct" in page
    assert "Please correct the error" not in page
