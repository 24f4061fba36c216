"""A volunteer's first evening and their worst one, by the commands and units they are given."""

import asyncio
import os
import re
import shlex
import shutil
import socket
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from bell import READER, TEA, Village
from forked import ROOT, Forked, forked

DEPLOY = ROOT / "deploy"
HOME = "/var/lib/petition-bell"
READERS = range(READER, READER + 6)
UNHEARING = READERS[3:]


class Machine:
    """A clean user's folder on a machine, on which commands find what the units find."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.config = folder / "config.toml"

    async def start(self, *words: str, **environment: str) -> Forked:
        return await forked(
            *("-m", "bot"),
            *words,
            cwd=self.folder,
            # Nothing of whoever runs the tests, as systemd has it.
            env={"PATH": os.environ["PATH"], **environment},
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def does(self, *words: str, given: str = "") -> str:
        """What a command says that goes well."""
        process = await self.start(*words)
        out, errors = await asyncio.wait_for(process.communicate(given.encode()), 50)
        assert process.returncode == 0, (words, out.decode(), errors.decode())
        return out.decode()

    async def asks(self, *words: str) -> str:
        return await self.does(*words, "--config", str(self.config))

    def unit(self, name: str) -> tuple[list[str], dict[str, str]]:
        """What a unit starts, and the environment that it sets, in this folder."""
        text = (DEPLOY / name).read_text("utf-8").replace(HOME, str(self.folder))
        line = re.findall(r"^ExecStart=\S+ (.*)$", text, re.MULTILINE)[0]
        pairs = re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE)
        return shlex.split(line), {k: v.replace("%C", str(self.folder)) for k, v in pairs}

    async def runs(self) -> Forked:
        """The bot as its unit starts it, once it has told systemd that it is ready."""
        words, environment = self.unit("petition-bell.service")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(self.folder / "notify"))
            systemd.setblocking(False)
            bot = await self.start(*words, NOTIFY_SOCKET=str(self.folder / "notify"), **environment)
            told = asyncio.get_running_loop().sock_recv(systemd, 64)
            assert await asyncio.wait_for(told, 50) == b"READY=1"
        return bot


async def told(village: Village, reader: int, words: str) -> None:
    """A reader has been told, or is within half a minute."""
    await village.api.wait_for(
        lambda api: any(words in each.get("text", "") for each in api.messages(reader)), 30
    )


@pytest.mark.timeout(240)  # it starts seven processes, one after the other
async def test_a_volunteer_gets_from_nothing_to_a_bot_and_back_after_losing_the_machine(
    village: Village,
) -> None:
    first = Machine(village.folder / "first")
    await first.does("init", str(first.config), given=f"{village.api.token}\n")
    written = first.config.read_text()
    for shown, meant in {
        "https://api.telegram.org/bot": village.api.base_url,
        '# url = "https://petition.parliament.uk"': f'url = "{village.site.url}"',
        'interval = "60s"': 'interval = "0.2s"',
        "requests_per_minute = 60": "requests_per_minute = 6000",
    }.items():
        assert shown in written
        written = written.replace(shown, meant)
    first.config.write_text(written)
    assert f"tinydb:{first.folder}/data/petition-bell.db: no store yet" in await first.asks("check")

    bot = await first.runs()
    try:
        await asyncio.gather(*(village.chat(reader).subscribes() for reader in READERS))
        for reader in UNHEARING:
            village.api.refuse(reader, 502, "Bad Gateway", times=None, method="sendMessage")
        village.site.edit(TEA, signature_count=10_002)
        await told(village, READER, "10,002 signatures")
        (first.folder / "backups").mkdir()
        await first.does(*first.unit("petition-bell-backup.service")[0])
    finally:
        bot.kill()
        await bot.communicate()

    # The machine is gone; what was kept elsewhere are the configuration, the key and the backup.
    second = Machine(village.folder / "second")
    for name in ("config.toml", "petition-bell.key"):
        shutil.copy(first.folder / name, second.folder / name)
    (backup,) = (first.folder / "backups").iterdir()
    shutil.copy(backup, second.folder / "backup")
    shutil.rmtree(first.folder)
    assert "6 chats" in await second.asks("restore", "backup")
    assert "6 chats, 6 subscriptions" in await second.asks("check")
    village.api.accept_everything()
    bot = await second.runs()
    try:
        for reader in READERS:
            await told(village, reader, "10,002 signatures")
        village.site.edit(TEA, signature_count=25_001)
        for reader in READERS:
            await told(village, reader, "25,000 signatures reached")
    finally:
        bot.terminate()
        await bot.communicate()
    assert bot.returncode == 0
