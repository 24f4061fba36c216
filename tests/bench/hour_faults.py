"""What goes wrong in the faulty hour: at the site, on the way to it, and with the disk."""

import asyncio
import errno
import os
import random
import shutil
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from hastened import Clocks, HastyLoop
from site_stand_in import Fault, PetitionsSite
from store_faults import FaultyDisk

from bot.demo.petition_bodies import show_body


class Trouble(NamedTuple):
    """A fault: how it begins and how it ends."""

    name: str
    begin: Callable[[], Awaitable[None] | None]
    end: Callable[[], Awaitable[None] | None]


class Behind(PetitionsSite):
    """A site that is asked through its gate, and calls itself by the gate's address."""

    public = ""
    answered: Callable[[], None] = staticmethod(lambda: None)

    @property
    def url(self) -> str:
        return self.public

    @property
    def inner_port(self) -> int:
        return self._server.port

    def body_of(self, number: int) -> bytes:
        """A petition's body as it stands."""
        return show_body(self.url, number, self._entries[number].attributes(self._now()))

    async def _true_answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response = await super()._true_answer(request, handler)
        if response.status in {200, 304}:
            self.answered()
        return response


class Gate:
    """What stands between the bot and the site: TLS, and everything that can go wrong with it."""

    def __init__(self, site: Behind, good: ssl.SSLContext, bad: ssl.SSLContext) -> None:
        self._site = site
        self._good, self._bad = good, bad
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._resets = False
        self.port = 0

    async def become(self, how: str = "") -> None:
        """Stand there in another way; who was connected is no more."""
        await self.shut()
        self._resets = how == "reset"
        tls = {"bad certificate": self._bad, "no TLS": None}.get(how, self._good)
        if how != "refused":
            self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port, ssl=tls)
            self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0.1)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._resets:
                writer.transport.abort()
                return
            there = await asyncio.open_connection("127.0.0.1", self._site.inner_port)
            self._open.add(there[1])
            try:
                await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer))
            finally:
                self._open.discard(there[1])
                there[1].transport.abort()
        except (OSError, ssl.SSLError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
        await target.drain()
    target.close()


class WeakDisk(FaultyDisk):
    """A disk of which only fsync can be made to fail, too."""

    fails_to_sync = False

    def sync(self, descriptor: int) -> None:
        if self.fails_to_sync:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync(descriptor)


class Faults:
    """Every kind of fault, and the end of all of them."""

    def __init__(
        self, site: Behind, gate: Gate, clocks: Clocks, dice: random.Random, folder: Path
    ) -> None:
        self.site, self.gate, self.clocks, self.dice = site, gate, clocks, dice
        self.disk = WeakDisk()
        self.data, self.aside = folder / "data", folder / "aside"

    def of_site(self) -> Iterator[Trouble]:
        gate, site = self.gate, self.site
        for how in ("refused", "bad certificate", "no TLS", "reset"):
            yield Trouble(f"site: {how}", partial(gate.become, how), gate.become)
        yield Trouble("site: no such name", self._forget_names, self._know_names)
        html = "text/html"
        answers = {
            "HTML": Fault(200, body=b"<html><p>Maintenance", content_type="text/html"),
            "HTML called JSON": Fault(200, body=b"<html><p>Maintenance"),
            "an empty body": Fault(200, body=b""),
            "{}": Fault(200, body=b"{}"),
            "[]": Fault(200, body=b"[]"),
            "half of JSON": Fault(200, body=b'{"data": {"type": "pet'),
            "senseless JSON": Fault(200, body=b'{"data": {"id": "x", "attributes": []}}'),
            "redirect elsewhere": Fault(302, {"Location": "https://example.org/"}, b"", html),
            "redirect to a page": Fault(302, {"Location": f"{site.url}/"}, b"", html),
            "400": Fault(400),
            "403": Fault(403),
            "404": Fault(404),
            "418": Fault(418),
            "500": Fault(500, body=b"<html>", content_type=html),
            "502": Fault(502, body=b"<html>", content_type=html),
            "503, Retry-After": Fault(503, {"Retry-After": "20"}),
            "429, Retry-After": Fault(429, {"Retry-After": "30"}),
            "429": Fault(429),
            "timeouts": Fault(hang=True),
            "half of every body": Fault(truncate=True),
        }
        for name, fault in answers.items():
            yield Trouble(f"site: {name}", partial(site.fail, "/", fault), site.heal)
        lists = Fault(500)
        yield Trouble("site: lists fail", partial(site.fail, "/petitions.json", lists), site.heal)
        gone = partial(site.fail, "/petitions/", Fault(410), 1)
        yield Trouble("site: taken down for one look", gone, site.heal)
        victim = self.dice.choice(list(self.site._entries))
        wrong: Sequence[Mapping[str, Any]] = (
            {"signature_count": "many"},
            {"state": None},
            {"opened_at": "0001-01-01T00:00:00.000Z", "created_at": "9999-12-31T23:59:59.999Z"},
            {"government_response": "yes"},
        )
        bad = self.dice.choice(wrong)
        yield Trouble(
            "site: one bad row", partial(self._spoil, victim, bad), partial(self._mend, victim)
        )

    def _spoil(self, victim: int, bad: Mapping[str, Any]) -> None:
        entry = self.site._entries[victim]
        self._good = {name: entry.attributes(self.clocks.truth()).get(name) for name in bad}
        self.site.edit(victim, **bad)

    def _mend(self, victim: int) -> None:
        happened = {name for name in self._good}
        now = self.site._entries[victim].changes
        # What has happened meanwhile stands.
        if "government_response" in happened and isinstance(now["government_response"], dict):
            return
        if "signature_count" in happened and isinstance(now["signature_count"], int):
            return
        if "state" in happened and now["state"] == "closed":
            return
        self.site.edit(victim, **self._good)

    async def _forget_names(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HastyLoop)
        loop.knows_names = False
        await self.gate.become()

    def _know_names(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HastyLoop)
        loop.knows_names = True

    def of_disk(self) -> Iterator[Trouble]:
        yield Trouble("disk: full", partial(self._fail_disk, errno.ENOSPC), self._heal_disk)
        yield Trouble("disk: errors", partial(self._fail_disk, errno.EIO), self._heal_disk)
        yield Trouble("disk: fsync fails", self._fail_sync, self._heal_disk)
        yield Trouble("disk: the journal moved", self._move, self._put_back)
        yield Trouble("disk: the journal unlinked", self._unlink, self._put_back)
        yield Trouble("disk: the journal replaced", self._replace, self._put_back)
        yield Trouble("disk: all files unlinked", partial(self._unlink, "*"), self._put_back)
        yield Trouble("disk: the folder moved", self._move_folder, self._put_back_folder)

    def _fail_disk(self, code: int) -> None:
        self.disk.code, self.disk.lasting = code, True
        self.disk.steps, self.disk.at = 0, 1

    def _fail_sync(self) -> None:
        self.disk.fails_to_sync = True

    def _heal_disk(self) -> None:
        self.disk.at, self.disk.fails_to_sync = -1, False

    def _files(self, which: str = "*.journal.*") -> list[Path]:
        files = self.data.glob(f"bell.db{which.removeprefix('*')}*")
        return [file for file in files if not file.name.endswith(".lock")]

    def _move(self) -> None:
        self.aside.mkdir(exist_ok=True)
        for file in self._files(".journal."):
            file.rename(self.aside / file.name)

    def _unlink(self, which: str = ".journal.") -> None:
        self.aside.mkdir(exist_ok=True)
        for file in self._files(which):
            os.link(file, self.aside / file.name)
            file.unlink()

    def _replace(self) -> None:
        self._move()
        for file in self.aside.iterdir():
            shutil.copyfile(file, self.data / file.name)

    def _put_back(self) -> None:
        for file in self.aside.iterdir():
            os.replace(file, self.data / file.name)

    def _move_folder(self) -> None:
        self.data.rename(self.data.with_name("elsewhere"))

    def _put_back_folder(self) -> None:
        elsewhere = self.data.with_name("elsewhere")
        if self.data.exists():
            shutil.rmtree(self.data)
        elsewhere.rename(self.data)

    async def end_all(self) -> None:
        """Everything is as it should be again."""
        self.site.heal()
        self._know_names()
        self._heal_disk()
        if self.data.with_name("elsewhere").exists():
            self._put_back_folder()
        if self.aside.exists():
            self._put_back()
        await self.gate.become()
