"""One bot over four petitions sites: each petition's life in the words of its parliament."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bell import TEA, Conversation, Json, a_response, open_petition, stamp
from parliaments import Parliaments, four_sites

from bot.demo.sister_shapes import scottish_petition

# What has no part in a petition may not be named in what is said of it.
NOT_THEIRS = {
    "uk": ("Senedd", "States Assembly", "Ministers", "Scottish"),
    "senedd": (
        "Government",
        "government",
        "Westminster",
        "Parliament",
        r"\bMPs?\b",
        "Ministers",
        "States",
        "Scottish",
    ),
    "scotland": (
        "Government",
        "government",
        "Westminster",
        "UK Parliament",
        r"\bMPs?\b",
        "Ministers",
        "States",
        "Senedd",
    ),
    "jersey": (
        "Government",
        "government",
        "Westminster",
        "Parliament",
        r"\bMPs?\b",
        "Committee",
        "committee",
        "Senedd",
    ),
}
OTHER_SCOTTISH = 1451
TOMORROW = timedelta(days=1)
A_WHILE = timedelta(minutes=3)  # in which nothing else is told, so that no flood is held


class Days:
    """The time it is, and days on top of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def stamp(self, **ago: float) -> str:
        return stamp(self.now() - timedelta(**ago))

    def day(self, days: int) -> str:
        return (self.now() + timedelta(days=days)).date().isoformat()


class Life:
    """A village of four sites, and somebody who follows at each."""

    def __init__(self, village: Parliaments, days: Days) -> None:
        self.village, self.days = village, days
        self.readers = {site: village.chat(5000 + n) for n, site in enumerate(NOT_THEIRS)}

    async def follow(self, site: str, said: str) -> None:
        reader = self.readers[site]
        await self.followed(reader, await reader.ask(said))

    async def followed(self, reader: Conversation, asked: Json, title: str = "") -> None:
        assert "I need to keep" in asked["text"], asked["text"]
        agreed = await reader.consents(asked)
        assert "You're now following" in agreed["text"], agreed["text"]
        assert title in agreed["text"]

    async def told(self, site: str, *words: str) -> str:
        """The next alert there, which says all of these."""
        text: str = (await self.readers[site].hears(timeout=20))["text"]
        missing = [each for each in words if each.lower() not in text.lower()]
        assert not missing, (missing, text)
        self.days.ahead += A_WHILE
        return text

    def said(self, site: str) -> list[str]:
        api, reader = self.village.api, self.readers[site]
        bot = api.messenger.bot
        return [m["text"] for m in api.messages(reader.chat_id) if m.get("from") == bot]


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    days = Days()
    async with four_sites(tmp_path) as village:
        # Its time is up, so that its closing is none of a dissolution, which would wait for others.
        library = open_petition(action="Bees in every library", closing_date=days.day(-1))
        village.site.put(TEA, library)
        async with village.bell(now=days.now):
            yield Life(village, days)


# How each petition is followed by link, by number, and by a search.
WAYS = {
    "uk": (
        "follow https://petition.parliament.uk/petitions/700000?x=1",
        "/follow 700000",
        "Bees in every library",
    ),
    "senedd": (
        "follow https://deisebau.senedd.cymru/deisebau/245600 please",
        "follow 245600",
        "Bees in every Welsh park",
    ),
    "scotland": (
        "athchuingean.parlamaid-alba.scot/athchuingean/PE2234 follow",
        "follow pe 2234",
        "Bees in the glens",
    ),
    "jersey": (
        "follow https://petitions.gov.je/petitions/200500#top",
        "/follow 200500",
        "Bees on every headland",
    ),
}


async def test_each_petition_is_followed_by_link_by_number_and_by_search(life: Life) -> None:
    for n, (by_link, by_number, title) in enumerate(WAYS.values()):
        for m, said in enumerate((by_link, by_number)):
            reader = life.village.chat(6000 + 10 * n + m)
            await life.followed(reader, await reader.ask(said), title)
        reader = life.village.chat(6002 + 10 * n)
        found = await reader.ask(title.lower())
        reader.tap(found, title)
        reader.tap(await reader.hears(title), "Follow")
        await life.followed(reader, await reader.hears(), title)


async def test_four_lives_are_told_in_the_words_of_their_parliaments(life: Life) -> None:
    await _begin(life)
    for live in (_at_westminster, _at_the_senedd, _in_scotland, _in_jersey):
        await live(life)
    await _look_around(life)
    await _taken_down(life)
    strange = [
        (site, word, text)
        for site, words in NOT_THEIRS.items()
        for text in life.said(site)
        for word in words
        if re.search(word, text)
    ]
    assert not strange


async def _begin(life: Life) -> None:
    for site, (_, by_number, _) in WAYS.items():
        await life.follow(site, by_number)
    with_debates = {"debate_threshold_reached_at": None, "scheduled_debate_date": None}
    with_debates |= {"debate_outcome_at": None, "debate": None}
    glen = scottish_petition("PE2235", life.days.now() - TOMORROW, title="Hives", **with_debates)
    life.village.scotland.put(OTHER_SCOTTISH, glen)
    link = "https://petitions.parliament.scot/petitions/PE2235"
    assert "following" in (await life.readers["scotland"].ask(f"follow {link}"))["text"]


def _debate(days: Days) -> Json:
    links = {"transcript_url": None, "video_url": None, "debate_pack_url": None}
    return {"debated_on": days.day(0), "overview": "It was heard.", **links}


async def _at_westminster(life: Life) -> None:
    site, days = life.village.site, life.days
    site.edit(TEA, signature_count=10_004, response_threshold_reached_at=days.stamp(minutes=1))
    await life.told("uk", "10,000", "government response is now due")
    site.edit(TEA, **a_response())
    await life.told("uk", "The Government has responded")
    site.edit(TEA, signature_count=100_003, debate_threshold_reached_at=days.stamp(minutes=1))
    await life.told("uk", "100,003", "Parliament will now consider it for a debate")
    site.edit(TEA, scheduled_debate_date=days.day(9), debate_scheduled_on=days.day(0))
    await life.told("uk", "Debate on")
    site.edit(TEA, debate=_debate(days), debate_outcome_at=days.stamp(seconds=1))
    await life.told("uk", "debated")
    site.edit(TEA, state="closed", closed_at=days.stamp(seconds=1))
    await life.told("uk", "Closed", "100,003")


async def _at_the_senedd(life: Life) -> None:
    site, days = life.village.senedd, life.days
    site.edit(245600, signature_count=251, referral_threshold_reached_at=days.stamp(minutes=1))
    await life.told("senedd", "250 signatures", "The Petitions Committee")
    site.edit(245600, signature_count=10_002, debate_threshold_reached_at=days.stamp(minutes=1))
    await life.told("senedd", "10,002", "debate")
    # Its time runs out, and a moment later the site says so.
    site.edit(245600, closed_at=days.stamp(seconds=1))
    await site.wait_for_requests(len(site.seen("/petitions/245600.json")) + 3, "/petitions/245600")
    site.edit(245600, state="closed")
    await life.told("senedd", "Closed", "10,002")
    site.edit(245600, referred_at=days.stamp(seconds=1))
    await life.told("senedd", "the Petitions Committee")
    site.edit(245600, scheduled_debate_date=days.day(9))
    await life.told("senedd", "Debate on")
    site.edit(245600, debate=_debate(days), debate_outcome_at=days.stamp(seconds=1))
    await life.told("senedd", "debated")
    site.edit(245600, state="completed", completed_at=days.stamp(seconds=1))
    await life.told("senedd", "Petitions Committee")


async def _in_scotland(life: Life) -> None:
    site, days = life.village.scotland, life.days
    site.edit(1450, signature_count=1_001)
    await life.told("scotland", "1,000 signatures")
    reached = days.stamp(minutes=1)
    site.edit(OTHER_SCOTTISH, signature_count=5_003, debate_threshold_reached_at=reached)
    await life.told("scotland", "5,003", "debate")
    site.edit(OTHER_SCOTTISH, scheduled_debate_date=days.day(9))
    await life.told("scotland", "Debate on")
    site.edit(OTHER_SCOTTISH, debate=_debate(days), debate_outcome_at=days.stamp(seconds=1))
    await life.told("scotland", "debated")
    site.edit(1450, status="closed", closed_at=days.stamp(minutes=1))
    await life.told("scotland", "Public Petitions Committee")


async def _in_jersey(life: Life) -> None:
    site, days = life.village.jersey, life.days
    site.edit(200500, signature_count=1_001, response_threshold_reached_at=days.stamp(minutes=1))
    await life.told("jersey", "1,000 signatures", "Ministers")
    response = a_response("Ministers like bees.")
    site.edit(
        200500,
        ministers_response=response["government_response"],
        ministers_response_at=response["government_response_at"],
    )
    await life.told("jersey", "Ministers")
    site.edit(200500, signature_count=5_003, debate_threshold_reached_at=days.stamp(minutes=1))
    await life.told("jersey", "5,003 signatures", "States Assembly")
    site.edit(200500, scheduled_debate_date=days.day(9))
    await life.told("jersey", "Debate on")
    site.edit(200500, debate=_debate(days), debate_outcome_at=days.stamp(seconds=1))
    await life.told("jersey", "debated")
    site.edit(200500, state="closed", closed_at=days.stamp(seconds=1))
    await life.told("jersey", "Closed", "5,003")


async def _look_around(life: Life) -> None:
    """The pages of each petition, where there are any."""
    numbers = {"uk": str(TEA), "senedd": "245600", "scotland": "PE2234", "jersey": "200500"}
    for site, number in numbers.items():
        reader = life.readers[site]
        for command in ("petition", "response", "constituencies", "milestones", "map", "settings"):
            await reader.ask(f"/{command} {number}")


async def _taken_down(life: Life) -> None:
    village = life.village
    numbers = {"uk": TEA, "senedd": 245600, "scotland": 1450}
    for site, sites_own in zip(
        numbers, (village.site, village.senedd, village.scotland), strict=True
    ):
        sites_own.take_down(numbers[site])
        await life.told(site, "taken off")
    village.jersey.put(200501, {**village.jersey._entries[200500].attributes(life.days.now())})
    village.jersey.take_down(200500)
    await village.jersey.wait_for_requests(len(village.jersey.seen()) + 15, timeout=20)
    assert not life.readers["jersey"].unread()
    life.days.ahead += TOMORROW
    await life.told("jersey", "taken off")
