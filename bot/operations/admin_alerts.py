"""Tells the admins when something needs them, once, and once more when it is over."""

import asyncio
import json
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from telegram import Bot
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.errors import StorageError
from bot.messages.chat.for_admins import problem_began, problem_over
from bot.messages.i18n import ENGLISH, speaking
from bot.messages.message import Message
from bot.operations.health import HealthCheck
from bot.telegram import render
from storage import Storage

log = structlog.get_logger(__name__)

_NOTE = "alarms"
_LANGUAGE_WITHIN = 2.0  # seconds that the store has to say which language an admin speaks

# The problems that each problem may come of: beside one of those it is no news. "site" is any site.
_CAUSES: Mapping[str, Sequence[str]] = {
    "updates": ["Telegram"],
    "sending": ["Telegram"],
    "waiting alerts": ["storage", "Telegram", "sending"],
    "answers": ["site"],
}


class AdminAlerts:
    """Keeps for every admin which problems they know of; what could not be sent is sent later.

    A problem counts as over when nothing has been seen of it for `calm`. One that came and went
    while an admin could not be reached is not told at all. What was told outlives a restart.

    `calm` goes by a steady clock: the instants given here are for that alone.

    Where several of these tell, each of what it knows best, `tells` says which problems are this
    one's, and `note` names the note in the store in which it keeps what it told.
    """

    def __init__(
        self,
        bot: Bot,
        storage: Storage,
        admins: Sequence[int],
        *,
        calm: timedelta,
        note: str = _NOTE,
        tells: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._bot = bot
        self._storage = storage
        self._admins = admins
        self._calm = calm
        self._note = note
        self._tells = tells
        self._told: dict[int, set[str]] = {admin: set() for admin in admins}
        self._last_seen: dict[str, datetime] = {}
        self._saved: str | None = None

    def resume(self) -> None:
        """Take up telling again: what was calm before another process told says nothing of now."""
        self._last_seen.clear()

    async def hand_over(self, now: datetime) -> None:
        """Save what was told while the store failed, so that the process that tells now ends it."""
        await self._remember(now)
        await self._save()

    async def tell(self, checks: Sequence[HealthCheck], now: datetime) -> None:
        """Tell every admin what is news to them in these findings."""
        await self._remember(now)
        self._last_seen |= {check.name: now for check in checks if check.problem}
        for check in checks:
            if self._tells(check.name):
                for admin in self._admins:
                    await self._tell(admin, check, now)
        await self._save()

    async def _tell(self, admin: int, check: HealthCheck, now: datetime) -> None:
        known = self._told[admin]
        is_news = bool(check.problem) != (check.name in known)
        if not is_news or not (check.problem or self._is_calm(check, now)):
            return
        if check.problem and self._comes_of_another(check.name, known, now):
            return
        with speaking(await self._language_of(admin)):
            message = problem_began(check.problem) if check.problem else problem_over(check.name)
        if await self._send(admin, message):
            known.symmetric_difference_update({check.name})

    def _comes_of_another(self, name: str, known: Container[str], now: datetime) -> bool:
        """Return whether a problem comes of one that is told of, or has only just passed."""
        causes = _CAUSES.get(name, ())
        return any(
            other.partition(" ")[0] in causes and (other in known or now - seen < self._calm)
            for other, seen in self._last_seen.items()
        )

    def _is_calm(self, check: HealthCheck, now: datetime) -> bool:
        # After a restart nobody knows how long it has been calm: that counts from now.
        return now - self._last_seen.setdefault(check.name, now) >= self._calm

    async def _language_of(self, admin: int) -> str:
        """Return the language that an admin chose, English where the store does not say in time."""
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(_LANGUAGE_WITHIN):
                kept = await self._storage.chat(admin)
                return (kept and kept.language) or ENGLISH
        return ENGLISH

    async def _send(self, admin: int, message: Message) -> bool:
        """Send a message to an admin; return False if it has to be tried again.

        One that can never reach them is done with, too.
        """
        try:
            await self._bot.send_message(
                admin,
                message.text,
                entities=render.entities(message),
                link_preview_options=render.NO_PREVIEW,
            )
        except (BadRequest, Forbidden):
            log.warning("an admin cannot be told; they must open a chat with the bot first")
        except TelegramError as error:
            log.debug("an admin could not be told yet", error=type(error).__name__)
            return False
        return True

    async def _remember(self, moment: datetime) -> None:
        """Take up what was told by others or before a restart, as far as the storage can say."""
        with suppress(StorageError):
            before, self._saved = self._saved, await self._storage.note(self._note)
            was, now = _names(before), _names(self._saved)
            self._told = {a: told - (was - now) | (now - was) for a, told in self._told.items()}
            self._last_seen |= dict.fromkeys(now - was, moment)

    async def _save(self) -> None:
        document = json.dumps(sorted(set().union(*self._told.values())))
        if document == (self._saved or "[]"):
            return
        with suppress(StorageError):  # tried again in the next round
            await self._storage.save_note(self._note, document)
            self._saved = document


def _names(note: str | None) -> set[str]:
    return set(json.loads(note or "[]"))
