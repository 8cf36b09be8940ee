"""The form that people sign in with: a password, and the code of a second factor."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import user_login_failed
from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django_otp import devices_for_user, match_token
from unfold.widgets import UnfoldAdminTextInputWidget

from .backend import Busy

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
else:  # the theme has no types
    from unfold.forms import AuthenticationForm

MOST_CHARACTERS = 16  # of a code from an app, or of one for emergencies
MOST_OF_A_NAME = 150  # Django's bound for accounts
BUSY = "Too many people are signing in at this moment. Try again in a few seconds."
WRONG_CODE = "This account has a second factor, and this is not its code at the moment."


class SignInForm(AuthenticationForm):
    """Username, password, and the code of a second factor."""

    code = forms.CharField(
        label="Code, if the account has a second factor",
        required=False,
        max_length=MOST_CHARACTERS,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}
        ),
    )

    def clean_username(self) -> str:
        """Refuse a name that no account can have, before anything is looked up or kept of it."""
        username = str(self.cleaned_data["username"])
        if len(username) > MOST_OF_A_NAME:
            raise self.get_invalid_login_error()
        return username

    def clean(self) -> dict[str, Any]:
        """Check name and password as the base class does; too many at once are an error."""
        try:
            return dict(super().clean() or self.cleaned_data)
        except Busy as error:
            raise ValidationError(BUSY, code="busy") from error

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Refuse an account without its code, which counts as a failure like a wrong password."""
        assert isinstance(user, User)
        super().confirm_login_allowed(user)
        if not any(devices_for_user(user)):
            return
        if match_token(user, self.cleaned_data.get("code", "").strip()) is None:
            user_login_failed.send(
                sender=__name__,
                credentials={"username": user.get_username()},
                request=self.request,
            )
            raise ValidationError(WRONG_CODE, code="wrong_code")
