"""`petition-bell check` and `stats`: what is there, whether it answers, and what to do if not."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from aiohttp import web
from bell import TEA, Village, open_petition
from forked import ran
from parliaments import four_sites
from processes import ROOT, written
from typer.testing import CliRunner
from watching import ADMIN

from bot.app import running, utc_now
from bot.cli import app
from bot.config import Address, Config, StorageConfig, Token
from bot.config_reader import load_config
from bot.demo.loopback import Loopback
from bot.errors import ConfigError, StorageError
from bot.operations.doctor import CheckResult, check_all
from bot.operations.store_commands import drop_old, file_for, kept_figures
from bot.petitions.parliaments import DESCRIPTIONS
from bot.petitions.petition import Site
from storage.opening import open_storage

NOBODY = 65534


async def checked(config: Config, **how: bool) -> dict[str, CheckResult]:
    results = {result.what: result for result in await check_all(config, **how)}
    for result in results.values():
        assert "\n" not in result.detail
    return results


def bell(*arguments: str, folder: Path, given: str = "") -> str:
    """What a command says, after its exit code."""
    done = ran("-m", "bot", *arguments, cwd=folder, env={"PATH": "/usr/bin:/bin"}, given=given)
    assert "Traceback" not in done.stderr
    return f"{done.returncode} {done.stdout}{done.stderr}"


# --- the store ------------------------------------------------------------------------------------


async def test_a_store_that_does_not_exist_yet_is_named_and_not_made(village: Village) -> None:
    config = village.config()
    found = (await checked(config))["storage"]
    assert found == (
        "storage",
        True,
        f"{config.storage.url}: no store yet; the first start creates it",
    )
    assert list(village.folder.iterdir()) == []
    with pytest.raises(StorageError, match="no store yet"):
        await kept_figures(config.storage, utc_now())


async def test_beside_a_running_bot_the_store_is_named_and_what_is_in_it(
    village: Village,
) -> None:
    config = village.config()
    async with village.bell():
        await village.reader.subscribes()
        found = await checked(config)
        assert found["storage"].detail.startswith(
            f"{config.storage.url}: 1 chat, 1 subscription, 0 rules, 0 alerts waiting;"
            " 1 petition, each checked within"
        )
        assert all(result.is_well for result in found.values())
        told = await kept_figures(config.storage, utc_now())
        assert "Follows: fewer than 5" in told
        assert "restart" not in told
        await village.reader.ask("/unfollow 700000", "unfollowed")


async def test_what_migrate_has_done_is_said(village: Village) -> None:
    config = village.config()
    found = (await checked(config, migrate=True))["storage"]
    assert found.detail.startswith(f"{config.storage.url}: created; 0 chats")
    found = (await checked(config, migrate=True))["storage"]
    assert found.detail.startswith(f"{config.storage.url}: 0 chats")


async def test_a_store_of_another_key_is_a_problem_and_stays_as_it_is(village: Village) -> None:
    config = village.config()
    async with village.bell():
        await village.reader.subscribes()
    before = {each: each.read_bytes() for each in village.folder.glob("bell.db*")}
    wrong = replace(config, storage=StorageConfig(config.storage.url, village.folder / "other.key"))
    found = (await checked(wrong))["storage"]
    assert not found.is_well
    assert "other.key is missing" in found.detail
    assert {each: each.read_bytes() for each in village.folder.glob("bell.db*")} == before


async def test_the_password_of_a_database_is_not_shown(village: Village) -> None:
    url = Token("postgresql://bell:hush@127.0.0.1:9/bell?password=hush")
    config = replace(village.config(), storage=StorageConfig(url, village.folder / "key"))
    found = (await checked(config))["storage"]
    assert not found.is_well
    assert found.detail.startswith("postgresql://bell@127.0.0.1:9/bell: ")
    assert "hush" not in found.detail


# --- Telegram and the admins ----------------------------------------------------------------------


def run_by(config: Config, *admins: int, **telegram: object) -> Config:
    return replace(config, telegram=replace(config.telegram, admins=admins, **telegram))


async def test_an_admin_who_has_not_pressed_start_is_asked_to(village: Village) -> None:
    village.api.add_chat(ADMIN)
    found = await checked(run_by(village.config(), ADMIN, 5151))
    assert found[f"admin {ADMIN}"].is_well
    stranger = found["admin 5151"]
    assert not stranger.is_well
    assert "https://t.me/PetitionBellDemoBot and press Start" in stranger.detail
    assert village.api.messages(ADMIN) == []
    village.api.block(ADMIN)
    assert not (await checked(run_by(village.config(), ADMIN)))[f"admin {ADMIN}"].is_well


async def test_tell_sends_each_admin_a_test_message(village: Village) -> None:
    village.api.add_chat(ADMIN)
    found = await checked(run_by(village.config(), ADMIN), tell=True)
    assert found[f"admin {ADMIN}"] == (f"admin {ADMIN}", True, "was sent a message")
    assert "This is a test" in (await village.chat(ADMIN).hears())["text"]
    assert not (await checked(village.config(), tell=True))["admins"].is_well


@asynccontextmanager
async def stranger(answer: web.Response | None = None) -> AsyncIterator[str]:
    """The address of a web server that is no Bot API and no petitions site."""

    async def say(_: web.Request) -> web.Response:
        return web.Response(text="<html>welcome", content_type="text/html")

    server, site = Loopback(), web.Application()
    site.router.add_route("*", "/{path:.*}", say)
    await server.start(site)
    try:
        yield server.url
    finally:
        await server.stop()


async def test_what_is_wrong_with_telegram_or_a_site_is_told_in_a_line_with_what_to_do(
    village: Village,
) -> None:
    async with stranger() as elsewhere:
        cases = {
            "http://127.0.0.1:9/bot": "connection was refused): check telegram.base_url",
            "http://nowhere.invalid/bot": "name is not found (DNS)): check telegram.base_url",
            elsewhere.replace("http:", "https:") + "/bot": "(TLS)): check this machine's clock",
            f"{elsewhere}/bot": "not answering",
            village.api.base_url.removesuffix("/bot") + "/nowhere": 'should end in "/bot"',
        }
        for address, words in cases.items():
            config = run_by(village.config(), base_url=address)
            config = replace(config, sites=(Site("uk", "UK", address),))
            found = await checked(config)
            telegram, site = found["Telegram"], found["UK"]
            assert not telegram.is_well
            assert not site.is_well
            assert words in telegram.detail
            assert address in telegram.detail
            assert address in site.detail
            assert village.api.token not in str(found)
        found = await checked(run_by(village.config(), token=Token("999:wrong")))
        assert "rejected the token: copy it again from @BotFather" in found["Telegram"].detail
        assert "999:wrong" not in str(found)


SITES = ("UK Parliament", "Senedd", "Scottish Parliament", "States Assembly")


async def test_each_kind_of_petitions_site_is_asked_for_a_list_that_it_has(
    tmp_path: Path,
) -> None:
    async with four_sites(tmp_path) as village:
        config = village.config()
        found = await checked(config)
        for site in config.sites[1:]:
            assert "1 petition on its first page" in found[site.name].detail


async def test_it_says_what_each_site_brings_and_lacks(tmp_path: Path) -> None:
    async with four_sites(tmp_path) as village:
        village.site.put(TEA, open_petition())
        found = await checked(village.config())
    told = {name: found[name].detail for name in SITES}
    assert "works like 'uk'" in told["UK Parliament"]
    assert "thresholds 10,000 (response), 100,000 (debate)" in told["UK Parliament"]
    assert "not there" not in told["UK Parliament"]
    assert "thresholds 250 (referral), 10,000 (debate)" in told["Senedd"]
    assert "not there: written responses, departments" in told["Senedd"]
    assert "no number of signatures brings anything" in told["Scottish Parliament"]
    assert "not there: topics, departments, trending" in told["States Assembly"]


async def test_a_site_that_is_taken_for_another_kind_is_a_problem(tmp_path: Path) -> None:
    async with four_sites(tmp_path) as village:
        village.site.put(TEA, open_petition())
        config = village.config()
        for taken_for, site in product(DESCRIPTIONS, config.sites):
            mistaken = replace(config, sites=(Site("it", "It", site.url, like=taken_for),))
            found = (await checked(mistaken))["It"]
            assert found.is_well == (taken_for == site.id), found.detail
            if not found.is_well:
                told = f"works like '{site.id}', not like '{taken_for}': set like = '{site.id}'"
                assert told in found.detail


async def test_a_site_that_is_taken_for_another_kind_says_so_in_its_status(tmp_path: Path) -> None:
    async with four_sites(tmp_path) as village:
        village.site.put(TEA, open_petition())
        config = village.config()
        taken = Site("cymru", "Cymru", village.site.url, like="senedd")
        right = Site("other", "Other", village.senedd.url, like="senedd")
        async with running(replace(config, sites=(taken, right))):
            await village.reader.ask(f"/petition cymru:{TEA}", "Free tea")
            await village.reader.ask("/petition other:245600", "Bees")
            told = await village.reader.ask(
                "/status", "It answers like UK Parliament and is set up"
            )
        assert told["text"].count("is set up like Senedd, so I may miss news there.") == 1
        assert told["text"].index("Cymru:") < told["text"].index("It answers like")
        assert told["text"].index("It answers like") < told["text"].index("Other:")


# --- the address that is listened at --------------------------------------------------------------


async def test_a_port_that_another_program_has_is_a_problem_and_the_bots_own_is_none(
    village: Village,
) -> None:
    async with stranger() as elsewhere:
        port = int(elsewhere.rpartition(":")[2])
        taken = replace(
            village.config(), web=replace(village.config().web, listen=Address("127.0.0.1", port))
        )
        found = (await checked(taken))["web.listen"]
        assert not found.is_well
        assert "choose another port" in found.detail
    assert (await checked(taken))["web.listen"].detail.endswith("is free")
    async with running(taken):
        found = (await checked(taken))["web.listen"]
        assert found.is_well
        assert "the bot runs" in found.detail


# --- on the command line --------------------------------------------------------------------------


async def test_programs_get_json_and_people_a_line_each_with_texts_as_they_are(
    village: Village,
) -> None:
    """However much they look like mark-up."""
    config = written(village)
    config.write_text(config.read_text().replace("UK Parliament", "[red]UK[/b]"))

    async def said(*arguments: str) -> str:
        return await asyncio.to_thread(bell, *arguments, "--config", str(config), folder=ROOT)

    code, _, document = (await said("check", "--json")).partition(" ")
    told = json.loads(document)
    assert (code, told["ok"]) == ("0", True)
    assert {each["what"] for each in told["findings"]} >= {"storage", "Telegram", "[red]UK[/b]"}
    assert any(each.startswith("poll.interval = 0.1s, from ") for each in told["settings"])
    plain = await said("check")
    assert plain.startswith("0 ok")
    for each in told["findings"]:
        assert f"{each['what']:13}  {each['detail']}\n" in plain
    assert not (village.folder / "data").exists()
    assert (
        await said("import", "[/x].json")
        == "2 petition-bell: [/x].json cannot be read (No such file or directory)\n"
    )


def test_settings_that_are_wrong_are_json_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[poll]\ninterval = 'soon'\n")
    code, _, document = bell("check", "--json", folder=tmp_path).partition(" ")
    told = json.loads(document)
    assert (code, told["ok"]) == ("2", False)
    assert any("poll.interval" in each["detail"] for each in told["findings"])


def test_help_shows_what_stands_in_brackets() -> None:
    told = CliRunner().invoke(app, ["check", "--help"]).output
    assert "[default: config.toml, if any]" in " ".join(told.split())


def test_a_token_comes_through_a_pipe_and_nonsense_does_not(tmp_path: Path) -> None:
    assert bell("init", folder=tmp_path, given="123456:abc\n").startswith("0 ")
    assert 'token = "123456:abc"' in (tmp_path / "config.toml").read_text()
    for nonsense in ("no token", "petition_bell", "abc:123456"):
        said = bell("init", "c.toml", folder=tmp_path, given=f"{nonsense}\n")
        assert "the token: must be" in said
    assert not (tmp_path / "c.toml").exists()


@pytest.fixture
def folder_of_root() -> Iterator[Path]:
    """A folder that everybody may look into, and only root may write."""
    with tempfile.TemporaryDirectory(prefix="bell-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
async def test_a_folder_that_cannot_be_written_is_told_with_who_cannot(
    village: Village, folder_of_root: Path
) -> None:
    storage = StorageConfig(f"tinydb:{folder_of_root}/data/bell.db", folder_of_root / "bell.key")
    config = replace(village.config(), storage=storage)
    with nobody():
        found = (await checked(config))["storage"]
        with pytest.raises(StorageError, match="Permission denied; let nobody write to"):
            await open_storage(storage)
    assert not found.is_well
    assert f"{folder_of_root} cannot be written by nobody" in found.detail
    assert (await checked(config))["storage"].is_well


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
async def test_who_may_not_read_the_files_is_told_whose_they_are(
    village: Village, folder_of_root: Path
) -> None:
    storage = StorageConfig(f"tinydb:{folder_of_root}/data/bell.db", folder_of_root / "bell.key")
    config = replace(village.config(), storage=storage)
    async with running(config):
        pass
    (folder_of_root / "config.toml").write_text('[telegram]\ntoken = "1:x"\n')
    (folder_of_root / "config.toml").chmod(0o600)
    with nobody():
        found = (await checked(config))["storage"]
        with pytest.raises(ConfigError, match="as the user that runs the bot"):
            load_config(folder_of_root / "config.toml", {})
    assert not found.is_well
    assert "data/bell.db cannot be read: Permission denied; run this as root" in found.detail


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_is_not_let_near_the_store_of_the_bots_own_user(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[telegram]\ntoken = "1:x"\n')
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", NOBODY, -1)
    said = bell("rekey", folder=tmp_path)
    assert said.startswith("2 ")
    assert "sudo -u nobody" in said
    assert list((tmp_path / "data").iterdir()) == []


# --- a folder of backups --------------------------------------------------------------------------


def test_of_a_folder_s_backups_those_that_are_too_old_go_and_nothing_else(tmp_path: Path) -> None:
    now = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    made = file_for(tmp_path, now)
    assert made == tmp_path / "petition-bell-2026-05-04T030201Z.backup"
    assert file_for(tmp_path / "mine", now) == tmp_path / "mine"
    others = [tmp_path / name for name in ("petition-bell-x.backup", "petition-bell.db", "notes")]
    nights = [file_for(tmp_path, now - timedelta(days=days)) for days in (29, 30, 31, 400)]
    for each in (made, *others, *nights):
        each.write_text("")
    assert sorted(drop_old(tmp_path, now - timedelta(days=30))) == sorted(nights[2:])
    assert sorted(tmp_path.iterdir()) == sorted([made, *others, *nights[:2]])
