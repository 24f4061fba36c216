"""The demo's Bot API and a bot of the library that talks to it, for tests of either."""

import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram_stand_in import BotApi, library_request

ME = 1001
GROUP = -100500
NOW = datetime(2020, 3, 5, 18, tzinfo=UTC)


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(now=lambda: NOW) as api:
        api.add_chat(ME)
        yield api


def bot_of(api: BotApi) -> Bot:
    return Bot(
        api.token,
        base_url=api.base_url,
        base_file_url=api.base_file_url,
        request=library_request(),
        get_updates_request=library_request(),
    )


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with bot_of(api) as bot:
        yield bot


def keys(*rows: list[tuple[str, str]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in rows]
    )


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02"
