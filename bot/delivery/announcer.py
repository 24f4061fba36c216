"""Sends an announcement to every chat that takes them, after the alerts and at a gentle pace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from msgspec import structs
from telegram.error import ChatMigrated, Forbidden, RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import ALERT, seconds
from bot.errors import StorageError
from bot.messages.buttons import Keyboard
from bot.messages.chat.announcements import announcement as worded
from bot.messages.chat.announcements import finished
from bot.messages.i18n import ENGLISH, speaking
from bot.messages.message import Message
from bot.outages import IncidentLog
from bot.subscriptions.announcement import Announcement, hears_announcements, read, written
from bot.subscriptions.subscription import Chat
from bot.telegram import render
from bot.telegram.errors import NotConnected, Unanswered, is_gone, is_lost
from storage import Storage

log = structlog.get_logger(__name__)

UNDER_WAY, DRAFT, STOPPED = "announcement", "announcement draft", "announcement stopped"
PER_SECOND = 5.0

_AT_ONCE = 100  # chats that are read together
_LOOKS_APART = 1.0  # seconds
_SOON = timedelta(seconds=10)  # an alert that was refused a moment ago goes first, too
_LONGEST_WAIT = 45.0
_FAREWELL = 4.0  # seconds that what is being sent may still take when we have to end


class _Came(NamedTuple):
    """The outcome of one send, as what it adds to each of the announcement's counts."""

    told: int = 0
    refused: int = 0
    unsure: int = 0


class _Migrated(NamedTuple):
    """The outcome that the group is another chat now."""

    new_id: int


async def count_of_hearers(storage: Storage) -> int:
    """Count the chats that take announcements now."""
    place, count = "", 0
    while some := await storage.chats(place, _AT_ONCE):
        count += sum(hears_announcements(chat) for _, chat in some)
        place = some[-1][0]
    return count


class Announcer:
    """The sender of what the admins announced.

    A chat is noted as told before it is: a bot that is stopped in the middle goes on with the next
    one, so that nobody is told twice. With alerts it is the other way round, since none may be
    lost.
    """

    def __init__(
        self,
        storage: Storage,
        bot: ExtBot[Any],
        now: Callable[[], datetime],
        admins: Sequence[int],
        *,
        per_second: float = PER_SECOND,
    ) -> None:
        self._storage = storage
        self._bot = bot
        self._now = now
        self._admins = admins
        self._pause = 1 / per_second
        self._incident = IncidentLog(log, "an announcement cannot go on")
        self._sending = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._latest: Announcement | None = None

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Send what is announced meanwhile; what is being sent at the end is sent."""
        self._stopping.clear()
        task = asyncio.create_task(self._work(), name="announcer")
        try:
            yield
        finally:
            self._stopping.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL), self._sending:
                    pass
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _work(self) -> None:
        while True:
            try:
                await self.go_on()
                self._incident.recovered()
            except StorageError as error:
                log.debug("an announcement waits for the store", reason=str(error))
            except Exception as error:
                # Whatever it is, it must not end announcing for good.
                self._incident.failed(type(error).__name__, exc_info=True)
            await asyncio.sleep(_LOOKS_APART)

    async def go_on(self) -> None:
        """Tell the announcement under way, if there is one, to whoever has not been told."""
        announcement = self._counted(read(await self._storage.note(UNDER_WAY)))
        while announcement and not announcement.is_done:
            some = await self._storage.chats(announcement.place, _AT_ONCE)
            for place, chat in some:
                if not hears_announcements(chat) or chat.id in announcement.moved:
                    continue
                await self._alerts_first()
                if self._stopping.is_set():
                    return
                if await self._is_stopped(announcement):
                    some = []
                    break
                if not await self._still_hears(chat):
                    continue
                async with self._sending:
                    announcement = self._latest = await self._tell(announcement, place, chat)
                if self._stopping.is_set():
                    return
                await asyncio.sleep(self._pause)
            if some:
                announcement = structs.replace(announcement, place=some[-1][0])
            else:
                announcement = structs.replace(announcement, is_done=True)
            await self._keep(announcement)
            if announcement.is_done:
                await self._tell_admins(announcement)

    async def _tell(self, announcement: Announcement, place: str, chat: Chat) -> Announcement:
        begun = structs.replace(announcement, place=place)
        await self._keep(begun)
        with speaking(chat.language or ENGLISH):
            message, buttons = worded(announcement.text)
        came = await self._send(begun, chat.id, message, buttons)
        if isinstance(came, _Migrated):
            is_told_there = await self._has_own_turn(chat.id, came.new_id)
            with suppress(StorageError):  # the next alert moves it, too
                await self._storage.migrate_chat(chat.id, came.new_id)
            if is_told_there:
                return begun
            begun = structs.replace(begun, moved=(*begun.moved, came.new_id))
            with suppress(StorageError):
                await self._keep(begun)
            came = await self._send(begun, came.new_id, message, buttons)
        if came is None:
            await self._keep(announcement)
            return announcement
        if isinstance(came, _Migrated):
            came = _Came(refused=1)  # twice in a moment: no group does that
        return structs.replace(
            begun,
            told=begun.told + came.told,
            refused=begun.refused + came.refused,
            unsure=begun.unsure + came.unsure,
        )

    def _counted(self, found: Announcement | None) -> Announcement | None:
        """Return what the store kept with the last send counted, which it learns with the next."""
        latest = self._latest
        if found and latest and (found.key, found.place) == (latest.key, latest.place):
            return structs.replace(latest, is_done=found.is_done)
        return found

    async def _is_stopped(self, announcement: Announcement) -> bool:
        return await self._storage.note(STOPPED) == announcement.key

    async def _still_hears(self, seen: Chat) -> bool:
        """Return whether a chat takes announcements now, which may be hours after it was read.

        A group of which nothing is kept any more was forgotten, or has moved.
        """
        chat = await self._storage.chat(seen.id)
        if chat is not None:
            return hears_announcements(chat)
        if seen.kind == "private":
            return False
        try:
            await self._bot.get_chat(seen.id)
        except ChatMigrated as error:
            there = await self._storage.chat(error.new_chat_id)
            return there is not None and hears_announcements(there)
        except TelegramError:
            pass
        return False

    async def _has_own_turn(self, old_id: int, new_id: int) -> bool:
        """Return whether a group is kept by both of its ids: then it is told by the new one."""
        with suppress(StorageError):
            old, new = await self._storage.chat(old_id), await self._storage.chat(new_id)
            return old is not None and new is not None
        return False

    async def _send(
        self, announcement: Announcement, chat_id: int, message: Message, buttons: Keyboard
    ) -> _Came | _Migrated | None:
        """Send it to one chat; what surely has not arrived is sent again, nothing else.

        None if it has not been sent when we have to end, or the announcement is stopped.
        """
        wait = 1.0
        while True:
            try:
                await self._bot.send_message(
                    chat_id,
                    message.text,
                    entities=render.entities(message),
                    reply_markup=render.keyboard(buttons),
                    disable_notification=True,
                    link_preview_options=render.NO_PREVIEW,
                    rate_limit_args=ALERT,
                )
            except RetryAfter as error:
                if await self._is_ended_within(seconds(error), announcement):
                    return None
            except ChatMigrated as error:
                return _Migrated(error.new_chat_id)
            except TelegramError as error:
                # Telegram may have taken it though it did not say so; a status is a no.
                if isinstance(error, TimedOut | Unanswered) and not isinstance(error, NotConnected):
                    await asyncio.sleep(wait)  # whoever comes next is not to share that fate
                    return _Came(unsure=1)
                if not is_lost(error):
                    if isinstance(error, Forbidden) and is_gone(error.message):
                        with suppress(StorageError):  # it is found out again
                            await self._storage.rest_chat(chat_id, error.message, self._now())
                    return _Came(refused=1)
                if await self._is_ended_within(wait, announcement):
                    return None
            else:
                return _Came(told=1)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _is_ended_within(self, seconds: float, announcement: Announcement) -> bool:
        """Wait; return True as soon as we have to end, or this announcement has to."""
        while seconds > 0:
            some = min(seconds, _LOOKS_APART)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), some)
            if self._stopping.is_set():
                return True
            with suppress(StorageError):
                if await self._is_stopped(announcement):
                    return True
            seconds -= some
        return False

    async def _alerts_first(self) -> None:
        """Wait while there are alerts to send."""
        while not self._stopping.is_set():
            due, now = await self._storage.next_due(self._now()), self._now()
            if due is None or due > now + _SOON:
                return
            await asyncio.sleep(_LOOKS_APART)

    async def _keep(self, announcement: Announcement) -> None:
        await self._storage.save_note(UNDER_WAY, written(announcement))

    async def _tell_admins(self, announcement: Announcement) -> None:
        is_stopped = False
        with suppress(StorageError):
            is_stopped = await self._is_stopped(announcement)
        for admin in self._admins:
            kept = None
            with suppress(StorageError):  # in English, rather than not at all
                kept = await self._storage.chat(admin)
            with speaking((kept and kept.language) or ENGLISH):
                message = finished(
                    announcement.told,
                    announcement.refused,
                    announcement.unsure,
                    is_stopped=is_stopped,
                )
            with suppress(TelegramError):
                await self._bot.send_message(admin, message.text, entities=render.entities(message))
