"""What whoever runs the bot is told, and the figures they may ask for."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.messages.format import number, span
from bot.messages.i18n import marked, tr
from bot.messages.message import Message, bold, compose, lines

_FEW = 5
_WELL = {
    "storage": marked("The storage can be written again."),
    "Telegram": marked("Telegram and I work together again."),
    "updates": marked("I hear updates from Telegram again."),
    "unreadable updates": marked("I can read every update again."),
    "sending": marked("Telegram takes what I send again."),
    "polling": marked("Rounds of looks end again."),
    "alerts": marked("Telegram takes alerts again."),
    "waiting alerts": marked("No alert waits for long any more."),
    "answers": marked("The petitions sites' answers make sense again."),
}
_FIGURES = {
    "chats": marked("Chats"),
    "subscriptions": marked("Subscriptions"),
    "petitions": marked("Petitions"),
    "sent": marked("Sent"),
    "summaries": marked("Summaries"),
    "retried": marked("Retried"),
    "flooded": marked("Flooded"),
    "rested": marked("Rested"),
    "moved": marked("Moved"),
    "refused": marked("Refused"),
    "barred": marked("Barred"),
    "mended": marked("Mended"),
    "topics_lost": marked("Topics lost"),
}


def needs_you(trouble: str) -> Message:
    """Something is wrong that may not pass by itself."""
    return compose(*lines(f"🔧 {trouble}", tr("I keep trying, and tell you once when it is over.")))


def is_over(name: str) -> Message:
    """What was wrong is so no more."""
    if name in _WELL:
        return compose(f"✅ {tr(_WELL[name])}")
    return compose(tr("✅ Site {site} answers again.", site=name.removeprefix("site ")))


def stats(
    kept: Mapping[str, int],
    waiting: int,
    oldest: datetime | None,
    alerts: Mapping[str, int],
    now: datetime,
) -> Message:
    """Counts over everything; small ones are hidden, so that no single person shows through."""
    return compose(
        *lines(
            bold(tr("What I keep")),
            *_figures(kept),
            _queue(waiting, oldest, now),
            "",
            bold(tr("Alerts since my last start")),
            *_figures(alerts),
        )
    )


def _queue(waiting: int, oldest: datetime | None, now: datetime) -> str:
    count = _hidden(waiting)
    if oldest is None or waiting < _FEW:
        return tr("Alerts waiting: {count}", count=count)
    age = span(now - oldest)
    return tr("Alerts waiting: {count}, the oldest for {span}", count=count, span=age)


def _figures(counts: Mapping[str, int]) -> Iterator[str]:
    for name, count in counts.items():
        told = tr(_FIGURES[name]) if name in _FIGURES else name.replace("_", " ").capitalize()
        yield f"{told}: {_hidden(count)}"


def _hidden(count: int) -> str:
    return number(count) if count >= _FEW or count == 0 else tr("fewer than {count}", count=_FEW)
