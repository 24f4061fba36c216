"""How soon `/readyz` turns red at each kind of deafness and muteness, and green again after it.

`PYTHONPATH=.:tests python tests/bench/soak_health.py [kind …]` runs a whole bot for each kind,
all at once, on real clocks and with the intervals that a bot has by default. It ends with 1 if one
took longer than it may, or if its admin did not hear of it once at its start and once at its end.
"""

import asyncio
import errno
import itertools
import json
import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import ClientSession
from bell import Village, open_petition
from broken_updates import UNDECODABLE
from msgspec import structs
from ports import free_port
from site_stand_in import Fault, PetitionsSite
from telegram_stand_in import BotApi

from bot.app import running, utc_now
from bot.config import Address, PollConfig, WebConfig
from bot.demo.bot_api import TWO_POLLERS
from storage.disk import Disk

ADMIN = 77
FOLLOWERS = range(1_001, 1_006)
PETITIONS = range(700_000, 700_003)
RED_WITHIN, GREEN_WITHIN, TOLD_WITHIN = 120.0, 60.0, 240.0  # seconds; an all-clear has to last
WAITS = 30  # seconds, where Telegram names a wait for all

_fails: dict[str, str] = {}  # what the disk does to files whose path holds this
_unknown: set[str] = set()  # names of hosts that are not found


@dataclass
class Life:
    """One bot, what is done to it, and what was seen of it."""

    kind: str
    village: Village
    port: int = field(default_factory=free_port)
    red: float | None = None
    green: float | None = None
    why: str = ""
    undo: list[Callable[[], object]] = field(default_factory=list)

    @property
    def api(self) -> BotApi:
        return self.village.api

    @property
    def host(self) -> str:
        return f"{self.kind.replace(' ', '-')}.example"

    def meanwhile(self, work: Any) -> None:
        """Do something until all is well again."""
        task = asyncio.create_task(work)
        self.undo.append(task.cancel)

    def told(self) -> list[str]:
        return [
            m["text"].splitlines()[0]
            for m in self.api.messages(ADMIN)
            if m.get("from") == self.api.messenger.bot
        ]


Begin = Callable[[Life], None]


# --- the kinds


def deaf(how: Callable[[BotApi], None]) -> Begin:
    def begin(life: Life) -> None:
        how(life.api)
        life.api.say(FOLLOWERS[0], "x")  # ends the question under way

    return begin


def refused(code: int, words: str, method: str, wait: int = 0) -> Callable[[BotApi], None]:
    parameters = {"retry_after": wait} if wait else None
    return lambda api: api.refuse(None, code, words, parameters, times=None, method=method)


def undecodable(life: Life) -> None:
    shapes = itertools.cycle(UNDECODABLE.values())

    async def emit() -> None:
        while True:
            life.api.emit_raw(next(shapes))
            await asyncio.sleep(5)

    life.meanwhile(emit())


def another_poller(life: Life) -> None:
    """Asks for the same bot's updates, and again as soon as it is interrupted, as programs do."""

    async def poll() -> None:
        async with ClientSession() as session:
            url = f"{life.api.base_url}{life.api.token}/getUpdates"
            wait = 1.0
            while True:
                async with session.post(url, json={"timeout": 10}) as answer:
                    wait = 1.0 if answer.status == 200 else min(30.0, wait * 1.5)
                    if answer.status != 200:
                        await asyncio.sleep(wait)

    life.meanwhile(poll())


def mute(how: Callable[[BotApi], None]) -> Begin:
    def begin(life: Life) -> None:
        how(life.api)
        for number in PETITIONS:
            life.village.site.edit(number, signature_count=10_002)

    return begin


def all_hangs(api: BotApi) -> None:
    api.hang(times=None)
    api.hang(times=None, method="getUpdates")


def all_refused(api: BotApi) -> None:
    refused(401, "Unauthorized", "getUpdates")(api)
    api.refuse(None, 401, "Unauthorized", times=None)


def site(fault: Fault) -> Begin:
    return lambda life: life.village.site.fail("/", fault)


def unknown_name(life: Life) -> None:
    _unknown.add(life.host)
    life.undo.append(partial(_unknown.discard, life.host))


def disk(what: str) -> Begin:
    def begin(life: Life) -> None:
        folder = str(life.village.folder)
        _fails[folder] = what
        life.undo.append(partial(_fails.pop, folder))
        for number in PETITIONS:
            life.village.site.edit(number, signature_count=10_002)

    return begin


def moved(life: Life) -> None:
    folder = life.village.folder
    away = folder / "away"
    away.mkdir()
    names = [each.name for each in folder.iterdir() if each.name.startswith("bell.db")]

    def move(source: Path, target: Path) -> None:
        for name in names:
            with suppress(FileNotFoundError):
                os.replace(source / name, target / name)

    move(folder, away)
    life.undo.append(partial(move, away, folder))


HTML = Fault(status=200, body=b"<html>", content_type="text/html")
KINDS: dict[str, Begin] = {
    "getUpdates 401": deaf(refused(401, "Unauthorized", "getUpdates")),
    "getUpdates 404": deaf(refused(404, "Not Found", "getUpdates")),
    "getUpdates 409": deaf(refused(409, TWO_POLLERS, "getUpdates")),
    "getUpdates 502": deaf(refused(502, "Bad Gateway", "getUpdates")),
    "getUpdates HTML": deaf(lambda a: a.answer_with(b"<p>", times=None, method="getUpdates")),
    "getUpdates hangs": deaf(lambda a: a.hang(times=None, method="getUpdates")),
    "all undecodable": undecodable,
    "another poller": another_poller,
    "sends 401": mute(refused(401, "Unauthorized", "sendMessage")),
    "sends 502": mute(refused(502, "Bad Gateway", "sendMessage")),
    "sends hang": mute(lambda a: a.hang(times=None, method="sendMessage")),
    "sends 429": mute(refused(429, "Too Many Requests", "sendMessage", WAITS)),
    "sends 429 briefly": mute(refused(429, "Too Many Requests", "sendMessage", 3)),
    "Telegram 401": mute(all_refused),
    "Telegram hangs": mute(all_hangs),
    "site HTML": site(HTML),
    "site 500": site(Fault(500)),
    "site 503": site(Fault(503)),
    "site nonsense": site(Fault(status=200, body=b"{}")),
    "site hangs": site(Fault(hang=True)),
    "site unknown name": unknown_name,
    "store full": disk("full"),
    "store hangs": disk("hangs"),
    "store moved": moved,
}
# That updates can be read again is believed after ten minutes without one that cannot.
_UNENDED = {"all undecodable"}
# Where nothing can be sent, an admin can hear of it at its end at best.
_UNHEARD = {name for name in KINDS if name.startswith(("sends", "Telegram"))}


# --- one life


@asynccontextmanager
async def settled(kind: str, folder: Path) -> AsyncIterator[Life]:
    """A bot at work that some chats follow some petitions through."""
    async with PetitionsSite(utc_now) as petitions, BotApi() as api:
        life = Life(kind, Village(petitions, api, folder))
        for number in PETITIONS:
            petitions.put(number, open_petition(signature_count=9_000))
        for chat in (ADMIN, *FOLLOWERS):
            api.add_chat(chat)
        config = life.village.config()
        url = petitions.url.replace("127.0.0.1", life.host)
        config = replace(
            config,
            telegram=replace(config.telegram, admins=(ADMIN,)),
            poll=PollConfig(timedelta(seconds=60), 60),
            web=WebConfig(Address("127.0.0.1", life.port), None),
            sites=(structs.replace(config.sites[0], url=url),),
        )
        async with running(config):
            for chat in FOLLOWERS:
                person = life.village.chat(chat)
                for number in PETITIONS:
                    await person.subscribes(number)
            yield life


async def lived(kind: str, folder: Path, begun: asyncio.Barrier) -> Life:
    async with settled(kind, folder) as life, ClientSession() as session:
        await begun.wait()
        await asyncio.sleep(40)  # so that no first look is near
        await ready(life, session, wanted=True, within=30)
        KINDS[kind](life)
        life.red = await ready(life, session, wanted=False, within=2 * RED_WITHIN)
        await asyncio.sleep(10)
        life.api.accept_everything()
        life.village.site.heal()
        for undo in life.undo:
            undo()
        life.green = await ready(life, session, wanted=True, within=3 * GREEN_WITHIN)
        await until_told(life)
    _print(life)
    return life


async def ready(life: Life, session: ClientSession, *, wanted: bool, within: float) -> float | None:
    """After how many seconds `/readyz` said so; None if it did not."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < within:
        async with session.get(f"http://127.0.0.1:{life.port}/readyz") as answer:
            said = json.loads(await answer.text())
        if not said["ready"]:
            life.why = "; ".join(said["problems"])
        if said["ready"] == wanted:
            return took
        await asyncio.sleep(1)
        # People go on talking, which a bot that is mute finds out by.
        if int(took) % 10 == 0 and life.kind != "all undecodable":
            life.api.say(FOLLOWERS[-1], "/help")
    return None


async def until_told(life: Life) -> None:
    """Wait until the admin has heard the end of what they have heard the start of."""
    if life.kind in _UNENDED:
        return
    for _ in range(int(TOLD_WITHIN)):
        if life.told() and len(life.told()) % 2 == 0:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(10)


# --- faults of this machine, for some of it


def _break_disk() -> None:
    write, sync = Disk.write_some, Disk.sync

    def how(descriptor: int) -> str:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        return next((what for folder, what in tuple(_fails.items()) if path.startswith(folder)), "")

    def write_some(self: Disk, descriptor: int, data: memoryview) -> int:
        if how(descriptor) == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, descriptor, data)

    def syncing(self: Disk, descriptor: int) -> None:
        while how(descriptor) == "hangs":
            time.sleep(0.1)
        sync(self, descriptor)

    Disk.write_some, Disk.sync = write_some, syncing  # type: ignore[method-assign]


def _break_names() -> None:
    find = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **how: Any) -> Any:
        if host in _unknown:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        here = isinstance(host, str) and host.endswith(".example")
        return find("127.0.0.1" if here else host, *args, **how)

    socket.getaddrinfo = getaddrinfo


def is_well(life: Life) -> bool:
    in_time = life.red is not None and life.red <= RED_WITHIN
    in_time = in_time and life.green is not None and life.green <= GREEN_WITHIN
    return in_time and is_told_once(life)


def is_told_once(life: Life) -> bool:
    told = life.told()
    if life.kind in _UNENDED:
        return len(told) == 1
    is_told = len(told) == 2 and told[0].startswith("🔧") and told[1].startswith("✅")
    return is_told or (life.kind in _UNHEARD and len(told) in {0, 2})


def _print(life: Life) -> None:
    told = life.told()
    red = "never" if life.red is None else f"{life.red:.0f} s"
    green = "never" if life.green is None else f"{life.green:.0f} s"
    mark = "  " if is_well(life) else "✗ "
    said = f"{mark}{life.kind:18} red {red:>6}, green {green:>6}; {len(told)} told: {life.why}"
    print(said, flush=True)
    for line in told if not is_told_once(life) else ():
        print(f"      {line}", flush=True)


async def soak(kinds: Sequence[str]) -> bool:
    _break_disk()
    _break_names()
    print(f"{len(kinds)} kinds; wanted: red within {RED_WITHIN:.0f} s of the fault,")
    print(f"green within {GREEN_WITHIN:.0f} s after it, one word to the admin at each:")
    begun = asyncio.Barrier(len(kinds))
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(number) for number in range(len(kinds))]
        for folder in folders:
            folder.mkdir()
        lives = await asyncio.gather(
            *(lived(kind, folder, begun) for kind, folder in zip(kinds, folders, strict=True))
        )
    return all(is_well(life) for life in lives)


def main() -> None:
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    kinds = [kind for kind in KINDS if not sys.argv[1:] or kind in sys.argv[1:]]
    sys.exit(0 if asyncio.run(soak(kinds)) else 1)


if __name__ == "__main__":
    main()
