"""Answers at once: a site that hangs, or a chat that is busy, keeps nobody waiting in silence."""

import asyncio
from datetime import timedelta

import pytest
from bell import TEA, Conversation, Village, open_petition
from petitions import petition as made_petition
from site_stand_in import Fault

from bot.app import utc_now
from bot.demo.bot_api import BOT_USERNAME
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.polling.lookup import LookupResult, Lookups
from bot.polling.petitions_api import NotFound, Unavailable

CLUB, ADA, BEN = -1005, 61, 62
HANGS = Fault(hang=True)


@pytest.fixture
def club(village: Village) -> Conversation:
    village.api.add_chat(CLUB, "supergroup", title="Tea club")
    village.api.add_member(CLUB, ADA, "creator")
    village.api.add_member(CLUB, BEN)
    return village.chat(CLUB)


# --- with the site hanging -----------------------------------------------------------------------


async def test_anothers_help_comes_while_a_look_hangs(village: Village, club: Conversation) -> None:
    village.site.fail("/", HANGS)
    async with village.bell():
        club.say("/subscribe 700777", user_id=ADA)
        club.say("/petition 700777", user_id=BEN)
        club.say("/help", user_id=BEN)
        await club.hears("/follow", timeout=3)


async def test_a_known_petition_is_shown_from_the_store_while_its_site_hangs(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.fail("/", HANGS)
        village.reader.say(f"/petition {TEA}")
        card = await village.reader.hears("Free tea in every library", timeout=4)
        assert "The petitions site hasn't answered since" in card["text"]


async def test_a_known_petition_is_shown_as_the_site_has_it_while_it_answers(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, signature_count=85)
        card = await village.reader.ask(f"/petition {TEA}", "85")
        assert "The petitions site hasn't answered" not in card["text"]


async def test_what_the_store_tells_of_a_response_bears_its_age(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.fail("/", HANGS)
        await village.reader.ask(f"/response {TEA}", "isn't answering. This is from")


async def test_typing_is_shown_where_more_than_a_second_passes(village: Village) -> None:
    village.site.fail("/", HANGS)
    async with village.bell():
        village.reader.say("/chart 700777")
        await village.api.wait_for(lambda api: api.calls_to("sendChatAction"))
        await village.reader.hears("isn't answering", timeout=8)


async def test_no_typing_is_shown_where_the_answer_comes_at_once(village: Village) -> None:
    async with village.bell():
        await village.reader.ask("/help")
        assert not village.api.calls_to("sendChatAction")


async def test_a_press_is_acknowledged_while_what_it_asks_for_hangs(village: Village) -> None:
    village.site.fail("/", HANGS)
    async with village.bell():
        presses = [village.api.press(READER_CHAT, 1, f"resp|uk:70077{n}|") for n in range(3)]
        for query in presses:
            await asyncio.wait_for(village.reader.sees_note(query), 4)


READER_CHAT = 4242


# --- a refused toast -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [400, 403, 500])
async def test_a_refused_toast_is_no_failure_of_what_was_done(village: Village, code: int) -> None:
    async with village.bell():
        message = await village.reader.subscribes()
        village.api.refuse(None, code, "Toast refused", method="answerCallbackQuery", times=9)
        village.reader.tap(await village.reader.ask(f"/petition {TEA}"), "Make silent")
        await village.api.wait_for(lambda api: api.calls_to("answerCallbackQuery"))
        await village.reader.ask("/help", "/follow")
        assert message["text"]
    assert not any("went wrong" in m["text"] for m in village.api.messages(READER_CHAT))


# --- who spoke -----------------------------------------------------------------------------------


def forwarded(village: Village, automatic: bool, name: str = f"@{BOT_USERNAME}") -> None:
    village.api.messenger.emit(
        "message",
        {
            "message_id": 77,
            "date": village.api.messenger.date(),
            "chat": {"id": CLUB, "type": "supergroup", "title": "Tea club"},
            "from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
            "text": f"{name} {village.site.url}/petitions/{TEA}".strip(),
            "is_automatic_forward": automatic,
        },
    )


async def test_a_channels_post_in_its_discussion_group_is_not_answered(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        forwarded(village, automatic=True)
        await club.ask("/about", "Petition Bell ", user_id=BEN)


@pytest.mark.parametrize("how", ["link", "command", "caption", "edited", "sender_chat"])
async def test_a_channels_post_is_not_answered_there_in_whichever_form_it_comes(
    village: Village, club: Conversation, how: str
) -> None:
    village.site.put(TEA + 1, open_petition(action="Coffee for all"))

    def post(number: int, *, automatic: bool) -> dict[str, object]:
        link = f"@{BOT_USERNAME} {village.site.url}/petitions/{number}"
        words = f"/petition {number}" if how == "command" else link
        sender = {"id": -1009001, "type": "channel", "title": "Tea news"}
        return {
            "message_id": number,
            "date": village.api.messenger.date(),
            "chat": {"id": CLUB, "type": "supergroup", "title": "Tea club"},
            "from": {"id": 777000, "is_bot": False, "first_name": "Telegram"},
            **({"sender_chat": sender} if how == "sender_chat" else {}),
            **({"caption": words} if how == "caption" and automatic else {"text": words}),
            **({"entities": [slash]} if how == "command" else {}),
            "is_automatic_forward": automatic,
        }

    slash = {"type": "bot_command", "offset": 0, "length": len("/petition")}
    async with village.bell():
        kind = "edited_message" if how == "edited" else "message"
        village.api.messenger.emit(kind, post(TEA, automatic=True))
        # The same sender's updates keep their order: an answer to the first would come first.
        village.api.messenger.emit("message", post(TEA + 1, automatic=False))
        await club.hears("Coffee for all")


async def test_a_link_that_somebody_sends_there_is_not_either_unless_the_bot_is_mentioned(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        forwarded(village, automatic=False, name="")
        await club.ask("/about", "Petition Bell ", user_id=BEN)
        await club.ask(f"@{BOT_USERNAME} {TEA}", "Free tea in every library", user_id=BEN)


# --- looks that take their time ------------------------------------------------------------------


class TableSpec:
    """A store that knows one petition."""

    def __init__(self, known: PetitionHistory | None) -> None:
        self.kept = known

    async def history(self, _: PetitionRef) -> PetitionHistory | None:
        return self.kept


async def test_lookups_share_one_look_and_end_with_the_bot() -> None:
    asked = 0

    async def look(ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        raise AssertionError

    ref = PetitionRef("uk", 1)
    known = PetitionHistory(made_petition(), read_at=utc_now() - timedelta(hours=1))
    async with Lookups(look, TableSpec(known), lambda _: utc_now(), utc_now) as lookups:  # type: ignore[arg-type]
        sights = await asyncio.gather(*(lookups(ref) for _ in range(5)))
    assert asked == 1
    assert {sight.read_at for sight in sights} == {known.read_at}
    assert all(isinstance(sight.look, Unavailable) for sight in sights)


async def test_a_look_that_comes_in_time_is_told_as_it_is() -> None:
    async def look(ref: PetitionRef, *, keep: bool = False) -> LookupResult:
        return LookupResult(NotFound(), None, utc_now())

    async with Lookups(look, TableSpec(None), lambda _: utc_now(), utc_now) as lookups:  # type: ignore[arg-type]
        assert isinstance((await lookups(PetitionRef("uk", 1))).look, NotFound)
