"""Words how the bot itself is doing, for whoever asks."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.messages.format import clock, span
from bot.messages.i18n import Said, many, marked, tr
from bot.messages.message import Message, bold, compose, lines
from bot.messages.reader import is_shared
from bot.petitions.parliaments import DESCRIPTIONS, description_of
from bot.petitions.site_health import SiteHealth, StatusReport

_REASONS = (
    marked("timed out"),
    marked("the answer was cut off"),
    marked("its name is not found (DNS)"),
    marked("no secure connection (TLS)"),
    marked("the connection was refused"),
    marked("the proxy does not let it through"),
    marked("could not connect"),
    marked("the connection was lost"),
    marked("answered in something other than HTTP"),
    marked("answered in HTML"),
    marked("answered in something other than JSON"),
    marked("answered about another petition"),
    marked("an address that cannot be asked"),
    marked("a link that leads nowhere"),
    marked("redirected elsewhere"),
    marked("says that nothing changed, which nobody asked"),
    marked("being archived"),
    marked("too large"),
)


class Reason(Said):
    """A reason why a site failed, in the log's words."""

    def now(self) -> str:
        """Return the same in the language that is spoken now."""
        return reason_in_words(str(self))


def reason_in_words(reason: str) -> str:
    """Return a failure's reason, which the log has in English, in the reader's language."""
    if reason in _REASONS:
        return tr(reason)
    kind, _, rest = reason.rpartition(" ")
    match kind:
        case "status":
            return tr("status {code}", code=rest)
        case "malformed at":
            return tr("malformed at {field}", field=rest)
    if found := re.fullmatch(r"its certificate is not valid: (.*) \(TLS\)", reason):
        return tr("its certificate is not valid: {fault} (TLS)", fault=found[1])
    return reason


def status(
    report: StatusReport, following: int, waiting: int, now: datetime, *, version: str = ""
) -> Message:
    """Word when the sites last answered, how old the oldest reading is, and what waits.

    The bot's `version` is told too, unless it is "".
    """
    rows = [row for health in report.sites for row in _site(health, now)]
    return compose(
        *lines(
            bold(tr("Status")),
            "",
            *(rows or [_unheard(report.at, now)]),
            _queue(waiting),
            _following(following),
            *(["", tr("Petition Bell {version}", version=version)] if version else []),
        )
    )


def _following(count: int) -> str:
    if is_shared():
        return many(
            "This chat follows {count} petition.", "This chat follows {count} petitions.", count
        )
    return many("You're following {count} petition.", "You're following {count} petitions.", count)


def _unheard(since: datetime | None, now: datetime) -> str:
    if since is None:
        return tr("I can't tell yet when petitions were last checked.")
    return tr(
        "I can't tell when petitions were last checked. Last report: {clock}.",
        clock=clock(since, now),
    )


def _queue(waiting: int) -> str:
    if not waiting:
        return tr("No alerts waiting to be sent.")
    return many(
        "{count} alert waiting to be sent.",
        "{count} alerts waiting to be sent.",
        waiting,
    )


def _site(health: SiteHealth, now: datetime) -> list[str]:
    requests = many(
        "{count} check in the last hour.",
        "{count} checks in the last hour.",
        health.requests_last_hour,
    )
    return [_answers(health, now), *_unlike(health), *_ages(health, now), requests]


def _unlike(health: SiteHealth) -> Iterator[str]:
    """Yield that a site is set up as what it is not, so that half of its news may be missed."""
    other = DESCRIPTIONS.get(health.works_like)
    if other is not None:
        yield tr(
            "It answers like {other} and is set up like {own}, so I may miss news there.",
            other=tr(other.name),
            own=tr(description_of(health.site).name),
        )


def _answers(health: SiteHealth, now: datetime) -> str:
    name = health.site.name
    if health.failing_since:
        since = clock(health.failing_since, now)
        if health.reason:
            return tr(
                "{site}: not answering since {clock} ({reason}). I'll keep trying.",
                site=name,
                clock=since,
                reason=reason_in_words(health.reason),
            )
        return tr("{site}: not answering since {clock}. I'll keep trying.", site=name, clock=since)
    if health.last_answer:
        ago = span(max(now - health.last_answer, timedelta(0)))
        return tr("{site}: answered {span} ago.", site=name, span=ago)
    return tr("{site}: not checked yet.", site=name)


def _ages(health: SiteHealth, now: datetime) -> Iterator[str]:
    if health.quiet_for:
        yield tr("I've paused checks. Next one in {span}.", span=span(health.quiet_for))
    if health.oldest_look:
        age = span(max(now - health.oldest_look, timedelta(0)))
        yield tr("Oldest check of a followed petition: {span} ago.", span=age)
    if health.oldest_look and health.bound:
        hour, minute = timedelta(hours=1), timedelta(minutes=1)
        unit = hour if health.bound > hour else minute
        bound = -(-health.bound // unit) * unit
        if bound == minute:
            yield tr("While the site answers, each is checked at least every minute.")
        elif bound == hour:
            yield tr("While the site answers, each is checked at least every hour.")
        else:
            yield tr(
                "While the site answers, each is checked at least every {span}.", span=span(bound)
            )
    if health.lag is not None:
        yield tr("The site's newest figures were {span} old.", span=span(health.lag))
