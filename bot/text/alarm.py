"""What whoever runs the bot is told, and the figures they may ask for."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.text.figures import number, span
from bot.text.rich import Message, bold, compose, lines

_FEW = 5
_WELL = {
    "storage": "The storage can be written again.",
    "Telegram": "Telegram and I work together again.",
    "polling": "Rounds of looks end again.",
    "alerts": "Telegram takes alerts again.",
    "answers": "The petitions sites' answers make sense again.",
}


def needs_you(trouble: str) -> Message:
    """Something is wrong that may not pass by itself."""
    return compose(*lines(f"🔧 {trouble}", "I keep trying, and tell you once when it is over."))


def is_over(name: str) -> Message:
    """What was wrong is so no more."""
    site = name.removeprefix("site ")
    return compose(f"✅ {_WELL.get(name) or f'Site {site} answers again.'}")


def stats(
    kept: Mapping[str, int],
    waiting: int,
    oldest: datetime | None,
    alerts: Mapping[str, int],
    now: datetime,
) -> Message:
    """Counts over everything; small ones are hidden, so that no single person shows through."""
    since = f", the oldest for {span(now - oldest)}" if oldest and waiting >= _FEW else ""
    return compose(
        *lines(
            bold("What I keep"),
            *_figures(kept),
            f"Alerts waiting: {_hidden(waiting)}{since}",
            "",
            bold("Alerts since my last start"),
            *_figures(alerts),
        )
    )


def _figures(counts: Mapping[str, int]) -> Iterator[str]:
    for name, count in counts.items():
        yield f"{name.replace('_', ' ').capitalize()}: {_hidden(count)}"


def _hidden(count: int) -> str:
    return number(count) if count >= _FEW or count == 0 else f"fewer than {_FEW}"
