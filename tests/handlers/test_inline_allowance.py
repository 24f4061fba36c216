"""Who has asked the site a lot by typing is offered what is known, or told when to type on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from bell import READER, TEA, Json, Village, open_petition
from site_stand_in import Fault

from bot.config import Config, PollConfig

QUERIES = 4  # each asks for three lists; a person has ten requests a minute of sixty


class TightVillage(Village):
    """One whose site may be asked for sixty things a minute."""

    def config(self, interval: float = 60.0) -> Config:
        return replace(super().config(interval), poll=PollConfig(timedelta(seconds=interval), 60))


@pytest.fixture
def tight(village: Village) -> Village:
    return TightVillage(village.site, village.api, village.folder)


async def offered(village: Village, query: str) -> Json:
    asked = village.api.ask_inline(READER, query)
    return await village.api.wait_for(
        lambda api: next((a for a in api.answers if a.get("inline_query_id") == asked), None)
    )


async def uses_up(village: Village) -> None:
    for number in range(QUERIES):
        await offered(village, f"words nobody uses {number}")


async def test_what_is_known_is_offered_beyond_the_allowance(tight: Village) -> None:
    async with tight.bell():
        await tight.reader.subscribes()
        await uses_up(tight)
        seen = len(tight.site.seen())
        answer = await offered(tight, "free tea")
        assert [result["title"] for result in answer["results"]] == ["Free tea in every library"]
        assert "in a minute" in answer["button"]["text"]
        assert answer["cache_time"] < 60
        assert not any("tea" in str(each) for each in tight.site.seen()[seen:])


async def test_where_nothing_is_known_it_is_said_when_to_type_on(tight: Village) -> None:
    async with tight.bell():
        await tight.reader.subscribes()
        await uses_up(tight)
        for query in ("coffee", str(TEA + 5)):
            answer = await offered(tight, query)
            assert answer["results"] == []
            assert "in a minute" in answer["button"]["text"]


async def test_within_the_allowance_the_site_is_asked(tight: Village) -> None:
    tight.site.put(TEA + 1, open_petition(action="Coffee for all"))
    async with tight.bell():
        answer = await offered(tight, "coffee")
        assert [result["title"] for result in answer["results"]] == ["Coffee for all"]
        assert "button" not in answer
        assert (await offered(tight, "zzz"))["button"]["text"] == "Follow petitions with this bot"


async def test_a_site_that_is_away_is_told_so(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        for lists in ("/petitions.json", "/archived"):
            village.site.fail(lists, Fault(status=502))
        assert "isn't answering" in (await offered(village, "coffee"))["button"]["text"]
