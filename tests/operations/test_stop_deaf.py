"""Told to stop, the process stops within seconds and cleanly, whatever keeps it from hearing."""

import asyncio
from collections.abc import Callable

import pytest
from bell import TEA, Village
from processes import process, stopped, written
from telegram_stand_in import BotApi

from bot.demo.bot_api import TWO_POLLERS


def hangs(api: BotApi) -> None:
    api.hang(times=None, method="getUpdates")


def refuses(code: int, words: str) -> Callable[[BotApi], None]:
    def refuse(api: BotApi) -> None:
        api.refuse(None, code, words, times=None, method="getUpdates")

    return refuse


def hangs_whole(api: BotApi) -> None:
    hangs(api)
    api.hang(times=None)


DEAFNESS = {
    "a getUpdates that hangs": hangs,
    "a Telegram that hangs": hangs_whole,
    "another poller": refuses(409, TWO_POLLERS),
    "a refused token": refuses(401, "Unauthorized"),
    "a Telegram without the bot": refuses(404, "Not Found"),
    "a Telegram at fault": refuses(502, "Bad Gateway"),
}


async def at_work(village: Village) -> None:
    """The process has started, however long a busy machine takes for it."""
    village.reader.say("/help")
    await village.reader.hears("What I can do", timeout=60)


@pytest.mark.parametrize("deafen", DEAFNESS.values(), ids=DEAFNESS)
async def test_a_deaf_bot_stops_cleanly_when_it_is_told_to(
    village: Village, deafen: Callable[[BotApi], None]
) -> None:
    async with process(written(village)) as bell:
        await at_work(village)
        deafen(village.api)
        village.api.say(village.reader.chat_id, "/help")  # ends the question under way
        await asyncio.sleep(0.5)
        code, log = await stopped(bell)
    assert code == 0
    assert "Traceback" not in log
    assert log.rstrip().splitlines()[-1].split("]", 1)[-1].strip().startswith("stopped")


async def test_a_bot_that_hears_stops_cleanly_too(village: Village) -> None:
    async with process(written(village)) as bell:
        await at_work(village)
        code, log = await stopped(bell)
    assert code == 0
    assert "Traceback" not in log


async def test_a_bot_whose_alert_hangs_stops_cleanly_and_tells_it_after_the_next_start(
    village: Village,
) -> None:
    config = written(village)
    async with process(config) as bell:
        await at_work(village)
        await village.reader.subscribes()
        village.api.hang(village.reader.chat_id, times=None, method="sendMessage")
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(5)
        code, log = await stopped(bell)
        assert code == 0
        assert "Traceback" not in log
    village.api.accept_everything()
    async with process(config):
        await village.reader.hears("10,002 signatures", timeout=60)
