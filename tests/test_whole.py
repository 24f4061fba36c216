"""The whole petition in the chat, over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from bell import HASTY, READER, TEA, Conversation, Json, Village, a_response, open_petition, stamp
from members_api import MembersApi, Term
from site_stand_in import Fault
from telegram.ext import ExtBot

from bot.app import utc_now
from bot.charts import ChartFailed, Charts
from bot.delivery.card_message import refresh_card
from bot.petitions.petition import PetitionRef
from bot.telegram.request import AiohttpRequest
from storage.opening import open_storage

GANGS = 300239
PAST = {
    "period": "2019-2024",
    "government": "Conservative",
    "dissolution_at": "2024-05-30T00:01:00.000+01:00",
    "response_threshold": 10_000,
    "debate_threshold": 100_000,
}

# Place, signatures, member and party, as the petition's page shows its top ten.
TOP = [
    ("Colne Valley", 423, "Jason McCartney", "Conservative"),
    ("Dewsbury", 371, "Mark Eastwood", "Conservative"),
    ("Barrow and Furness", 359, "Simon Fell", "Conservative"),
    ("Calder Valley", 356, "Craig Whittaker", "Conservative"),
    ("Oldham East and Saddleworth", 356, "Debbie Abrahams", "Labour"),
    ("Heywood and Middleton", 329, "Chris Clarkson", "Conservative"),
    ("Isle of Wight", 324, "Bob Seely", "Conservative"),
    ("Thurrock", 316, "Jackie Doyle-Price", "Conservative"),
    ("Oldham West and Royton", 309, "Jim McMahon", "Labour (Co-op)"),
    ("Normanton, Pontefract and Castleford", 307, "Yvette Cooper", "Labour"),
]


def seats(with_members: bool) -> list[Json]:
    """650 seats whose top fifty have 14,714 signatures together."""
    top = [(name, count, f"{mp} MP") for name, count, mp, _ in TOP]
    next_forty = [(f"Seat {n}", 282 if n < 24 else 281, None) for n in range(40)]
    rest = [(f"Place {n}", 150, None) for n in range(600)]
    return [
        {
            "name": name,
            "ons_code": f"E14{n:06}",
            "mp": mp if with_members else None,
            "signature_count": count,
        }
        for n, (name, count, mp) in enumerate([*top, *next_forty, *rest])
    ]


def gangs(**changes: Any) -> Json:
    """Petition 300239 as it was archived, in our words where they are not figures."""
    return (
        open_petition(
            action="Release the Home Office's Grooming Gang Review in full",
            background="The Government is refusing to release official research.",
            additional_details="An inquiry was promised in July 2018.",
            state="closed",
            signature_count=131_625,
            created_at="2020-03-04T10:31:17.000Z",
            updated_at="2021-02-04T09:30:00.000Z",
            opened_at="2020-03-05T14:20:14.000Z",
            closed_at="2020-09-05T22:59:59.999Z",
            response_threshold_reached_at="2020-03-05T20:21:54.000Z",
            debate_threshold_reached_at="2020-03-10T04:43:34.000Z",
            government_response_at="2020-04-24T18:12:40.000Z",
            government_response={
                "responded_on": "2020-05-19",
                "summary": "A paper will be published this year.",
                "details": "It will set out the findings.\r\n\r\nHome Office",
                "created_at": "2020-04-24T18:12:40.000Z",
                "updated_at": "2020-05-23T14:05:00.000Z",
            },
            departments=[{"acronym": None, "name": "Home Office", "url": None}],
            signatures_by_constituency=seats(with_members=True),
            other_parliamentary_business=[
                {
                    "subject": "Original Government response",
                    "body": "Tackling abuse is a priority.",
                    "occurred_on": "2020-04-24",
                    "created_at": "2020-05-23T14:05:00.000Z",
                    "updated_at": "2020-05-23T14:05:00.000Z",
                }
            ],
        )
        | changes
    )


@asynccontextmanager
async def with_members(village: Village) -> AsyncIterator[MembersApi]:
    """The bot at work beside a Members API."""
    known = {name: [Term(mp, party, "2019-12-12", "2024-05-30")] for name, _, mp, party in TOP}
    async with MembersApi(known) as api, village.bell(members_api=api.url):
        yield api


@pytest.fixture
def archive(village: Village) -> Village:
    """The village, with 300239 in its archive."""
    village.site.put(GANGS, gangs(), archived_in=PAST)
    return village


async def hears_all(reader: Conversation, *words: str) -> Json:
    message = await reader.hears()
    missing = [each for each in words if each not in message["text"]]
    assert not missing, (missing, message["text"])
    return message


def labels(message: Json) -> list[str]:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [key["text"] for row in keyboard for key in row]


# --- the seed page -------------------------------------------------------------------------------


async def test_every_figure_of_the_archived_page_is_in_the_chat(archive: Village) -> None:
    reader = archive.reader
    async with with_members(archive):
        reader.say(f"/petition {GANGS}")
        card = await hears_all(
            reader,
            "Release the Home Office's Grooming Gang Review in full",
            "131,625 signatures",
            "Closed on 5 September 2020, 23:59",
            "opened 5 March 2020, 14:20",
            "714 a day",
            "refusing to release official research",
            "promised in July 2018",
            "The Government responded on 19 May 2020 (Home Office). Its first response was on "
            "24 April 2020.",
            "A paper will be published this year.",
            "From the 2019–2024 parliament (Conservative government)",
        )
        reader.tap(card, "Constituencies")
        await hears_all(
            reader,
            *(f"{name} · {count} · " for name, count, *_ in TOP),
            *(f"{mp}, {party}" for _, _, mp, party in TOP),
            "Colne Valley · 423 · 0.32%\n     Jason McCartney, Conservative",
            "0.28%",
            "0.23%",
            "Top 50: 14,714 signatures, 11.2% of the total.",
        )
        reader.tap(card, "Response")
        told = await hears_all(
            reader,
            "19 May 2020",
            "Home Office",
            "This response has been revised",
            "It will set out the findings.",
        )
        reader.tap(told, "First response, 24 April 2020")
        await hears_all(reader, "This is an earlier version", "Tackling abuse is a priority.")


async def test_members_the_archive_does_not_name_come_from_the_members_api(
    archive: Village,
) -> None:
    archive.site.put(
        GANGS, gangs(signatures_by_constituency=seats(with_members=False)), archived_in=PAST
    )
    async with with_members(archive) as api:
        await archive.reader.ask(f"/constituencies {GANGS}", "Jason McCartney, Conservative")
        assert api.most_at_once == 1


async def test_a_members_api_that_fails_leaves_a_table_without_parties(archive: Village) -> None:
    async with with_members(archive) as api:
        api.status = 500
        message = await archive.reader.ask(f"/constituencies {GANGS}", "Colne Valley · 423")
        assert "Conservative" not in message["text"]


@pytest.mark.parametrize(
    "name",
    ["{n}", "{url}/petitions/{n}", "{url}/archived/petitions/{n}.json", "{url}/petitions/{n}/x?y"],
)
async def test_an_archived_petition_opens_by_its_number_and_by_any_link(
    archive: Village, name: str
) -> None:
    async with archive.bell():
        text = name.format(n=GANGS, url=archive.site.url)
        await archive.reader.ask(f"/petition {text}", "131,625 signatures")


# --- constituencies ------------------------------------------------------------------------------


async def test_ones_own_constituency_is_named_with_the_command(archive: Village) -> None:
    async with with_members(archive):
        await archive.reader.ask(f"/constituencies {GANGS} thurrock", "★ 8. Thurrock · 316 · 0.24%")
        await archive.reader.ask(
            f"/constituencies {GANGS} E14000030", "Seat 20 is number 11 of 650"
        )
        await archive.reader.ask(f"/constituencies {GANGS} Atlantis", "I can't find “Atlantis”")


async def test_all_constituencies_turn_pages_and_come_as_a_file(archive: Village) -> None:
    reader = archive.reader
    async with with_members(archive):
        listed = await reader.ask(f"/constituencies {GANGS}", "Top 50")
        reader.tap(listed, "See all")
        page = await reader.sees_edit(listed, "650 constituencies, page 1 of 33")
        reader.tap(page, "Next ›")
        page = await reader.sees_edit(listed, "page 2 of 33")
        reader.tap(page, "Download CSV")
        document = await archive.api.next_message(READER, after=reader.read)
        upload = archive.api.file(document["document"]["file_id"])
        assert upload is not None
        rows = upload.content.decode("utf-8-sig").splitlines()
        assert len(rows) == 651
        assert rows[1].startswith("1,Colne Valley,E14000000,423,0.3214,Jason McCartney,")


async def test_a_petition_without_constituencies_says_so(village: Village) -> None:
    async with village.bell():
        await village.reader.ask(
            f"/constituencies {TEA}", "doesn't say where this petition was signed"
        )
        await village.reader.ask(f"/map {TEA}", "doesn't say which regions")


async def test_a_map_of_too_few_signatures_is_not_drawn_and_says_from_when_on_it_is(
    village: Village,
) -> None:
    regions = [{"name": "London", "ons_code": "H", "signature_count": 99}]
    village.site.edit(TEA, signatures_by_region=regions)
    async with village.bell():
        await village.reader.ask(f"/map {TEA}", "once there are 100 signatures")


# --- the living card -----------------------------------------------------------------------------


async def test_a_second_card_of_a_followed_petition_edits_the_first_and_points_at_it(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        first = await reader.ask(f"/petition {TEA}", "84 of 10,000")
        village.site.edit(TEA, signature_count=97)
        pointer = await reader.ask(f"/petition {TEA}", "Here it is ↑")
        assert pointer["reply_to_message"]["message_id"] == first["message_id"]
        await reader.sees_edit(first, "97 of 10,000")


async def test_a_card_that_was_deleted_is_sent_anew(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        first = await reader.ask(f"/petition {TEA}", "84 of 10,000")
        village.api.messenger.remove(village.api.messenger.chat(READER), first["message_id"])
        again = await reader.ask(f"/petition {TEA}", "84 of 10,000")
        village.site.edit(TEA, signature_count=97)
        pointer = await reader.ask(f"/petition {TEA}", "Here it is ↑")
        assert pointer["reply_to_message"]["message_id"] == again["message_id"]


async def test_a_petition_only_looked_at_gets_a_new_card_each_time(village: Village) -> None:
    async with village.bell():
        for _ in range(2):
            await village.reader.ask(f"/petition {TEA}", "84 of 10,000")


async def test_news_bring_the_card_up_to_date_and_a_lost_card_is_forgotten(
    village: Village,
) -> None:
    ref = PetitionRef("uk", TEA)
    async with village.bell():
        await village.reader.subscribes()
        shown = await village.reader.ask(f"/petition {TEA}", "84 of 10,000")
    storage = await open_storage(village.config().storage)
    bot: ExtBot[Any] = ExtBot(
        village.api.token, village.api.base_url, request=AiohttpRequest(), rate_limiter=HASTY()
    )
    async with bot:
        known, subscription = await storage.history(ref), await storage.subscription(READER, ref)
        assert known is not None
        assert subscription is not None
        later = datetime(2031, 1, 1, tzinfo=UTC)
        assert await refresh_card(bot, storage, known, subscription, later)
        await village.reader.sees_edit(shown, "Closing date was")
        village.api.refuse(READER, 502, "Bad Gateway", method="editMessageText")
        assert await refresh_card(bot, storage, known, subscription, utc_now())
        village.api.messenger.chat(READER).messages.pop(shown["message_id"])
        assert not await refresh_card(bot, storage, known, subscription, utc_now())
        without = await storage.subscription(READER, ref)
        assert without is not None
        assert without.card_id is None
        assert not await refresh_card(bot, storage, known, without, utc_now())
    await storage.close()


async def test_muting_from_a_card_keeps_its_other_buttons(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        card = await reader.ask(f"/petition {TEA}", "84 of 10,000")
        await reader.sees_note(reader.tap(card, "Make silent"))
        now = next(m for m in village.api.messages(READER) if m["message_id"] == card["message_id"])
        assert {"Constituencies", "Chart", "Turn sound on"} <= set(labels(now))


# --- the response --------------------------------------------------------------------------------


async def test_a_revision_leads_to_the_whole_response_and_to_the_earlier_text(
    village: Village,
) -> None:
    reader = village.reader
    village.site.edit(TEA, signature_count=10_500, **a_response("Tea is fine.", "Old words here."))
    async with village.bell():
        await reader.subscribes()
        revised = a_response("Tea is fine.", "New words here.")["government_response"]
        revised["created_at"] = None
        village.site.edit(TEA, government_response=revised)
        alert = await reader.hears("Government response revised")
        reader.tap(alert, "Read in full")
        await reader.hears("New words here.")
        reader.tap(alert, "Earlier version")
        await reader.hears("Old words here.")


async def test_a_long_response_comes_in_several_messages(village: Village) -> None:
    details = "\r\n\r\n".join(f"Paragraph {n}. " + "word " * 80 for n in range(20))
    village.site.edit(TEA, signature_count=10_500, **a_response("Tea.", details))
    async with village.bell():
        await village.reader.ask(f"/response {TEA}", "Paragraph 0.")
        told = await village.reader.hears("word")
        while "Paragraph 19." not in told["text"]:
            told = await village.reader.hears("word")


async def test_no_response_yet_says_when_one_is_owed(village: Village) -> None:
    async with village.bell():
        await village.reader.ask(f"/response {TEA}", "One is due at 10,000 signatures")
        village.site.edit(
            TEA, signature_count=10_500, response_threshold_reached_at=stamp(utc_now())
        )
        await village.reader.ask(f"/response {TEA}", "yet: waiting")


# --- finding -------------------------------------------------------------------------------------


async def test_a_search_finds_open_petitions_first_and_its_buttons_open_cards(
    village: Village,
) -> None:
    village.site.put(
        700_050,
        open_petition(action="Tea for closed libraries", state="closed", signature_count=9_000),
    )
    async with village.bell():
        results = await village.reader.ask("/search tea", "🔎 “tea”")
        assert labels(results) == [
            "Free tea in every library",
            "Tea for closed libraries",
            "Follow these words",
            "Cancel",
        ]
        village.reader.tap(results, "Tea for")
        await village.reader.hears("9,000 signatures")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("/search", "What are you looking for?"),
        (f"/search {TEA}", "84 of 10,000"),
        ("/search 424242", "There's no petition 424242"),
        ("/search 12345678901", "I couldn't find a petition about"),
        ("/search \x00'; DROP TABLE petitions; --&state=open#", "I couldn't find a petition about"),
        ("/search 🏴󠁧󠁢󠁷󠁬󠁳󠁿 %00 <b>", "I couldn't find a petition about"),
        ("/petition free tea", "Free tea in every library"),
        ("/subscribe free tea", "Free tea in every library"),
        ("/petition zzzz", "I couldn't find a petition about “zzzz”"),
    ],
)
async def test_words_are_searched_for_and_hostile_ones_harm_nothing(
    village: Village, said: str, words: str
) -> None:
    async with village.bell():
        await village.reader.ask(said, words)


async def test_a_search_during_an_outage_says_so(village: Village) -> None:
    village.site.fail("/petitions.json", Fault(status=503))
    village.site.fail("/trending.json", Fault(status=503))
    async with village.bell():
        await village.reader.ask("/search tea", "isn't answering")
        await village.reader.ask("/trending", "isn't answering")


async def test_trending_tells_the_last_hours_number_and_a_quiet_hour_is_told(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.ask("/trending", "No petitions are trending")
        village.site.hourly = lambda: {TEA: 57}
        listed = await village.reader.ask("/trending", "in the last hour")
        assert "+57  Free tea" in listed["text"]
        village.reader.tap(listed, "Free tea")
        await village.reader.hears("84 of 10,000")


# --- milestones and pictures ---------------------------------------------------------------------


async def test_the_ladder_opens_from_the_card(archive: Village) -> None:
    async with archive.bell():
        card = await archive.reader.ask(f"/petition {GANGS}", "131,625")
        archive.reader.tap(card, "Milestones")
        await hears_all(
            archive.reader,
            "✓ 10,000 (response threshold): reached 5 March 2020, 20:21",
            "✓ 100,000 (debate threshold): reached 10 March 2020, 04:43",
            "■ 131,625 now",
        )


async def test_pictures_are_sent_with_their_words(archive: Village) -> None:
    reader = archive.reader
    regions = [{"name": "London", "ons_code": "H", "signature_count": 9_000}]
    archive.site.edit(GANGS, signatures_by_region=regions)
    async with with_members(archive):
        reader.say(f"/chart {GANGS}")
        assert "131,625" in (await hears_picture(archive))["caption"]
        reader.say(f"/map {GANGS}")
        assert "London" in (await hears_picture(archive))["caption"]
        listed = await reader.ask(f"/constituencies {GANGS}", "Top 50")
        reader.tap(listed, "Chart")
        assert "Colne Valley" in (await hears_picture(archive))["caption"]


async def test_a_picture_that_cannot_be_drawn_is_a_line_of_text(
    archive: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise ChartFailed("no")

    monkeypatch.setattr(Charts, "curve", fails)
    async with archive.bell():
        await archive.reader.ask(f"/chart {GANGS}", "I can't draw this")


async def hears_picture(village: Village) -> Json:
    reader = village.reader
    message = await village.api.next_message(READER, after=reader.read, timeout=40)
    assert message["photo"]
    reader.read = message["message_id"]
    return message


async def test_alerts_answer_the_living_card_and_bring_it_up_to_date(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        card = await reader.ask(f"/petition {TEA}", "84 of 10,000")
        village.site.edit(TEA, signature_count=1_002)
        news = await reader.hears("1,000 signatures")
        assert news["reply_to_message"]["message_id"] == card["message_id"]
        await reader.sees_edit(card, "1,002 of 10,000")


async def test_without_a_card_an_alert_stands_alone(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, signature_count=1_002)
        assert "reply_to_message" not in await village.reader.hears("1,000 signatures")
