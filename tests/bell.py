"""The whole bot between two stand-ins on loopback, for tests that read like a conversation."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from site_stand_in import PetitionsSite
from telegram_stand_in import BotApi

from bot.app import running, utc_now
from bot.config import Config, LogConfig, PollConfig, StorageConfig, TelegramConfig, Token
from bot.delivery.rate_limiter import RateLimiter
from bot.petitions.petition import Site

READER = 4242
TEA = 700000

Json = dict[str, Any]


def hasty(times: float) -> Callable[..., RateLimiter]:
    """A rate limiter for which a second of Telegram's limits passes so many times faster."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / times)

    return partial(RateLimiter, now=lambda: time.monotonic() * times, sleep=sleep)


# For all tests but those about the pace: what is said, and in which order, does not depend on it.
HASTY = hasty(50)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def open_petition(**changes: Any) -> Json:
    """Attributes of a plain open petition, as the site serves them."""
    now = utc_now()
    return {
        "action": "Free tea in every library",
        "background": "We want it.",
        "additional_details": "With milk.",
        "committee_note": None,
        "state": "open",
        "signature_count": 84,
        "closing_date": (now + timedelta(days=90)).date().isoformat(),
        "created_at": stamp(now - timedelta(days=80)),
        "updated_at": stamp(now - timedelta(hours=1)),
        "rejected_at": None,
        "opened_at": stamp(now - timedelta(days=70)),
        "closed_at": None,
        "moderation_threshold_reached_at": stamp(now - timedelta(days=75)),
        "response_threshold_reached_at": None,
        "government_response_at": None,
        "debate_threshold_reached_at": None,
        "debate_scheduled_on": None,
        "scheduled_debate_date": None,
        "debate_outcome_at": None,
        "creator_name": None,
        "rejection": None,
        "government_response": None,
        "debate": None,
        "departments": [],
        "topics": [],
        "signatures_by_country": [],
        "signatures_by_constituency": [],
        "signatures_by_region": [],
        "other_parliamentary_business": [],
    } | changes


def a_response(summary: str = "We like tea.", details: str = "All of it.") -> Json:
    now = stamp(utc_now())
    return {
        "government_response_at": now,
        "government_response": {
            "responded_on": now[:10],
            "summary": summary,
            "details": details,
            "created_at": now,
            "updated_at": now,
        },
    }


class Conversation:
    """One chat, seen from the person's side, who waits with so much `patience` (seconds)."""

    patience = 10.0

    def __init__(self, api: BotApi, chat_id: int) -> None:
        self.api = api
        self.chat_id = chat_id
        self.read = 0

    def say(self, text: str, **how: Any) -> None:
        self.api.say(self.chat_id, text, **how)

    async def hears(self, words: str = "", timeout: float | None = None) -> Json:
        """The bot's next message, which must contain `words`."""
        patience = timeout or self.patience
        message = await self.api.next_message(self.chat_id, after=self.read, timeout=patience)
        self.read = message["message_id"]
        assert words in message["text"], message["text"]
        return message

    async def ask(self, text: str, words: str = "", **how: Any) -> Json:
        self.say(text, **how)
        return await self.hears(words)

    def tap(self, message: Json, label: str, **how: Any) -> str:
        return self.api.tap(self.chat_id, message["message_id"], label, **how)

    async def sees_note(self, query: str, timeout: float = 10) -> str:
        """The passing note that answers a press."""

        looked_at = 0  # of thousands of answers, and dozens of people who wait for theirs

        def noted(_: BotApi) -> Json | None:
            nonlocal looked_at
            for answer in islice(self.api.answers, looked_at, None):
                looked_at += 1
                if answer["callback_query_id"] == query:
                    return answer
            return None

        return str((await self.api.wait_for(noted, timeout)).get("text") or "")

    async def sees_edit(self, message: Json, pattern: str) -> Json:
        """The message as soon as its text matches."""

        def edited(_: BotApi) -> Json | None:
            now = next(
                m
                for m in self.api.messages(self.chat_id)
                if m["message_id"] == message["message_id"]
            )
            return now if re.search(pattern, now["text"]) else None

        return await self.api.wait_for(edited, self.patience)

    def unread(self) -> list[str]:
        """Return the texts the bot has sent since the last `hears`."""
        bot = self.api.messenger.bot
        return [
            m["text"]
            for m in self.api.messages(self.chat_id)
            if m["message_id"] > self.read and m.get("from") == bot
        ]

    def agrees(self, message: Json) -> str:
        """Press the button that gives consent, whatever it is called where it is asked."""
        keys = [key for row in message["reply_markup"]["inline_keyboard"] for key in row]
        return self.tap(message, keys[0]["text"])

    async def consents(self, message: Json) -> Json:
        self.agrees(message)
        return await self.hears()

    async def subscribes(self, number: int = TEA) -> Json:
        """Follow a petition, agreeing if asked."""
        message = await self.ask(f"/subscribe {number}")
        if "I need to keep" in message["text"]:
            message = await self.consents(message)
        assert "now following" in message["text"], message["text"]
        return message


class Village:
    """A site, a Bot API and the bot between them, which can be stopped and started again."""

    def __init__(self, site: PetitionsSite, api: BotApi, folder: Path) -> None:
        self.site = site
        self.api = api
        self.folder = folder
        self.reader = Conversation(api, READER)

    def chat(self, chat_id: int) -> Conversation:
        return Conversation(self.api, chat_id)

    def config(self, interval: float = 0.1) -> Config:
        return Config(
            telegram=TelegramConfig(Token(self.api.token), self.api.base_url, "polling", ()),
            storage=StorageConfig(f"tinydb:{self.folder / 'bell.db'}", self.folder / "bell.key"),
            poll=PollConfig(timedelta(seconds=interval), 6000),
            log=LogConfig("info", "console"),
            sites=(Site("uk", "UK Parliament", self.site.url),),
        )

    @asynccontextmanager
    async def bell(
        self,
        now: Callable[[], datetime] = utc_now,
        rate_limiter: Callable[..., RateLimiter] = HASTY,
        **others: Any,
    ) -> AsyncIterator[None]:
        """The bot at work; `others` are those of `running`."""
        async with running(self.config(), now=now, rate_limiter=rate_limiter, **others):
            yield

    async def looked(self, times: int = 2, number: int = TEA) -> None:
        """Wait until the bot has asked for a petition a few times more."""
        path = f"/petitions/{number}"
        seen = len(self.site.seen(path))
        await self.site.wait_for_requests(seen + times, path)
