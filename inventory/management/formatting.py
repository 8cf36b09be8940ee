"""The state of a sale as commands write it: in its colour, with the time of its next change."""

from datetime import datetime, timedelta

from rich.text import Text

from inventory.domain import SaleState
from inventory.models import Sale
from inventory.selectors import state_of

STYLES = {
    SaleState.OPEN: "green",
    SaleState.SCHEDULED: "cyan",
    SaleState.PAUSED: "yellow",
    SaleState.CLOSED: "red",
}


def state_text(sale: Sale, at: datetime) -> Text:
    """Return a sale's state at a moment, and how long it lasts: "open, closes in 44:11"."""
    state = state_of(sale, at)
    text = Text(state.value, f"bold {STYLES[state]}")
    if state is SaleState.SCHEDULED:
        text.append(f", opens in {span(sale.opens_at - at)}", "not bold")
    elif state is not SaleState.CLOSED and sale.closes_at is not None:
        text.append(f", closes in {span(sale.closes_at - at)}", "not bold")
    return text


def span(time: timedelta) -> str:
    """Return a time to go in whole seconds: "59:59", "12:00:00", "3 d 04:05:06"."""
    minutes, seconds = divmod(max(0, int(time.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if not days and not hours:
        return f"{minutes:02}:{seconds:02}"
    return (f"{days} d " if days else "") + f"{hours:02}:{minutes:02}:{seconds:02}"
