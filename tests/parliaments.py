"""The bot between four petitions sites at once and a Bot API."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bell import Village, utc_now
from msgspec import structs
from site_stand_in import PetitionsSite, SisterSite
from telegram_stand_in import BotApi

from bot.config import Config
from bot.demo.sister_shapes import (
    JERSEY,
    SCOTLAND,
    SENEDD,
    jersey_petition,
    scottish_petition,
    senedd_petition,
)
from bot.petitions.parliaments import DESCRIPTIONS, site_like

OPENED = timedelta(days=30)


class Parliaments(Village):
    """A village with the three sister sites beside the first one."""

    def __init__(
        self,
        site: PetitionsSite,
        sisters: dict[str, SisterSite],
        api: BotApi,
        folder: Path,
    ) -> None:
        super().__init__(site, api, folder)
        self.senedd, self.scotland, self.jersey = (
            sisters[name] for name in ("senedd", "scotland", "jersey")
        )
        self.sisters = sisters

    def config(self, interval: float = 0.1) -> Config:
        urls = {"uk": self.site.url} | {name: site.url for name, site in self.sisters.items()}
        sites = [site_like(name, DESCRIPTIONS[name], url) for name, url in urls.items()]
        others = {
            name: site.other_url for name, site in self.sisters.items() if site.shape.other_language
        }
        sites = [structs.replace(each, other_url=others.get(each.id, "")) for each in sites]
        return replace(super().config(interval), sites=tuple(sites))

    def publish(self) -> None:
        """A petition about bees on each of the three: 245600, PE2234 and 200500."""
        opened = utc_now() - OPENED
        welsh = {"cy": {"action": "Gwenyn ym mhob parc"}}
        self.senedd.put(245600, senedd_petition(opened, action="Bees in every Welsh park", **welsh))
        self.scotland.put(1450, scottish_petition("PE2234", opened, title="Bees in the glens"))
        self.jersey.put(200500, jersey_petition(opened, action="Bees on every headland"))


@asynccontextmanager
async def four_sites(folder: Path) -> AsyncIterator[Parliaments]:
    """Four sites and a Bot API, all on loopback."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(PetitionsSite(utc_now))
        sisters = {
            shape.name: await stack.enter_async_context(SisterSite(utc_now, shape))
            for shape in (SENEDD, SCOTLAND, JERSEY)
        }
        api = await stack.enter_async_context(BotApi())
        village = Parliaments(site, sisters, api, folder)
        village.publish()
        yield village
