"""Sends what is owed: claims it, words it, sends it, classifies the answer, settles it.

Nothing else sends an alert.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, assert_never

import structlog
from telegram import Message as TelegramMessage
from telegram import ReplyParameters
from telegram.constants import ChatType
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.delivery.card_message import refresh_card
from bot.delivery.flood_guard import deferred_until
from bot.delivery.rate_limiter import ALERT, RateLimiter, seconds
from bot.delivery.refusal_notice import tell_admins
from bot.delivery.retry import (
    MigrateChat,
    ProbeChat,
    RestChat,
    Settle,
    TryAgain,
    next_step,
    probe_wait,
)
from bot.errors import StorageError
from bot.local_time import zone_of
from bot.messages.alert import Among, alert, bare_alert
from bot.messages.buttons import Keyboard
from bot.messages.digest import Missed, occasion_of, summary
from bot.messages.format import go_by
from bot.messages.i18n import ENGLISH, marked, speak, tr
from bot.messages.message import Message, compose, italic, joined, split, width
from bot.messages.reader import address
from bot.outages import IncidentLog
from bot.subscriptions.delivery import (
    FLOOD,
    ChatGone,
    ChatMoved,
    ChatRefuses,
    Delivery,
    Outcome,
    Refused,
    RetryAt,
    Sent,
)
from bot.subscriptions.delivery_order import is_pressing, is_refused, refused_queue
from bot.subscriptions.subscription import Subscription
from bot.telegram import render
from bot.telegram.errors import (
    is_about_message,
    is_bad_buttons,
    is_bad_text,
    is_gone,
    is_no_topic,
    is_too_long,
)
from storage import ClaimedDelivery, Storage

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
AT_ONCE = 100  # in flight at most, so at most so many are repeated after a crash
_AHEAD = 0.5  # seconds of sending that are claimed in advance
_BATCH = 5  # a commit for each single claim would be wasteful when there are many
_LONGEST_SLEEP = 30.0
_PAUSE = 1.0
_FAREWELL = 4.0  # seconds that what is in flight may still take when we have to end
_REST_PAUSE = timedelta(seconds=1)
_TRIES_IN_FULL = 3  # that failed by a fault of our own, before an alert is sent plainly
_OUR_FAULT = "a fault of our own"
_ADMINS_TOLD_AT = 2  # refusals in a row, so that what passes in a minute is nobody's worry
_TOPIC_NOTE = marked(
    "The topic for these alerts is closed or deleted, so I'll post here from now on."
)


@dataclass(slots=True)
class DeliveryCounts:
    """The numbers of messages since the start, by what became of them."""

    sent: int = 0
    summaries: int = 0
    deferred: int = 0
    retried: int = 0
    flooded: int = 0
    rested: int = 0
    moved: int = 0
    refused: int = 0
    chat_refused: int = 0
    mended: int = 0
    topics_lost: int = 0


class OutgoingMessage(NamedTuple):
    """A message as it is going to be sent, and how many of the claimed deliveries it tells."""

    chat_id: int
    message: Message
    buttons: Keyboard | None
    thread_id: int | None
    silent: bool
    told: int = 1
    card_id: int | None = None


class Deliverer:
    """The sender of all that is owed, as fast as it may leave, one chat's alerts in their order."""

    def __init__(
        self,
        storage: Storage,
        bot: ExtBot[Any],
        rate_limiter: RateLimiter,
        now: Callable[[], datetime],
        *,
        lease: timedelta = LEASE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._storage = storage
        self._bot = bot
        self._rate_limiter = rate_limiter
        self._now = now
        self._lease = lease
        self._jitter = jitter
        self._sending: set[asyncio.Task[None]] = set()
        self._in_hand: set[str] = set()  # the keys of what they send
        self._accepted: set[str] = set()  # by Telegram, but not settled yet
        self._unsettled: set[str] = set()  # those of them that the store did not take
        self._faults: Counter[str] = Counter()  # of our own, by the delivery that met with them
        self._news = asyncio.Event()
        self._stopping = False
        self._ends_at: float | None = None
        self._limits: set[asyncio.Timeout] = set()
        self._claiming = IncidentLog(log, "deliveries cannot be claimed")
        self._own_faults = IncidentLog(log, "an alert cannot be worded or sent")
        self._refusals = IncidentLog(log, "chats refuse messages")
        self._mendings = IncidentLog(log, "Telegram refuses part of a message")
        self.counts = DeliveryCounts()
        self.turned_at = time.monotonic()  # when it last looked for what is to be sent

    @property
    def in_flight(self) -> frozenset["asyncio.Task[None]"]:
        """The sends under way."""
        return frozenset(self._sending)

    def wake(self) -> None:
        """Look now for what is to be sent: there may be something."""
        self._news.set()

    async def run(self) -> None:
        """Send until told to stop, then finish what is in flight."""
        while not self._stopping:
            self._news.clear()
            self.turned_at = time.monotonic()
            try:
                sleep = await self._start_sends()
                self._claiming.recovered()
            except StorageError as error:
                log.debug("deliveries could not be claimed", reason=str(error))
                sleep = _PAUSE
            except Exception as error:
                # Whatever it is, alerts must not stop for good because of it.
                self._claiming.failed(type(error).__name__, exc_info=True)
                sleep = _PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), sleep)
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=2 * _FAREWELL)
            for task in late:  # the lease runs out, or ends at the next start
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(StorageError):
            await self._settle_late()

    def stop(self) -> None:
        """Start nothing new; `run` returns when what is in flight has settled.

        A Telegram that does not answer is not waited for as long as otherwise.
        """
        if self._stopping:
            return
        self._stopping = True
        self._ends_at = asyncio.get_running_loop().time() + _FAREWELL
        for limit in self._limits:
            limit.reschedule(self._ends_at)
        self._news.set()

    async def _start_sends(self) -> float:
        """Claim what can leave soon; return how many seconds to sleep unless woken.

        The rest stays in the store, in its order: a claim is a promise to send at once.
        """
        await self._settle_late()
        room = min(AT_ONCE - len(self._sending), self._rate_limiter.room(_AHEAD))
        if room < _BATCH and self._sending:
            return _LONGEST_SLEEP  # each one that has left wakes us
        if room == 0:
            return self._rate_limiter.paused_for
        claimed = await self._storage.claim_deliveries(self._now(), room, self._lease)
        # A wall clock that leaps ahead ends the leases of what is under way.
        free = [each for each in claimed if each.delivery.key not in self._in_hand]
        for claims in _by_chat(free):
            keys = frozenset(each.delivery.key for each in claims)
            self._in_hand |= keys
            task = asyncio.create_task(self._deliver_all(claims))
            self._sending.add(task)
            task.add_done_callback(partial(self._finished, keys))
        due = await self._storage.next_due(self._now())
        wait = (due - self._now()).total_seconds() if due else _LONGEST_SLEEP
        return min(max(wait, 0.01), _LONGEST_SLEEP)

    def _finished(self, keys: frozenset[str], task: asyncio.Task[None]) -> None:
        self._in_hand -= keys
        self._sending.discard(task)
        self._news.set()

    async def _deliver_all(self, claims: Sequence[ClaimedDelivery]) -> None:
        """Send what a chat is owed in its queues, one message after the other."""
        chat = claims[0].chat
        speak(chat.language if chat else ENGLISH)
        go_by(zone_of(chat.preferences.zone if chat else ""))
        address(is_shared=_among(claims[0], self._bot) is not None)
        messages = list(_in_messages(claims))
        while messages:
            if not await self._deliver(messages.pop(0)):
                await self._give_back(each.delivery for rest in messages for each in rest)
                return

    async def _deliver(self, claims: Sequence[ClaimedDelivery]) -> bool:
        """Send what a chat is owed and keep what became of it; a fault of ours is tried again.

        False if the chat would not take it, so that it need not be tried with anything else.
        """
        owed = [claim.delivery for claim in claims]
        try:
            if any(delivery.key in self._accepted for delivery in owed):
                # Telegram has taken some of these already: settle them, and give the others back.
                done = [delivery for delivery in owed if delivery.key in self._accepted]
                await self._settle(done, Sent(0))
                await self._give_back(each for each in owed if each not in done)
            elif not _is_probe(claims) and (until := self._held_until(claims, owed)):
                self.counts.deferred += 1
                await self._storage.defer(owed[0].key, FLOOD, until)
            else:
                return await self._tell(claims, owed)
        except StorageError as error:
            # The lease runs out and the delivery is claimed again: late perhaps, lost never.
            self._unsettled.update(self._accepted.intersection(each.key for each in owed))
            log.debug("delivery could not be settled", alert=_log_name(owed[0]), reason=str(error))
        except Exception as error:
            kind = type(error).__name__
            self._own_faults.failed(kind, alert=_log_name(owed[0]), exc_info=True)
            self._faults[owed[0].key] += 1
            with suppress(StorageError):
                await self._settle(owed, RetryAt(self._now(), _OUR_FAULT))
        return True

    async def _settle_late(self) -> None:
        """Settle what Telegram took while the store was away, before others may claim it again."""
        if late := tuple(self._unsettled):
            await self._storage.settle(*late, told_at=self._now())
            self._accepted.difference_update(late)
            self._unsettled.difference_update(late)

    def _held_until(
        self, claims: Sequence[ClaimedDelivery], owed: Sequence[Delivery]
    ) -> datetime | None:
        """Return until when an alert is held since too much was told; None if it may leave."""
        first = owed[0]
        is_alone = len(owed) == 1 and not first.queue and not first.attempts
        if not is_alone or is_pressing(claims[0].occurrences):
            return None
        return deferred_until(claims[0].told_lately, claims[0].flood_until, self._now())

    async def _tell(self, claims: Sequence[ClaimedDelivery], owed: Sequence[Delivery]) -> bool:
        followed = await self._followed(claims)
        card = followed if followed and followed.card_id else None
        # One alert that cannot be worded or sent must not hold up all else a chat is owed.
        is_doubtful = self._faults[owed[0].key] >= _TRIES_IN_FULL
        among = _among(claims[0], self._bot)
        outgoing = _worded(claims, followed, self._now(), among, plainly=is_doubtful)
        outcome, sent = await self._send(outgoing._replace(card_id=card.card_id if card else None))
        told = owed[: outgoing.told]
        if isinstance(outcome, Sent):
            for incident in (self._own_faults, self._refusals, self._mendings):
                incident.recovered()
            self._accepted.update(delivery.key for delivery in told)
            self.counts.sent += 1
            self.counts.summaries += len(told) > 1
        if isinstance(outcome, ChatRefuses):
            return await self._note_refusal(claims, outcome)
        if isinstance(outcome, Sent) and _is_probe(claims):
            await self._storage.end_refusals(outgoing.chat_id)
        await self._settle(told, outcome)
        await self._give_back(owed[outgoing.told :])
        if isinstance(outcome, Sent) and outgoing.thread_id and sent.thread_id is None:
            await self._storage.clear_thread(outgoing.chat_id, outgoing.thread_id)
        if isinstance(outcome, Sent) and card:
            await refresh_card(self._bot, self._storage, claims[0].known, card, self._now())
        return True

    async def _followed(self, claims: Sequence[ClaimedDelivery]) -> Subscription | None:
        """Return the chat's subscription that a single alert belongs to; None if there is none."""
        if len(claims) > 1:
            return None
        owed = claims[0].delivery
        return await self._storage.subscription(owed.chat_id, owed.petition)

    async def _send(self, outgoing: OutgoingMessage) -> tuple[Outcome, OutgoingMessage]:
        """Send it, mended for as long as Telegram says what is wrong with it.

        Returned are the outcome, and the message as it was last tried.
        """
        while True:
            outcome = await self._try(outgoing)
            if not isinstance(outcome, Refused):
                return outcome, outgoing
            mended = _mended(outgoing, outcome.reason)
            if mended is None:
                for_good = is_too_long(outcome.reason) or is_bad_text(outcome.reason)
                return outcome if for_good else ChatRefuses(outcome.reason), outgoing
            self._note_mending(outgoing, mended)
            outgoing = mended

    def _note_mending(self, outgoing: OutgoingMessage, mended: OutgoingMessage) -> None:
        if outgoing.thread_id != mended.thread_id:
            self.counts.topics_lost += 1
            log.warning("topic is gone, using the chat itself")
        else:
            self.counts.mended += 1
            self._mendings.failed("sent without it")

    async def _try(self, outgoing: OutgoingMessage) -> Outcome:
        try:
            async with asyncio.timeout_at(self._ends_at) as limit:
                self._limits.add(limit)
                try:
                    sent = await self._send_once(outgoing)
                finally:
                    self._limits.discard(limit)
        except TelegramError as error:
            self.counts.flooded += isinstance(error, RetryAfter)
            return classify(error, self._now())
        except TimeoutError:
            return RetryAt(self._now(), "no answer before the end")
        return Sent(sent.message_id)

    async def _send_once(self, outgoing: OutgoingMessage) -> TelegramMessage:
        return await self._bot.send_message(
            outgoing.chat_id,
            outgoing.message.text,
            entities=render.entities(outgoing.message),
            reply_markup=render.keyboard(outgoing.buttons),
            message_thread_id=outgoing.thread_id,
            disable_notification=outgoing.silent,
            link_preview_options=render.NO_PREVIEW,
            reply_parameters=_reply(outgoing),
            rate_limit_args=ALERT,
        )

    async def _settle(self, owed: Sequence[Delivery], outcome: Outcome) -> None:
        """Keep what became of deliveries to one chat."""
        first, now = owed[0], self._now()
        step = next_step(outcome, first.attempts, now, self._jitter())
        match step:
            case Settle():
                if isinstance(outcome, Refused):
                    self.counts.refused += 1
                    self._mendings.failed(outcome.reason, alert=_log_name(first))
                keys = [delivery.key for delivery in owed]
                told_at = now if isinstance(outcome, Sent) else None
                await self._storage.settle(*keys, told_at=told_at)
                self._accepted.difference_update(keys)
                for key in keys:
                    self._faults.pop(key, None)
            case TryAgain(at):
                self.counts.retried += 1
                reason = outcome.reason if isinstance(outcome, RetryAt) else ""
                # Why Telegram takes nothing, or the fault of ours, has its own line.
                log.debug("alert will be sent again", alert=_log_name(first), reason=reason)
                await self._try_again(owed, at)
            case RestChat(reason):
                self.counts.rested += 1
                log.info("chat paused", reason=reason)
                await self._storage.rest_chat(first.chat_id, reason, now)
                await self._try_again(owed, now + _REST_PAUSE)
            case ProbeChat():
                raise TypeError("a refusal is the chat's, and is kept with it")
            case MigrateChat(new_id):
                self.counts.moved += 1
                await self._storage.migrate_chat(first.chat_id, new_id)
            case _:
                assert_never(step)

    async def _note_refusal(self, claims: Sequence[ClaimedDelivery], outcome: ChatRefuses) -> bool:
        """Keep that a chat would not take this; return whether to try it with anything else now.

        What was refused before and still is, while the chat takes other news, is at fault itself:
        it is tried again alone. Otherwise it is the chat that refuses, and the next try is made
        with something else. What was claimed is let go of last: nobody is to claim it before the
        chat is known to refuse.
        """
        owed, chat = [claim.delivery for claim in claims], claims[0].chat
        now, known = self._now(), chat.refusals if chat else 0
        if is_refused(owed[0]) and not _is_probe(claims):
            self.counts.chat_refused += 1
            log.warning("chat refuses this alert alone", alert=_log_name(owed[0]))
            await self._try_again(owed, now + probe_wait(owed[0].attempts, self._jitter()))
            return True
        step = next_step(outcome, owed[0].attempts, now, self._jitter(), known)
        if not isinstance(step, ProbeChat):
            raise TypeError(f"a refusal led to {type(step).__name__}")
        self.counts.chat_refused += 1
        told = {"alert": _log_name(owed[0]), "times": step.refusals}
        self._refusals.failed(step.reason, **told)
        log.debug("chat refuses", reason=step.reason, **told)
        chat_id = owed[0].chat_id
        is_news = await self._storage.refuse_chat(chat_id, step.reason, step.refusals, now, step.at)
        for each in owed:
            await self._storage.retry(each.key, now, refused_queue(each))
        if is_news and step.refusals == _ADMINS_TOLD_AT and chat_id < 0:
            await tell_admins(self._bot, self._storage, chat_id)
        return False

    async def _try_again(self, owed: Iterable[Delivery], at: datetime) -> None:
        for delivery in owed:
            await self._storage.retry(delivery.key, at)

    async def _give_back(self, owed: Iterable[Delivery]) -> None:
        """Let go of what was claimed and not sent; that counts as no try of it."""
        for delivery in owed:
            await self._storage.defer(delivery.key, delivery.queue, self._now())


def _reply(outgoing: OutgoingMessage) -> ReplyParameters | None:
    """Have news reply to the petition's card, or stand alone if that was deleted."""
    if outgoing.card_id is None:
        return None
    return ReplyParameters(outgoing.card_id, allow_sending_without_reply=True)


def _is_probe(claims: Sequence[ClaimedDelivery]) -> bool:
    """Return whether these are sent to find out if a chat that refused takes messages again."""
    chat = claims[0].chat
    return chat is not None and chat.probe_at is not None


def _by_chat(claims: Iterable[ClaimedDelivery]) -> Iterator[list[ClaimedDelivery]]:
    """Yield the claims of each chat together, oldest first."""

    def chat_of(claim: ClaimedDelivery) -> int:
        return claim.delivery.chat_id

    def number_of(claim: ClaimedDelivery) -> int:
        return claim.delivery.number

    groups = [list(group) for _, group in groupby(sorted(claims, key=chat_of), chat_of)]
    for group in groups:
        group.sort(key=number_of)
    yield from sorted(groups, key=lambda group: number_of(group[0]))


def _in_messages(claims: Sequence[ClaimedDelivery]) -> Iterator[Sequence[ClaimedDelivery]]:
    """Group claims by the message that tells them: one for each queue, and each topic in it.

    All that a returned chat missed is in one message.
    """
    together: dict[tuple[str, int | None], list[ClaimedDelivery]] = {}
    for claim in claims:
        owed = claim.delivery
        topic = owed.thread_id if owed.queue else None
        together.setdefault((owed.queue, topic), []).append(claim)
    yield from together.values()


def _worded(
    claims: Sequence[ClaimedDelivery],
    followed: Subscription | None,
    now: datetime,
    among: Among | None,
    *,
    plainly: bool,
) -> OutgoingMessage:
    """Word the message for these claims; `plainly` leaves out what can be wrong with it."""
    try:
        outgoing = _in_full(claims, followed, now, among)
    except Exception:
        if not plainly:
            raise
        first = claims[0].delivery
        bare = bare_alert(claims[0].known)
        return OutgoingMessage(first.chat_id, bare, None, first.thread_id, first.silent)
    return _plain(outgoing) if plainly else outgoing


def _plain(outgoing: OutgoingMessage) -> OutgoingMessage:
    return outgoing._replace(message=Message(outgoing.message.text), buttons=None)


def _among(claim: ClaimedDelivery, bot: ExtBot[Any]) -> Among | None:
    """Return the group or channel that this is told in; None for a person's own chat."""
    if claim.chat is None or claim.chat.kind == ChatType.PRIVATE:
        return None
    return Among(bot.username, is_channel=claim.chat.kind == ChatType.CHANNEL)


def _in_full(
    claims: Sequence[ClaimedDelivery],
    followed: Subscription | None,
    now: datetime,
    among: Among | None,
) -> OutgoingMessage:
    """Word one alert as it is, and several as a summary."""
    first = claims[0].delivery
    if len(claims) == 1:
        message, buttons = _alert(claims[0], followed, now, among)
        return OutgoingMessage(first.chat_id, message, buttons, first.thread_id, first.silent)
    owed = [claim.delivery for claim in claims]
    missed = [Missed(claim.known, claim.occurrences) for claim in claims]
    whole = summary(missed, now, occasion_of(first.queue))
    threads = {delivery.thread_id for delivery in owed}
    return OutgoingMessage(
        first.chat_id,
        whole.message,
        None if among and among.is_channel else whole.buttons,
        first.thread_id if len(threads) == 1 else None,
        all(delivery.silent for delivery in owed),
        whole.told,
    )


def _alert(
    claim: ClaimedDelivery, followed: Subscription | None, now: datetime, among: Among | None
) -> tuple[Message, Keyboard]:
    return alert(
        claim.known,
        claim.occurrences,
        now,
        muted=followed is not None and followed.muted,
        rule=claim.rule,
        followed=followed is not None or not claim.delivery.rule,
        custom=followed.preferences.milestones if followed else None,
        among=among,
        queue=claim.delivery.queue,
    )


def _mended(outgoing: OutgoingMessage, reason: str) -> OutgoingMessage | None:
    """Return the message without what Telegram complains of; None if nothing can be taken away."""
    message = outgoing.message
    if outgoing.thread_id and is_no_topic(reason):
        noted = joined(message, compose("\n\n", italic(tr(_TOPIC_NOTE))))
        return outgoing._replace(message=noted, thread_id=None, card_id=None)
    if width(message.text) > 2 and is_too_long(reason):  # half of what is shorter is no less
        halves = split(message, width(message.text) // 2 + 1)
        return outgoing._replace(message=halves[0])
    if outgoing.buttons and is_bad_buttons(reason):
        return outgoing._replace(buttons=None)
    if message.spans and is_bad_text(reason):
        return outgoing._replace(message=Message(message.text))
    return None


def classify(error: TelegramError, now: datetime) -> Outcome:
    """Classify an error of Telegram's as the outcome of a delivery.

    What is unknown may pass. An unknown refusal is the chat's; any other failure (a refused token,
    a fault of the server's) has to do with no chat. `BadRequest` is a `NetworkError` in
    python-telegram-bot, so the particular comes first.
    """
    reason = error.message
    match error:
        case RetryAfter():
            return RetryAt(now + timedelta(seconds=seconds(error)), "flood limit")
        case ChatMigrated(new_chat_id=new_id):
            return ChatMoved(new_id)
        case Forbidden() | BadRequest() if is_gone(reason):
            return ChatGone(reason)
        case BadRequest() if is_about_message(reason):
            return Refused(reason)
        case Forbidden() | BadRequest():
            return ChatRefuses(reason)
        case _:
            return RetryAt(now, f"{type(error).__name__}: {reason}")


def _log_name(delivery: Delivery) -> str:
    """Name what was to be told, without to whom: chat ids stay out of the log."""
    return delivery.occurrences[0]
