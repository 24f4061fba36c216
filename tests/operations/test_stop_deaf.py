"""Told to stop, the process stops within seconds and cleanly, whatever keeps it from hearing."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from bell import TEA, Village
from processes import process, stopped, written
from structlog.testing import capture_logs
from telegram_stand_in import BotApi

from bot.app import run_until_stopped
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
    "another poller": refuses(409, TWO_POLLERS),
    "a Telegram without the bot": refuses(404, "Not Found"),
    "a Telegram at fault": refuses(502, "Bad Gateway"),
}
# Those that leave the most undone are tried on a whole process, down to its exit.
OF_A_PROCESS = {
    "a Telegram that hangs": hangs_whole,
    "a refused token": refuses(401, "Unauthorized"),
}


async def at_work(village: Village) -> None:
    """The process has started, however long a busy machine takes for it."""
    village.reader.say("/help")
    await village.reader.hears("What I can do", timeout=60)


async def made_deaf(village: Village, deafen: Callable[[BotApi], None]) -> None:
    await at_work(village)
    deafen(village.api)
    village.api.say(village.reader.chat_id, "/help")  # ends the question under way
    await asyncio.sleep(0.5)


@pytest.mark.parametrize("deafen", DEAFNESS.values(), ids=DEAFNESS)
async def test_a_deaf_bot_stops_when_it_is_told_to(
    village: Village, deafen: Callable[[BotApi], None]
) -> None:
    bell = asyncio.create_task(run_until_stopped(village.config()))
    await made_deaf(village, deafen)
    with capture_logs() as lines:
        os.kill(os.getpid(), signal.SIGTERM)
        # Not by `wait_for`, which would have it end.
        done, _ = await asyncio.wait({bell}, timeout=20)
    assert done
    assert lines[-1]["event"] == "stopped"
    assert not any("exc_info" in line for line in lines)


@pytest.mark.parametrize("deafen", OF_A_PROCESS.values(), ids=OF_A_PROCESS)
async def test_the_process_of_a_deaf_bot_ends_cleanly(
    village: Village, deafen: Callable[[BotApi], None]
) -> None:
    async with process(written(village)) as bell:
        await made_deaf(village, deafen)
        code, log = await stopped(bell)
    assert code == 0
    assert "Traceback" not in log
    assert log.rstrip().splitlines()[-1].split("]", 1)[-1].strip().startswith("stopped")


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
