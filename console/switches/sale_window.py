"""The switch for the sale window."""

from datetime import datetime
from typing import Any

from console.fields import MomentField
from inventory import services
from inventory.models import Sale
from inventory.services import rules
from shop.core import clock

from .base import Switch, moment


class Window(Switch):
    """Change when the sale opens and closes."""

    name, label, icon = "window", "Change the window", "schedule"
    permission = "inventory.extend_sale"

    opens_at = MomentField("Opens at (UTC)")
    closes_at = MomentField(
        "Closes at (UTC)", required=False, help_text="Empty: it closes by hand only."
    )

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, sale=sale, **kwargs)
        self.fields["opens_at"].initial = sale.opens_at
        self.fields["closes_at"].initial = sale.closes_at
        if sale.opens_at <= clock.now():  # it has passed
            del self.fields["opens_at"]

    @classmethod
    def fits(cls, sale: Sale, *, now: datetime) -> bool:
        return sale.closed_at is None

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors:
            self.show_refusal(
                lambda: rules.check_window(self.sale, now=clock.now(), **self._window())
            )
        return cleaned

    def change(self) -> str:
        window = self._window()
        before, after = (self.sale.opens_at, self.sale.closes_at), tuple(window.values())
        names = ("opens", "closes")
        return ", ".join(
            f"{name} {moment(old)} → {moment(new)}"
            for name, old, new in zip(names, before, after, strict=True)
            if old != new
        )

    def consequences(self) -> list[str]:
        window = self._window()
        lines = [f"New orders are accepted from {moment(window['opens_at'])} on."]
        if window["closes_at"]:
            lines.append(f"The last one at {moment(window['closes_at'])}, by the clock of Redis.")
        else:
            lines.append("The sale stays open until someone closes it.")
        return lines

    def apply(self, *, now: datetime) -> None:
        version = self.cleaned_data["version"]
        services.change_window(self.sale, version=version, now=now, **self._window())

    def _window(self) -> dict[str, Any]:
        names = ("opens_at", "closes_at")
        return {name: self._asked_for(name) for name in names}

    def _asked_for(self, name: str) -> datetime | None:
        """Return a time of the form. The input has whole seconds: unchanged, it is the sale's."""
        own: datetime | None = getattr(self.sale, name)
        asked: datetime | None = self.cleaned_data[name] if name in self.fields else own
        return own if own and asked == own.replace(microsecond=0) else asked
