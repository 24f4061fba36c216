"""Outbox -> Telegram: claim, word, send, classify, settle. Nothing else sends an alert."""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bot.petitions.errors import StorageError
from bot.petitions.model import (
    ChatGone,
    ChatMoved,
    Delivery,
    Outcome,
    Refused,
    RetryAt,
    Sent,
)
from bot.petitions.retry import MoveChat, RestChat, Settle, TryAgain, next_step
from bot.text.alert import alert
from bot.text.rich import Message
from storage import ClaimedDelivery, Storage

# python-telegram-bot then gives `retry_after` as a timedelta, as its next major version will.
os.environ.setdefault("PTB_TIMEDELTA", "true")

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
_AT_ONCE = 8
_LONGEST_SLEEP = 30.0
_STORAGE_PAUSE = 1.0

# Telegram's own words for a chat that cannot hear us; any other 403 may pass.
_GONE = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot was kicked",
    "bot is not a member",
    "bot can't initiate conversation",
    "the group chat was deleted",
    "group chat was deactivated",
    "chat not found",
    "have no rights to send a message",
    "not enough rights to send",
    "chat_write_forbidden",
)
_TOPIC_GONE = ("message thread not found", "topic_closed", "topic_deleted")
_BAD_TEXT = ("can't parse entities", "entity", "entities", "message is too long", "text must be")


class Deliverer:
    """Sends what is owed, at most a few at once, one chat's alerts in their order."""

    def __init__(
        self,
        storage: Storage,
        bot: Bot,
        now: Callable[[], datetime],
        *,
        lease: timedelta = LEASE,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._storage = storage
        self._bot = bot
        self._now = now
        self._lease = lease
        self._jitter = jitter
        self._sending: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """There may be something to send now."""
        self._news.set()

    async def run(self) -> None:
        """Send until told to stop, then finish what is in flight."""
        while not self._stopping:
            self._news.clear()
            try:
                sleep = await self._start_sends()
            except StorageError:
                log.exception("deliveries could not be claimed")
                sleep = _STORAGE_PAUSE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), sleep)
        if self._sending:
            await asyncio.wait(self._sending)

    def stop(self) -> None:
        """Start nothing new; `run` returns when what is in flight has settled."""
        self._stopping = True
        self._news.set()

    async def _start_sends(self) -> float:
        """Put free hands to work; how long to sleep unless woken, in seconds."""
        free = _AT_ONCE - len(self._sending)
        if free:
            for claimed in await self._storage.claim_deliveries(self._now(), free, self._lease):
                task = asyncio.create_task(self._deliver(claimed))
                self._sending.add(task)
                task.add_done_callback(self._finished)
        if len(self._sending) >= _AT_ONCE:
            return _LONGEST_SLEEP
        due = await self._storage.next_due(self._now())
        wait = (due - self._now()).total_seconds() if due else _LONGEST_SLEEP
        return min(max(wait, 0.01), _LONGEST_SLEEP)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._news.set()

    async def _deliver(self, claimed: ClaimedDelivery) -> None:
        delivery = claimed.delivery
        try:
            outcome = await self._send(claimed)
            await self._settle(delivery, outcome)
        except StorageError:
            # The lease runs out and the delivery is tried again: repeated perhaps, lost never.
            log.exception("delivery could not be settled", alert=_name(delivery))
        except Exception:
            log.exception("delivery failed", alert=_name(delivery))
            await self._settle(delivery, RetryAt(self._now(), "a fault of our own"))

    async def _send(self, claimed: ClaimedDelivery) -> Outcome:
        delivery = claimed.delivery
        message, buttons = alert(
            claimed.known, claimed.occurrences, self._now(), muted=delivery.silent
        )
        outcome = await self._try(delivery, message, buttons, delivery.thread_id)
        if isinstance(outcome, Refused) and delivery.thread_id and _has(outcome, _TOPIC_GONE):
            log.warning("topic is gone, using the chat itself", alert=_name(delivery))
            outcome = await self._try(delivery, message, buttons, None)
        if isinstance(outcome, Refused) and _has(outcome, _BAD_TEXT):
            log.error("formatting refused, sent plain", alert=_name(delivery))
            outcome = await self._try(delivery, Message(message.text), buttons, None)
        return outcome

    async def _try(
        self,
        delivery: Delivery,
        message: Message,
        buttons: InlineKeyboardMarkup,
        thread_id: int | None,
    ) -> Outcome:
        try:
            sent = await self._bot.send_message(
                delivery.chat_id,
                message.text,
                entities=message.entities,
                reply_markup=buttons,
                message_thread_id=thread_id,
                disable_notification=delivery.silent,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except TelegramError as error:
            return classify(error, self._now())
        return Sent(sent.message_id)

    async def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        step = next_step(outcome, delivery.attempts, self._now(), self._jitter())
        match step:
            case Settle():
                if isinstance(outcome, Refused):
                    log.error("alert refused", alert=_name(delivery), reason=outcome.reason)
                await self._storage.settle(delivery.key)
            case TryAgain(at):
                reason = outcome.reason if isinstance(outcome, RetryAt) else ""
                log.warning("alert will be sent again", alert=_name(delivery), reason=reason)
                await self._storage.retry(delivery.key, at)
            case RestChat(reason):
                log.info("chat rests", reason=reason)
                await self._storage.retry(delivery.key, self._now())
                await self._storage.rest_chat(delivery.chat_id, reason, self._now())
            case MoveChat(new_id):
                await self._storage.retry(delivery.key, self._now())
                await self._storage.move_chat(delivery.chat_id, new_id)
            case _:
                assert_never(step)


def classify(error: TelegramError, now: datetime) -> Outcome:
    """What an error of Telegram's means for a delivery; what is unknown may pass.

    `BadRequest` is a `NetworkError` in python-telegram-bot, so the particular comes first.
    """
    reason = error.message
    match error:
        case RetryAfter(retry_after=timedelta() as wait):
            return RetryAt(now + wait, "flood limit")
        case ChatMigrated(new_chat_id=new_id):
            return ChatMoved(new_id)
        case Forbidden() | BadRequest() if _says(reason, _GONE):
            return ChatGone(reason)
        case BadRequest() if _says(reason, (*_TOPIC_GONE, *_BAD_TEXT)):
            return Refused(reason)
        case _:
            return RetryAt(now, f"{type(error).__name__}: {reason}")


def _says(reason: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in reason.lower() for phrase in phrases)


def _has(outcome: Refused, phrases: tuple[str, ...]) -> bool:
    return _says(outcome.reason, phrases)


def _name(delivery: Delivery) -> str:
    """What was to be told, without to whom: chat ids stay out of the log."""
    return delivery.occurrences[0]
