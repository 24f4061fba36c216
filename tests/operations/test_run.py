"""`python -m bot run` as a process: configured by a file, stopped by a signal, mute on secrets."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from bell import READER, TEA, Village
from forked import ROOT, forked
from processes import process, stopped, written


async def test_the_process_rings_stops_cleanly_and_logs_no_secret(village: Village) -> None:
    """The bot as people start it: tests of more that it does fork theirs."""
    bell = await asyncio.create_subprocess_exec(
        sys.executable, *("-m", "bot", "run", "--config", written(village)), cwd=ROOT, stderr=PIPE
    )
    try:
        await village.reader.subscribes()
        village.api.refuse(READER, 502, "Bad Gateway", method="sendMessage")
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        code, log = await stopped(bell)
    finally:
        if bell.returncode is None:
            bell.kill()
            await bell.wait()
    assert code == 0
    assert "Traceback" not in log
    assert "running" in log
    assert "uk:700000:milestone:10000" in log
    assert village.api.token not in log
    assert str(READER) not in re.findall(r"\d+", log)  # a time of day may contain it


async def test_a_killed_process_leaves_everything_it_answered_for(village: Village) -> None:
    config = written(village)
    async with process(config):
        await village.reader.subscribes()
    village.site.edit(TEA, signature_count=10_002)
    async with process(config) as bell:
        await village.reader.hears("10,002 signatures")
        code, _ = await stopped(bell, signal.SIGINT)
    assert code == 0


async def test_a_token_that_telegram_refuses_is_tried_again_and_the_bot_can_be_stopped(
    village: Village,
) -> None:
    async with process(written(village, token="999:wrong")) as bell:
        assert bell.stderr is not None
        seen = b""
        while seen.count(b"Telegram rejected the token") < 1:
            seen += await asyncio.wait_for(bell.stderr.readline(), 20)
        code, log = await stopped(bell)
    assert code == 0
    assert "Traceback" not in log
    assert b"wrong" not in seen


async def test_the_bot_waits_for_a_telegram_that_is_away_and_can_be_stopped_meanwhile(
    village: Village,
) -> None:
    async with process(written(village, base_url="http://127.0.0.1:9/bot")) as bell:
        assert bell.stderr is not None
        seen = b""
        while b"can't be reached" not in seen:
            seen += await asyncio.wait_for(bell.stderr.readline(), 20)
        code, log = await stopped(bell)
    assert b"refused: check telegram.base_url, and that a server runs there" in seen
    assert code == 0
    assert "Unclosed" not in log


async def test_a_second_process_on_the_same_store_refuses_in_one_line(
    village: Village,
) -> None:
    config = written(village)
    async with process(config):
        await village.reader.ask("/help")
        async with process(config) as second:
            _, log = await asyncio.wait_for(second.communicate(), 20)
    assert second.returncode == 2
    assert len(log.strip().splitlines()) == 1


async def test_check_prints_a_table_and_says_whether_all_is_well(village: Village) -> None:
    async def checked(config: Path) -> tuple[int | None, str]:
        check = await forked("-m", "bot", "check", "--config", str(config), stdout=PIPE)
        out, _ = await asyncio.wait_for(check.communicate(), 20)
        return check.returncode, out.decode()

    code, table = await checked(written(village))
    assert code == 0
    assert "@PetitionBell" in table
    assert "problem" not in table
    code, table = await checked(written(village, token="999:wrong"))
    assert code == 2
    assert "rejected the token" in table
