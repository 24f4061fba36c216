"""The announcement under way -> every chat that takes one: after the alerts, at a gentle pace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from msgspec import structs
from telegram.error import ChatMigrated, Forbidden, RetryAfter, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import ALERT, seconds
from bot.errors import StorageError
from bot.incidents import IncidentLog
from bot.messages.buttons import Keyboard
from bot.messages.chat.announcements import announcement as worded
from bot.messages.chat.announcements import finished
from bot.messages.i18n import ENGLISH, speaking
from bot.messages.message import Message
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
_LONGEST_WAIT = 45.0
_FAREWELL = 4.0  # seconds that what is being sent may still take when we have to end


class _Came(NamedTuple):
    """What became of one send."""

    told: int = 0
    refused: int = 0
    unsure: int = 0


async def count_of_hearers(storage: Storage) -> int:
    """How many chats take announcements now."""
    place, count = "", 0
    while some := await storage.chats(place, _AT_ONCE):
        count += sum(hears_announcements(chat) for _, chat in some)
        place = some[-1][0]
    return count


class Announcer:
    """Sends what the admins announced.

    A chat is noted as told before it is: a bot that is stopped in the middle goes on behind it, so
    that nobody is told twice. Of an alert the opposite holds, since none may be lost.
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
        self._moved: set[int] = set()

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
        announcement = read(await self._storage.note(UNDER_WAY))
        while announcement and not announcement.is_done:
            some = await self._storage.chats(announcement.place, _AT_ONCE)
            for place, chat in some:
                if not hears_announcements(chat) or chat.id in self._moved:
                    continue
                await self._alerts_first()
                if self._stopping.is_set():
                    return
                if await self._storage.note(STOPPED) == announcement.key:
                    some = []
                    break
                async with self._sending:
                    announcement = await self._tell(announcement, place, chat)
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
        came = await self._send(chat.id, message, buttons)
        if came is None:
            await self._keep(announcement)
            return announcement
        return structs.replace(
            begun,
            told=begun.told + came.told,
            refused=begun.refused + came.refused,
            unsure=begun.unsure + came.unsure,
        )

    async def _send(self, chat_id: int, message: Message, buttons: Keyboard) -> _Came | None:
        """Send it to one chat; what surely has not arrived is sent again, nothing else.

        None if it has not been sent when we have to end.
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
                if await self._is_ended_within(seconds(error)):
                    return None
            except ChatMigrated as error:
                await self._storage.move_chat(chat_id, error.new_chat_id)
                chat_id = error.new_chat_id
                self._moved.add(chat_id)
            except TelegramError as error:
                if _may_have_arrived(error):
                    await asyncio.sleep(wait)  # whoever comes next is not to share that fate
                    return _Came(unsure=1)
                if not is_lost(error):
                    if isinstance(error, Forbidden) and is_gone(error.message):
                        await self._storage.rest_chat(chat_id, error.message, self._now())
                    return _Came(refused=1)
                if await self._is_ended_within(wait):
                    return None
            else:
                return _Came(told=1)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _is_ended_within(self, seconds: float) -> bool:
        """Wait; whether we have to end before the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _alerts_first(self) -> None:
        """Wait while there are alerts to send."""
        while not self._stopping.is_set():
            due, now = await self._storage.next_due(self._now()), self._now()
            if due is None or due > now:
                return
            await asyncio.sleep(_LOOKS_APART)

    async def _keep(self, announcement: Announcement) -> None:
        await self._storage.save_note(UNDER_WAY, written(announcement))

    async def _tell_admins(self, announcement: Announcement) -> None:
        for admin in self._admins:
            kept = await self._storage.chat(admin)
            with speaking((kept and kept.language) or ENGLISH):
                message = finished(announcement.told, announcement.refused, announcement.unsure)
            with suppress(TelegramError):
                await self._bot.send_message(admin, message.text, entities=render.entities(message))


def _may_have_arrived(error: TelegramError) -> bool:
    """Whether Telegram may have taken it though it did not say so; a status is a no."""
    return isinstance(error, TimedOut | Unanswered) and not isinstance(error, NotConnected)
