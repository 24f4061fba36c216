"""`petition-bell check`: does everything this bot needs answer?"""

import asyncio
from collections.abc import Awaitable, Container, Iterable
from datetime import timedelta
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot import __version__
from bot.config import Config, PollConfig
from bot.errors import ParliamentError, PetitionBellError
from bot.petitions.petition import PetitionRef
from bot.polling.petitions_api import PetitionsApi, open_session
from bot.polling.planner import Limits, bound
from storage import Storage
from storage.opening import open_storage


class Finding(NamedTuple):
    """One line of the table."""

    what: str
    is_well: bool
    detail: str


async def check_all(config: Config) -> bool:
    """Ask storage, Telegram and each site, print a table, and say whether all is well."""
    async with open_session(__version__) as session:
        findings = [
            Finding("configuration", True, _described(config)),
            await _storage(open_storage(config.storage), config),
            *await asyncio.gather(
                _telegram(config),
                *(_site(PetitionsApi(site, session)) for site in config.sites),
            ),
        ]
    _print(findings)
    return all(finding.is_well for finding in findings)


def _described(config: Config) -> str:
    every = config.poll.interval / timedelta(seconds=1)
    sites = ", ".join(site.id for site in config.sites)
    a_minute = config.poll.requests_per_minute
    summary = f"sites {sites}; checked every {every:g} s, at most {a_minute} requests a minute"
    return "\n".join((summary, *config.origins))


async def _storage(opening: Awaitable[Storage], config: Config) -> Finding:
    try:
        storage = await opening
        tally = await storage.tally()
        followed, ruled = await storage.followed(), await storage.ruled_sites()
        await storage.close()
    except PetitionBellError as error:
        return Finding("storage", False, str(error))
    longest = max(promised(site.id, followed, ruled, config.poll) for site in config.sites)
    return Finding(
        "storage",
        True,
        f"{tally.chats} chats, {tally.subscriptions} subscriptions;"
        f" {len(followed)} petitions, each checked within {longest:.0f} s",
    )


def promised(
    site: str, followed: Iterable[PetitionRef], ruled: Container[str], poll: PollConfig
) -> float:
    """Seconds within which each petition followed there is looked at, as `/status` will say."""
    here = sum(ref.site == site for ref in followed)
    # Where rules listen, lists and petitions that nobody follows have their share of the requests.
    shares = 3 if site in ruled else 1
    return bound(here, Limits(poll.interval.total_seconds(), poll.requests_per_minute), shares)


async def _telegram(config: Config) -> Finding:
    try:
        async with Bot(config.telegram.token, base_url=config.telegram.base_url) as bot:
            return Finding("Telegram", True, f"@{bot.username}")
    except InvalidToken:
        return Finding("Telegram", False, "rejected the token")
    except TelegramError as error:
        return Finding("Telegram", False, f"no answer ({type(error).__name__})")


async def _site(parliament: PetitionsApi) -> Finding:
    site = parliament.site
    try:
        page = await parliament.page("open")
    except ParliamentError as error:
        return Finding(site.name, False, f"not answering ({error.reason})")
    except PetitionBellError as error:
        return Finding(site.name, False, f"not answering ({error})")
    return Finding(
        site.name, True, f"{site.url}: {len(page.petitions)} petitions on its first page"
    )


def _print(findings: list[Finding]) -> None:
    table = Table(show_header=False, box=None)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.is_well else "[red]problem[/red]"
        table.add_row(mark, Text(finding.what), Text(finding.detail))
    Console().print(table)
