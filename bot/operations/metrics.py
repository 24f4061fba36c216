"""Gives Prometheus its figures: counts fed by watched objects, gauges read when asked for.

No label holds a chat, a petition or a text.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from telegram import Bot
from telegram.error import TelegramError

from bot import __version__
from bot.delivery.deliverer import DeliveryCounts
from bot.errors import MalformedPetition, ParliamentUnavailable, StorageError
from bot.messages.i18n import Said
from bot.operations.observed import observed
from bot.outages import IncidentLog
from bot.petitions.events import Occurrence
from bot.polling.petitions_api import PetitionsApi, Unreadable
from bot.polling.poller import Poller
from bot.telegram.dispatcher import UpdateKind
from bot.telegram.request import AiohttpRequest
from storage import Storage, Tally

log = structlog.get_logger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OUTCOMES = {"sent", "retried", "rested", "moved", "refused"}
_FLOOD_LIMIT = 429
_TYPING = "sendChatAction"  # is no message, and is taken while none is
_OF_ONE_CHAT = {"400", "403"}
_MUTE_TOO_LONG = 60.0
# What could not be sent is tried again at least so often; without a try, nobody knows.
_SENDS_APART = 75.0


class Sending:
    """The record of whether Telegram takes what we send, by what it has taken.

    A refusal of one message or one chat (400, 403) says nothing of the rest, nor does the wish for
    a slower pace (429) while anything is taken.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failing_since: float | None = None
        self._last_failure = float("-inf")
        self._cause = ""
        self._incident = IncidentLog(log, "Telegram takes no messages", monotonic)

    def came(self, method: str, outcome: str) -> None:
        """Note a message's outcome: the status Telegram answered, or the error on the way there."""
        if outcome == "200":
            self._failing_since, self._cause = None, ""
            self._incident.recovered()
        elif outcome not in _OF_ONE_CHAT:
            self._last_failure = self._monotonic()
            self._failing_since = self._failing_since or self._last_failure
            self._cause = f"{method}: {outcome}"
            if outcome != str(_FLOOD_LIMIT):  # which is a chat's, or the rate limiter's to tell of
                self._incident.failed(self._cause)

    def problem(self) -> str:
        """Word that nothing was taken for over a minute though we keep trying, and why; else ""."""
        now = self._monotonic()
        if self._failing_since is None or now - self._last_failure > _SENDS_APART:
            return ""
        silence = now - self._failing_since
        if silence <= _MUTE_TOO_LONG:
            return ""
        return Said(
            "Telegram has accepted no message for {seconds} seconds ({cause}).",
            seconds=f"{silence:.0f}",
            cause=self._cause,
        )


class Metrics:
    """Every figure of one running bot, in a registry of its own."""

    def __init__(
        self, mode: str = "polling", *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Make all figures; `mode` is the way updates come in."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._monotonic = monotonic
        self.last_round = monotonic()
        self.last_tick = monotonic()
        self.sending = Sending(monotonic)
        self.refused_for: Callable[[], float] = lambda: 0.0
        self.answers = 0
        self.unreadable = 0
        about = self._gauge(
            "info", "Which version runs, and how updates come in.", "version", "mode"
        )
        about.labels(__version__, mode).set(1)
        self._problem = self._gauge(
            "trouble", "Whether something is wrong (1), and with what.", "part", "severity"
        )
        self._rounds = self._counter("polls", "Rounds of checks, by outcome.", "outcome")
        self._looks = self._counter(
            "site_requests", "What petitions sites were asked.", "site", "kind", "outcome"
        )
        self._events = self._counter("events", "Events found, by kind.", "kind")
        self._telegram = self._counter(
            "telegram_requests", "Calls of the Bot API.", "method", "outcome"
        )
        self._floods = self._counter("telegram_flood_limits", "Answers of 429 by Telegram.")
        self._updates = self._counter("webhook_requests", "Posts to the webhook.", "outcome")
        self._received = self._counter(
            "updates", "Updates received, by what became of them.", "outcome"
        )
        self._accepted = self._gauge(
            "last_accepted_timestamp_seconds", "When Telegram last took a message."
        )
        self._failures = self._counter("storage_failures", "Use cases that failed.", "use_case")
        self._storage = self._histogram("storage_seconds", "Time a use case took.", "use_case")
        self._lag = self._histogram("loop_lag_seconds", "How late the event loop wakes up.")
        self._queue = self._gauge("queue_depth", "Alerts that wait to be sent.")
        self._oldest = self._gauge("queue_oldest_seconds", "Age of the oldest alert that waits.")
        self._due = self._gauge("queue_due_oldest_seconds", "Age of the oldest alert due at once.")
        self._chats = self._gauge("chats", "Chats that are kept.")
        self._refusing = self._gauge("chats_refusing", "Chats that do not let the bot write.")
        self._subscriptions = self._gauge("subscriptions", "Subscriptions that are kept.")
        self._size = self._gauge("store_bytes", "Size of the store, where it is a file.")
        self._last = self._gauge("last_poll_timestamp_seconds", "When a round last ended.")
        ProcessCollector(namespace="petition_bell", registry=self.registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"petition_bell_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, *labels: str) -> Gauge:
        return Gauge(f"petition_bell_{name}", says, labels, registry=self.registry)

    def _histogram(self, name: str, says: str, *labels: str) -> Histogram:
        return Histogram(
            f"petition_bell_{name}", says, labels, registry=self.registry, buckets=_SECONDS
        )

    # --- who feeds them

    def watched_storage(self, storage: Storage) -> Storage:
        """Return the same storage, with every use case timed and its failures counted."""
        return observed(storage, self._note_storage)

    def watched_site(self, parliament: PetitionsApi) -> PetitionsApi:
        """Return the same client, with what it is asked and what comes back counted."""
        site = parliament.site.id

        def note(kind: str, _: tuple[Any, ...], __: float, result: object) -> None:
            outcome = _outcome(result)
            self._looks.labels(site, kind, outcome).inc()
            if outcome != "unavailable":
                self.answers += 1
                self.unreadable += outcome == "unreadable"

        return observed(parliament, note)

    def watched_poller(self, poller: Poller) -> Poller:
        """Return the same poller, with its rounds counted."""
        return observed(poller, self._note_round)

    def watch_deliveries(self, counts: DeliveryCounts) -> None:
        """Show what became of deliveries whenever somebody asks."""
        self.registry.register(_Deliveries(counts))

    def watch_rate_limiter(self, refused_for: Callable[[], float]) -> None:
        """Take what says for how many seconds Telegram has refused everything."""
        self.refused_for = refused_for

    def watch_updates(
        self, waiting: Callable[[], int], dropped: Callable[[], Mapping[UpdateKind, int]]
    ) -> None:
        """Show how many updates wait, and how many were let go of, whenever somebody asks."""
        self._gauge("updates_waiting", "Updates that wait for their turn.").set_function(waiting)
        self.registry.register(_Dropped(dropped))

    def request(self, **how: Any) -> "CountedRequest":
        """Return a way to Telegram, with its calls counted; takes what AiohttpRequest takes."""
        return CountedRequest(self._note_call, **how)

    def _note_storage(self, name: str, asked: tuple[Any, ...], took: float, came: object) -> None:
        self._storage.labels(name).observe(took)
        if isinstance(came, StorageError):
            self._failures.labels(name).inc()
        elif name == "commit_poll" and not isinstance(came, BaseException):
            for occurrence in cast(Iterable[Occurrence], asked[1]):
                self._events.labels(occurrence.event.__struct_config__.tag).inc()

    def _note_round(self, name: str, _: tuple[Any, ...], __: float, result: object) -> None:
        if name != "tick":
            return
        self.last_tick = self._monotonic()
        failed = isinstance(result, BaseException)
        self._rounds.labels("failed" if failed else "done").inc()
        if not failed:
            self.last_round = self._monotonic()
            self._last.set_to_current_time()

    def _note_call(self, method: str, outcome: str) -> None:
        self._telegram.labels(method, outcome).inc()
        if method.startswith(("send", "edit")) and method != _TYPING:
            self.sending.came(method, outcome)
            if outcome == "200":
                self._accepted.set_to_current_time()
        if outcome == str(_FLOOD_LIMIT):
            self._floods.inc()

    def note_update(self, outcome: str) -> None:
        """Count a post to the webhook."""
        self._updates.labels(outcome).inc()

    def note_received(self, outcome: str) -> None:
        """Count an update, whichever way it came."""
        self._received.labels(outcome).inc()

    def note_problems(self, parts: Mapping[str, tuple[bool, bool]]) -> None:
        """Show of each part whether something is wrong with it, and whether that would be grave."""
        self._problem.clear()
        for part, (is_wrong, is_grave) in parts.items():
            self._problem.labels(part, "critical" if is_grave else "warning").set(is_wrong)

    def note_lag(self, seconds: float) -> None:
        """Take note of how late the event loop was."""
        self._lag.observe(seconds)

    def page(self, tally: Tally | None, store_bytes: int | None, now: datetime) -> bytes:
        """Return all figures as Prometheus reads them; those the store cannot tell are kept."""
        if tally is not None:
            self._queue.set(tally.waiting)
            self._oldest.set(_age(tally.oldest_waiting, now))
            self._due.set(_age(tally.oldest_due, now))
            self._chats.set(tally.chats)
            self._refusing.set(tally.refusing)
            self._subscriptions.set(tally.subscriptions)
        if store_bytes is not None:
            self._size.set(store_bytes)
        return generate_latest(self.registry)


def _outcome(result: object) -> str:
    """Name in one word what became of a question to a site."""
    match result:
        case Unreadable() | MalformedPetition():
            return "unreadable"
        case ParliamentUnavailable():
            return "unavailable"
        case BaseException():
            return "refused"
        case None | list() | tuple():
            return "found"
    name = type(result).__name__
    return {"NotModified": "not_modified", "NotFound": "not_found"}.get(name) or (
        name.lower() if name in {"Gone", "Unpublished", "Unavailable"} else "found"
    )


def _age(since: datetime | None, now: datetime) -> float:
    """Return the seconds since then; 0 for None, and for what a clock set back makes newer."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0


class _Dropped:
    """Reads how many updates were let go of, at the moment somebody asks."""

    def __init__(self, dropped: Callable[[], Mapping[UpdateKind, int]]) -> None:
        self._dropped = dropped

    def collect(self) -> Iterator[CounterMetricFamily]:
        counts = CounterMetricFamily(
            "petition_bell_updates_dropped", "Updates let go of, by kind.", labels=["kind"]
        )
        for kind, amount in self._dropped().items():
            counts.add_metric([str(kind)], amount)
        yield counts


class _Deliveries:
    """Reads the deliverer's counts at the moment somebody asks."""

    def __init__(self, counts: DeliveryCounts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        outcomes = CounterMetricFamily(
            "petition_bell_deliveries", "Alerts by what became of them.", labels=["outcome"]
        )
        incidents = CounterMetricFamily(
            "petition_bell_delivery_incidents", "What happened on the way.", labels=["kind"]
        )
        for name, amount in asdict(self._counts).items():
            (outcomes if name in _OUTCOMES else incidents).add_metric([name], amount)
        yield outcomes
        yield incidents


# What the Bot API can be asked, as its addresses spell it. File names must not become labels.
_METHODS = frozenset(name.replace("_", "").lower() for name in dir(Bot) if name[0] != "_")


def _method(url: str) -> str:
    """Return the method that an address calls: `file` if it fetches one, `other` if unheard of."""
    *_, folder, method = urlsplit(url).path.split("/")
    if method.lower() in _METHODS:
        return method
    return "file" if folder in {"documents", "photos"} or "/file/bot" in url else "other"


class CountedRequest(AiohttpRequest):
    """Talks to a Bot API server, and notes each call's outcome: a status, or the error's name."""

    def __init__(self, note: Callable[[str, str], None], **how: Any) -> None:
        super().__init__(**how)
        self._note = note

    async def do_request(self, url: str, *args: Any, **how: Any) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        method = _method(url)
        try:
            status, body = await super().do_request(url, *args, **how)
        except TelegramError as error:
            self._note(method, type(error).__name__)
            raise
        self._note(method, str(status))
        return status, body
