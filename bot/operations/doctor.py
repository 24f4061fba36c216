"""`petition-bell check`: whether everything that this bot needs is there and answers.

Looking changes nothing, whoever else has the store open; each problem says in a line what to do.
"""

import asyncio
import os
from collections.abc import Container, Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
from msgspec import structs
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from bot import __version__
from bot.config import DEFAULTS, Address, Config, PollConfig
from bot.errors import ParliamentError, ParliamentUnavailable, PetitionBellError, StorageError
from bot.messages.chat.for_admins import trial
from bot.operations.http_server import remedy_for_address
from bot.operations.store_commands import counted
from bot.outages import remedy_of
from bot.petitions.parliaments import DESCRIPTIONS
from bot.petitions.parliaments.description import Feature, SiteDescription
from bot.petitions.parse import Page
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.thresholds import thresholds
from bot.polling.outlook import Limits, bound
from bot.polling.petitions_api import PetitionsApi, open_session
from bot.telegram import render
from bot.telegram.request import AiohttpRequest
from storage import Storage
from storage.disk import user_name
from storage.opening import open_storage, read_storage

_HEALTHY_WITHIN = aiohttp.ClientTimeout(total=3)


class CheckResult(NamedTuple):
    """One thing that was looked at, and how it is."""

    what: str
    is_well: bool
    detail: str


async def check_all(
    config: Config, *, tell: bool = False, migrate: bool = False
) -> list[CheckResult]:
    """Looks at store, address, Telegram, its admins and each site.

    With `tell` each admin is sent a message; with `migrate` a store of an earlier version is
    brought up to date first, and a missing one is made.
    """
    async with open_session(__version__) as session:
        answered = await asyncio.gather(
            _telegram(config, tell=tell),
            *(_site(PetitionsApi(site, session), session) for site in config.sites),
        )
        listening = [await _listening(config.web.listen, session)] if config.web.listen else []
    return [
        CheckResult("configuration", True, _described(config)),
        *await _storage(config, migrate=migrate),
        *listening,
        *(result for results in answered for result in results),
    ]


def _described(config: Config) -> str:
    every = config.poll.interval / timedelta(seconds=1)
    sites = ", ".join(site.id for site in config.sites)
    a_minute = config.poll.requests_per_minute
    return f"sites {sites}; checked every {every:g} s, at most {a_minute} requests a minute"


# --- the store -----------------------------------------------------------------------------------


async def _storage(config: Config, *, migrate: bool) -> list[CheckResult]:
    place, done = _place(config.storage.url), ""
    try:
        if migrate:
            done = await _brought_up_to_date(config)
        storage = await read_storage(config.storage)
        if storage is None:
            return [CheckResult("storage", *_unmade(config, place))]
        try:
            detail = await _amount(storage, config)
        finally:
            await storage.close()
    except PetitionBellError as error:
        return [CheckResult("storage", False, f"{place}: {error}")]
    problem = _unwritable(config)
    return [CheckResult("storage", not problem, f"{place}: {done}{problem or detail}")]


async def _brought_up_to_date(config: Config) -> str:
    """Opens the store as the bot does, and says what that has changed."""
    try:
        before = await read_storage(config.storage)
    except StorageError:
        done = "brought up to date; "
    else:
        done = "" if before else "created; "
        if before:
            await before.close()
    await (await open_storage(config.storage)).close()
    return done


def _unmade(config: Config, place: str) -> tuple[bool, str]:
    problem = _unwritable(config)
    return not problem, f"{place}: {problem or 'no store yet; the first start creates it'}"


async def _amount(storage: Storage, config: Config) -> str:
    tally = await storage.tally()
    followed, ruled = await storage.followed(), await storage.ruled_sites()
    longest = max(promised(site.id, followed, ruled, config.poll) for site in config.sites)
    held = [
        counted(tally.chats, "chat"),
        counted(tally.subscriptions, "subscription"),
        counted(sum(ruled.values()), "rule"),
        f"{counted(tally.waiting, 'alert')} waiting",
    ]
    watched = f"{counted(len(followed), 'petition')}, each checked within {longest:.0f} s"
    return f"{', '.join(held)}; {watched}"


def _place(url: str) -> str:
    """Return a store's address without what may be secret in it."""
    if not url.startswith("postgresql:"):
        scheme, _, path = url.partition(":")
        return f"{scheme}:{os.path.abspath(path)}"
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return f"{parts.scheme}://{f'{user}@' if user else ''}{hosts}{parts.path}"


def _unwritable(config: Config) -> str:
    """Say why the bot, run by this user, could not write the embedded store; "" if it could."""
    scheme, _, place = config.storage.url.partition(":")
    if scheme != "tinydb":
        return ""
    needed = [Path(place).parent, *([] if config.storage.key else [config.storage.key_file.parent])]
    for folder in needed:
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if not there.is_dir() or not _may_write(there):
            return (
                f"{there} cannot be written by {user_name(os.geteuid())}: give it to the user that"
                " runs the bot, and check as that user"
            )
    return ""


def _may_write(folder: Path) -> bool:
    effectively = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effectively)


def promised(
    site: str, followed: Iterable[PetitionRef], ruled: Container[str], poll: PollConfig
) -> float:
    """Return within how many seconds each petition followed there is read again.

    This is what `/status` will say of it.
    """
    here = sum(ref.site == site for ref in followed)
    # Where rules listen, lists and petitions that nobody follows have their share of the requests.
    shares = 3 if site in ruled else 1
    return bound(here, Limits(poll.interval.total_seconds(), poll.requests_per_minute), shares)


# --- who answers ---------------------------------------------------------------------------------


async def _listening(listen: Address, session: aiohttp.ClientSession) -> CheckResult:
    """Check that the bot's own server can have its address, or has it already."""
    host, port = listen
    what = f"{host}:{port}"
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        if await _is_bell(what, session):
            return CheckResult("web.listen", True, f"{what}: the bot runs, and answers there")
        return CheckResult("web.listen", False, f"{what}: {remedy_for_address(error)}")
    server.close()
    return CheckResult("web.listen", True, f"{what} is free")


async def _is_bell(where: str, session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(f"http://{where}/healthz", timeout=_HEALTHY_WITHIN) as response:
            return response.status == 200 and await response.content.read(16) == b"ok\n"
    except (aiohttp.ClientError, OSError, ValueError):
        return False


async def _telegram(config: Config, *, tell: bool) -> list[CheckResult]:
    base_url, admins = config.telegram.base_url, config.telegram.admins
    try:
        async with Bot(
            config.telegram.token,
            base_url=base_url,
            request=AiohttpRequest(),
            get_updates_request=AiohttpRequest(connections=1),
        ) as bot:
            found = [CheckResult("Telegram", True, f"@{bot.username}")]
            found += [await _admin(bot, admin, tell=tell) for admin in admins]
    except InvalidToken:  # whose own words repeat the token
        detail = "rejected the token: copy it again from @BotFather"
        if base_url != DEFAULTS["telegram"]["base_url"]:
            detail += f'; or telegram.base_url is wrong ({base_url}, which should end in "/bot")'
        return [CheckResult("Telegram", False, detail)]
    except TelegramError as error:
        return [CheckResult("Telegram", False, f"{_no_answer(error.message)} ({base_url})")]
    if tell and not admins:
        found.append(CheckResult("admins", False, "there is nobody to tell: set telegram.admins"))
    return found


async def _admin(bot: Bot, admin: int, *, tell: bool) -> CheckResult:
    """Check that the bot can write to an admin, by a sign of typing or, with `tell`, a message."""
    what = f"admin {admin}"
    try:
        if tell:
            message = trial()
            await bot.send_message(admin, message.text, entities=render.entities(message))
            return CheckResult(what, True, "was sent a message")
        await bot.send_chat_action(admin, "typing")
    except (BadRequest, Forbidden):
        todo = f"they must open https://t.me/{bot.username} and press Start"
        return CheckResult(what, False, f"cannot be written to: {todo}")
    except TelegramError as error:
        return CheckResult(what, False, _no_answer(error.message))
    return CheckResult(what, True, "can be written to")


async def _site(parliament: PetitionsApi, session: aiohttp.ClientSession) -> list[CheckResult]:
    site, description = parliament.site, parliament.description
    try:
        page = await parliament.page(description.lists.open)
    except ParliamentUnavailable as error:
        return [
            CheckResult(site.name, False, f"{_no_answer(error.reason, 'its url')} ({site.url})")
        ]
    except ParliamentError as error:
        if other := await other_shape(parliament, session):
            return [_mistaken(site, description, other)]
        todo = "check that its url is the front page of a petitions site"
        return [
            CheckResult(site.name, False, f"not answering ({error.reason}): {todo} ({site.url})")
        ]
    except PetitionBellError as error:
        return [CheckResult(site.name, False, f"not answering ({error})")]
    if other := await other_shape(parliament, session, page):
        return [_mistaken(site, description, other)]
    return [CheckResult(site.name, True, described(site, description, page))]


def _mistaken(site: Site, description: SiteDescription, other: str) -> CheckResult:
    told = f"works like {other!r}, not like {description.id!r}: set like = {other!r} for it"
    return CheckResult(site.name, False, f"{told} ({site.url})")


def _no_answer(fault: str, setting: str = "telegram.base_url") -> str:
    """Word what went wrong on the way to a server, and what to do; `setting` holds its address."""
    return f"not answering ({fault}): {remedy_of(fault, setting) or 'try again later'}"


# What people would miss, by what it is called here.
_OFFERED: tuple[tuple[Feature, str], ...] = (
    ("topics", "topics"),
    ("departments", "departments"),
    ("trending", "trending"),
    ("constituencies", "constituencies"),
    ("local", "what is signed in a constituency"),
    ("archive", "past parliaments"),
)


def described(site: Site, description: SiteDescription, page: Page) -> str:
    """Word a site that answers as it should: its shape, its thresholds, and what it lacks."""
    parts = [
        f"{site.url}: works like {description.id!r}",
        f"{counted(len(page.petitions), 'petition')} on its first page",
        _thresholds(page),
    ]
    lacks = [] if description.institutions.responder else ["written responses"]
    lacks += [called for name, called in _OFFERED if not description.has(name)]
    if lacks:
        parts.append(f"not there: {', '.join(lacks)}")
    return "; ".join(parts)


def _thresholds(page: Page) -> str:
    """Word the thresholds and what they bring, as the petitions themselves tell them."""
    told = {kind: number for each in page.petitions for number, kind in thresholds(each).items()}
    if not told:
        return "no number of signatures brings anything"
    order = sorted(told.items(), key=lambda each: each[1])
    return "thresholds " + ", ".join(f"{number:,} ({kind})" for kind, number in order)


async def other_shape(
    parliament: PetitionsApi, session: aiohttp.ClientSession, page: Page | None = None
) -> str | None:
    """Return the id of the known site that this one is like, None if it is what it is taken for.

    None too if nobody can tell.
    """
    own = parliament.description
    if parliament.works_like:
        return parliament.works_like if parliament.works_like != own.id else None
    if page is not None and not (page.petitions or page.malformed):
        return None  # it shows nothing by which it could be told
    for name, description in DESCRIPTIONS.items():
        asked = PetitionsApi(structs.replace(parliament.site, like=name), session)
        try:
            await asked.page(description.lists.open)
        except PetitionBellError:
            continue
        if asked.works_like:
            return asked.works_like if asked.works_like != own.id else None
    return None
