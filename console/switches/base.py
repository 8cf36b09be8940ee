"""The base of all switches, and the texts that they share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms

from inventory.domain import SaleState
from inventory.errors import RuleRefused
from inventory.models import Sale
from inventory.selectors import state_of

SAME_KEY = (
    "Someone who was refused gets the same answer to the same request for two to four minutes; a "
    "new request (with a new Idempotency-Key) is decided anew at once."
)


class Switch(forms.Form):
    """One change of a running sale. `version` is that of the sale as the operator saw it."""

    name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    permission: ClassVar[str]
    dangerous: ClassVar[bool] = False
    do_not_call_in_templates: ClassVar[bool] = True  # templates list the classes, and call none

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sale = sale

    @classmethod
    def fits(cls, sale: Sale, *, now: datetime) -> bool:
        """Return whether the sale is in a state in which this can be done."""
        return state_of(sale, now) is not SaleState.CLOSED

    def change(self) -> str:
        """Return what changes, before → after; for the audit log. Of a valid form."""
        raise NotImplementedError

    def consequences(self) -> list[str]:
        """Return, in sentences, what this will do. Of a valid form."""
        raise NotImplementedError

    def apply(self, *, now: datetime) -> None:
        """Do it. Raises InventoryError."""
        raise NotImplementedError

    def show_refusal(self, check: Callable[[], None]) -> None:
        """Show the refusal of `check`, a rule of a service, before anything is done."""
        try:
            check()
        except RuleRefused as refused:
            raise forms.ValidationError(str(refused)) from refused


def moment(at: datetime | None) -> str:
    """Return a moment as operators read it, "never" for none."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "never"
