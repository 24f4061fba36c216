"""Delivery at full size: a fan-out under Telegram's enforced limits, failing chats, sudden deaths.

`PYTHONPATH=.:tests python tests/bench/soak_deliver.py [kills]` prints what it measured, and ends
with 1 if an alert was lost.
"""

import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles

import structlog
from bell import TEA, Village, open_petition
from site_stand_in import PetitionsSite
from telegram_stand_in import BotApi

from bot.app import running, utc_now
from bot.delivery.rate_limiter import RateLimiter
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Chat, Subscription
from storage.tinydb.store import open_tiny

PER_SECOND = 30
PEOPLE = 4242  # the first of the chats that ask for help meanwhile
HELPERS = 5  # who take turns, so that no chat asks more than once in ten seconds
EVERY = 2.0
CHATS = [*range(10_001, 10_601), *range(-20, 0)]
ALERT = "10,002 signatures"
LEASE = timedelta(seconds=4)  # the real one is longer than a soak of kills has time for
CHILD = Path(__file__).resolve()


@asynccontextmanager
async def prepared(chats: Sequence[int], *, limits: bool) -> AsyncIterator[Village]:
    """A village where all these chats follow the petition, the bot not running yet."""
    with tempfile.TemporaryDirectory() as folder:
        async with PetitionsSite(utc_now) as site, BotApi(limits=limits) as api:
            site.put(TEA, open_petition())
            village = Village(site, api, Path(folder))
            async with village.bell():
                await village.chat(PEOPLE).subscribes()
            for chat in chats:
                api.add_chat(chat, "private" if chat > 0 else "supergroup", title="Club")
            await _subscribe(Path(folder), chats)
            yield village


async def _subscribe(folder: Path, chats: Sequence[int]) -> None:
    storage = await open_tiny(folder / "bell.db", folder / "bell.key")
    ref, now = PetitionRef("uk", TEA), utc_now()
    for chat in chats:
        await storage.save_chat(Chat(chat, consented_at=now))
        await storage.subscribe(Subscription(chat, ref, now))
    await storage.close()


def heard(api: BotApi, chat: int) -> int:
    """How often a chat was told, in an alert or a summary."""
    return sum(ALERT in message.get("text", "") for message in api.messages(chat))


def sends_to(api: BotApi, chats: Sequence[int]) -> int:
    """How many messages were offered for these chats, refused ones included."""
    wanted = {str(chat) for chat in chats}
    return sum(str(call.get("chat_id")) in wanted for call in api.calls_to("sendMessage"))


async def ask_for_help(village: Village, waits: list[float]) -> None:
    """A person asks every two seconds; how long each waited for the answer, in seconds."""
    people = [village.chat(PEOPLE + number) for number in range(HELPERS)]
    turn = 0
    while True:
        person, turn = people[turn % HELPERS], turn + 1
        person.read = max(
            (m["message_id"] for m in village.api.messages(person.chat_id)), default=0
        )
        began = time.perf_counter()
        person.say("/help")
        while "/subscribe" not in (await person.hears(timeout=60))["text"]:
            pass
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, EVERY - waits[-1]))


async def fan_out(village: Village, chats: Sequence[int], *, but: frozenset[int]) -> list[float]:
    """Let the petition reach 10,000; when each chat (without some) heard, in seconds after."""
    told: dict[int, float] = {}
    began = time.perf_counter()
    village.site.edit(TEA, signature_count=10_002)
    async with asyncio.timeout(300):
        for chat in chats:
            if chat not in but:
                await village.api.wait_for(lambda api, c=chat: heard(api, c) or None, timeout=300)  # type: ignore[misc]
                told[chat] = time.perf_counter() - began
    return list(told.values())


async def limited(failing: bool) -> bool:
    """600 private chats and 20 groups under the limits; a twentieth of them failing if asked to."""
    async with prepared(CHATS, limits=True) as village:
        gone, probed = break_chats(village.api) if failing else (frozenset(), frozenset())
        waits: list[float] = []
        async with village.bell(rate_limiter=RateLimiter):
            helping = asyncio.create_task(ask_for_help(village, waits))
            times = await fan_out(village, CHATS, but=gone | probed)
            helping.cancel()
            with suppress(asyncio.CancelledError):
                await helping
            for chat in gone:
                village.api.unblock(chat)
            for chat in gone | probed:
                await village.api.wait_for(lambda api, c=chat: heard(api, c) or None, timeout=90)  # type: ignore[misc]
        counts = [heard(village.api, chat) for chat in CHATS]
        minimum = len(CHATS) / PER_SECOND
        kind = "5 % of chats failing in each way" if failing else "no faults"
        print(f"fan-out to {len(CHATS)} chats under Telegram's limits, {kind}:")
        asked = sends_to(village.api, CHATS)
        print(f"  last heard after {max(times):.1f} s = {max(times) / minimum:.3f} x N/30 s")
        print(
            f"  {asked} sends to {len(CHATS)} chats, repeats after refusals included:"
            f" {max(times) / (asked / PER_SECOND):.3f} x sends/30 s"
        )
        print(f"  lost {counts.count(0)}, doubled {sum(each > 1 for each in counts)}")
        p95 = quantiles(waits, n=20)[-1]
        print(
            f"  /help answered in p50 {median(waits):.2f} s, p95 {p95:.2f} s ({len(waits)} asked)"
        )
        return 0 in counts


def break_chats(api: BotApi) -> tuple[frozenset[int], frozenset[int]]:
    """Each way of failing for 30 private chats of their own.

    Those that are gone for now, and those that refuse for no reason known: they are tried again
    after a minute.
    """
    chats = random.Random(7).sample([chat for chat in CHATS if chat > 0], 180)  # noqa: S311 - no secret
    lots = [chats[at : at + 30] for at in range(0, 180, 30)]
    for chat in lots[0]:
        api.refuse(chat, 502, "Bad Gateway", times=2)
    for chat in lots[1]:
        api.refuse(chat, 429, "Too Many Requests: retry after 2", {"retry_after": 2})
    for chat in lots[2]:
        api.refuse(chat, 400, "Bad Request: can't parse entities: boo")
    for chat in lots[3]:
        api.refuse(chat, 400, "Bad Request: something nobody has seen yet")
    for chat in lots[4]:
        api.refuse(chat, 400, "Bad Request: message thread not found")
    for chat in lots[5]:
        api.block(chat)
    return frozenset(lots[5]), frozenset(lots[3])


async def killed(times: int) -> bool:
    """kill -9 at random moments of a fan-out to 300 chats, until all is told."""
    chats = CHATS[:300]
    most = max(1, 2 * len(chats) // times)  # so that so many kills fit into one fan-out
    async with prepared(chats, limits=False) as village:
        village.site.edit(TEA, signature_count=10_002)
        kills, dice = 0, random.Random(11)  # noqa: S311 - no secret
        while kills < times and not all(heard(village.api, chat) for chat in chats):
            child = await start_child(village, LEASE)
            before = len(village.api.calls_to("sendMessage"))
            amount = dice.randint(0, most)
            enough = lambda api, n=before + amount: len(api.calls_to("sendMessage")) >= n or None  # noqa: E731
            with suppress(TimeoutError):
                await village.api.wait_for(enough, timeout=20)
            child.kill()
            await child.wait()
            kills += 1
        child = await start_child(village, LEASE)
        for chat in chats:
            await village.api.wait_for(lambda api, c=chat: heard(api, c) or None, timeout=300)  # type: ignore[misc]
        child.kill()
        await child.wait()
        counts = [heard(village.api, chat) for chat in chats]
        print(f"kill -9 during a fan-out to {len(chats)} chats, {kills} times:")
        print(f"  lost {counts.count(0)}, repeats {sum(counts) - len(counts)}")
        return 0 in counts


async def start_child(village: Village, lease: timedelta) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
        "child",
        str(village.folder),
        village.site.url,
        village.api.base_url,
        str(lease.total_seconds()),
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )


def child(folder: str, site_url: str, api_url: str, lease: str) -> None:
    """The bot in a process of its own; a death costs as much time as its lease."""

    class Address:
        def __init__(self, url: str) -> None:
            self.url = self.base_url = url
            self.token = BotApi().token

    village = Village(Address(site_url), Address(api_url), Path(folder))  # type: ignore[arg-type]
    asyncio.run(_ring_for_ever(village, timedelta(seconds=float(lease))))


async def _ring_for_ever(village: Village, lease: timedelta) -> None:
    async with running(village.config(), lease=lease):
        await asyncio.Event().wait()


def main() -> None:
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:6])
        return
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    lost = [
        asyncio.run(limited(failing=False)),
        asyncio.run(limited(failing=True)),
        asyncio.run(killed(kills)),
    ]
    sys.exit(any(lost))


if __name__ == "__main__":
    main()
