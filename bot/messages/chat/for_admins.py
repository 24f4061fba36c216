"""Words the alerts to whoever runs the bot, and the figures they may ask for."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.messages.format import number, span
from bot.messages.i18n import Said, marked, tr
from bot.messages.message import Message, Rich, bold, compose, lines

_FEW = 5
_WELL = {
    "storage": marked("Storage can be written to again."),
    "Telegram": marked("The connection to Telegram is working again."),
    "updates": marked("Updates from Telegram are arriving again."),
    "unreadable updates": marked("All updates from Telegram can be read again."),
    "sending": marked("Telegram is accepting messages again."),
    "polling": marked("Checks of the petitions sites are running again."),
    "alerts": marked("Telegram is accepting alerts again."),
    "waiting alerts": marked("Alerts are being sent without long waits again."),
    "answers": marked("Answers from the petitions sites can be read again."),
}
_FIGURES = {
    "chats": marked("Chats"),
    "subscriptions": marked("Follows"),
    "petitions": marked("Petitions"),
    "sent": marked("Sent"),
    "summaries": marked("Summaries"),
    "deferred": marked("Held back after much news at once"),
    "retried": marked("Tried again"),
    "flooded": marked("Slowed down by Telegram"),
    "rested": marked("Chats paused (blocked or left)"),
    "moved": marked("Chats moved"),
    "refused": marked("Refused by Telegram"),
    "chat_refused": marked("Refused by the chat for now"),
    "mended": marked("Sent in plainer form"),
    "topics_lost": marked("Topics closed or deleted"),
}


def problem_began(problem: str) -> Message:
    """Word a problem that may not pass by itself."""
    said = problem.now() if isinstance(problem, Said) else problem
    return compose(*lines(f"🔧 {said}", tr("I'll keep trying and tell you when it's fixed.")))


def trial() -> Message:
    """Word the test message by which an admin sees whether the bot can write to them."""
    return compose(tr("✅ This is a test. I can write to you, and will when something needs you."))


def problem_over(name: str) -> Message:
    """Word that a problem is over, by the name of what it was about."""
    if name in _WELL:
        return compose(f"✅ {tr(_WELL[name])}")
    return compose(tr("✅ Site {site} is answering again.", site=name.removeprefix("site ")))


def stats(
    kept: Mapping[str, int],
    waiting: int,
    oldest: datetime | None,
    alerts: Mapping[str, int],
    now: datetime,
) -> Message:
    """Word counts over everything; small ones are hidden, so that no person shows through."""
    return compose(
        *lines(
            *_totals(kept, waiting, oldest, now),
            "",
            bold(tr("Alerts since the last restart")),
            *_figures(alerts),
        )
    )


def totals(
    kept: Mapping[str, int], waiting: int, oldest: datetime | None, now: datetime
) -> Message:
    """Word the part of `stats` that the store knows by itself."""
    return compose(*lines(*_totals(kept, waiting, oldest, now)))


def _totals(
    kept: Mapping[str, int], waiting: int, oldest: datetime | None, now: datetime
) -> Iterator[Rich]:
    yield bold(tr("Totals"))
    yield from _figures(kept)
    yield _queue(waiting, oldest, now)


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
