"""A petition that gathers its supporters, or is being checked, followed from its first day."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from site_stand_in import PetitionsSite
from telegram_stand_in import BotApi

from bot.app import utc_now
from bot.messages.following.subscriptions import Followed, subscribed
from bot.petitions.events import NotPublished, Opened, Rejected
from bot.petitions.history import PetitionHistory
from bot.petitions.observe import observe, observe_unpublished, unpublished
from bot.petitions.petition import Debate, GovernmentResponse, Petition, PetitionRef, Site
from bot.polling.outlook import Limits, Outlook, Whole
from bot.polling.planner import UNPUBLISHED_ROUNDS, plan
from bot.subscriptions.subscription import Subscription
from tests.bell import READER, TEA, Village, open_petition, stamp

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
REF = PetitionRef("uk", TEA)
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    async with PetitionsSite(utc_now) as site, BotApi() as api:
        site.put(TEA, open_petition())
        site.redirect(TEA, "gathering-support")
        yield Village(site, api, tmp_path)


def _opens(village: Village) -> None:
    village.site.edit(TEA, opened_at=stamp(utc_now()))
    village.site.restore(TEA)


# --- in a chat


async def test_following_a_petition_that_gathers_supporters_says_what_can_come(
    village: Village,
) -> None:
    async with village.bell():
        asked = await village.reader.ask(f"/subscribe {TEA}", "I need to keep")
        told = await village.reader.consents(asked)
        assert told["text"].splitlines() == [
            f"✅ You're now following Petition {TEA}",
            "Gathering its first supporters, not open yet",
            "I'll tell you when it opens for signatures or is rejected.",
            "Alerts arrive with sound, smaller news without.",
        ]


async def test_its_opening_rings_once_and_then_it_is_heard_of_like_any_other(
    village: Village,
) -> None:
    async with village.bell():
        message = await village.reader.ask(f"/subscribe {TEA}")
        await village.reader.consents(message)
        _opens(village)
        opened = await village.reader.hears("Open for signatures")
        assert "Free tea in every library" in opened["text"]
        await village.looked()
        assert village.reader.unread() == []
        village.site.edit(TEA, signature_count=10_400)
        await village.reader.hears("10,000")


async def test_its_opening_rings_though_the_bell_was_off_when_it_came(village: Village) -> None:
    async with village.bell():
        await village.reader.consents(await village.reader.ask(f"/subscribe {TEA}"))
    _opens(village)
    async with village.bell():
        await village.reader.hears("Open for signatures")


async def test_its_rejection_rings_once(village: Village) -> None:
    async with village.bell():
        await village.reader.consents(await village.reader.ask(f"/subscribe {TEA}"))
        village.site.edit(
            TEA,
            state="rejected",
            opened_at=None,
            rejected_at=stamp(utc_now()),
            rejection={"code": "duplicate", "details": "There is one already."},
        )
        village.site.restore(TEA)
        await village.reader.hears("Rejected")
        await village.looked()
        assert village.reader.unread() == []


async def test_while_nothing_is_decided_nothing_rings(village: Village) -> None:
    async with village.bell():
        await village.reader.consents(await village.reader.ask(f"/subscribe {TEA}"))
        village.site.redirect(TEA, "moderation-info")
        await village.looked(3)
        assert village.reader.unread() == []
        card = await village.reader.ask(f"/petition {TEA}", "Being checked")
        assert "signatures" not in card["text"]


async def test_a_stopped_petition_is_not_followed_for_it_never_opens(village: Village) -> None:
    village.site.redirect(TEA, "/")
    async with village.bell():
        told = await village.reader.ask(f"/subscribe {TEA}", "won't open")
        assert "Try again" not in told["text"]
        assert "reply_markup" not in told
        await village.reader.ask("/subscriptions", "You're not following anything")


async def test_a_followed_one_that_is_stopped_is_told_of_once(village: Village) -> None:
    async with village.bell():
        await village.reader.consents(await village.reader.ask(f"/subscribe {TEA}"))
        village.site.redirect(TEA, "/")
        await village.reader.hears("Stopped before it was published")
        await village.looked()
        assert village.reader.unread() == []


async def test_its_number_alone_offers_to_wait_for_it_and_a_press_does(village: Village) -> None:
    async with village.bell():
        offer = await village.reader.ask(str(TEA), "still gathering its first supporters")
        village.reader.tap(offer, "Tell me when it opens")
        asked = await village.reader.hears("I need to keep")
        await village.reader.consents(asked)
        listed = await village.reader.ask("/subscriptions", f"not open yet  Petition {TEA}")
        assert "signature" not in listed["text"]
        await village.reader.ask(f"/chart {TEA}", "nothing more to show")


@pytest.mark.parametrize("said", ["/search {}", "https://petition.parliament.uk/petitions/{}"])
async def test_wherever_it_is_named_the_answer_is_the_same(village: Village, said: str) -> None:
    async with village.bell():
        offer = await village.reader.ask(said.format(TEA), "still gathering its first supporters")
        assert "reply_markup" in offer


async def test_its_link_begins_to_wait_for_it(village: Village) -> None:
    async with village.bell():
        asked = await village.reader.ask(f"/start p_uk_{TEA}", "I need to keep")
        told = await village.reader.consents(asked)
        assert "when it opens" in told["text"]


async def test_inline_it_is_a_card_without_numbers(village: Village) -> None:
    async with village.bell():
        asked = village.api.ask_inline(READER, str(TEA))
        answer = await village.api.wait_for(
            lambda api: next((a for a in api.answers if a.get("inline_query_id") == asked), None)
        )
        [result] = answer["results"]
        assert result["description"] == "Gathering its first supporters, not open yet"


async def test_a_number_that_is_nobodys_cannot_be_followed(village: Village) -> None:
    village.site.hide(TEA)
    async with village.bell():
        await village.reader.ask(f"/subscribe {TEA}", "There's no petition")
        assert village.reader.unread() == []


# --- by itself

_WAITING = PetitionHistory(unpublished(REF, UK, "gathering_support"), NOW)


def _later(known: PetitionHistory, *states: str) -> tuple[PetitionHistory, list[object]]:
    told: list[object] = []
    for state in states:
        known, occurrences = observe_unpublished(known, state, NOW)  # type: ignore[arg-type]
        told += [occurrence.event for occurrence in occurrences]
    return known, told


def test_hidden_for_an_hour_of_looks_it_is_told_of_once_and_may_still_open() -> None:
    assert _later(_WAITING, *["hidden"] * 11)[1] == []
    known, told = _later(_WAITING, *["hidden"] * 40)
    assert told == [NotPublished("hidden")]
    published = Petition(
        ref=REF, url="", action="Tea", state="open", signature_count=7, opened_at=NOW
    )
    known, occurrences = observe(known, published, NOW)
    assert [type(each.event) for each in occurrences] == [Opened]


def test_a_404_now_and_then_says_nothing() -> None:
    _, told = _later(_WAITING, *["hidden", "moderation"] * 20)
    assert told == []


def test_a_published_petition_that_moderators_have_back_is_left_as_it_was() -> None:
    published = Petition(ref=REF, url="", action="Tea", state="open", signature_count=7)
    known = PetitionHistory(published, NOW)
    assert _later(known, *["moderation", "stopped", "hidden"] * 9) == (known, [])


def test_rejected_before_it_opened_it_rings_and_opens_later_all_the_same() -> None:
    rejected = Petition(ref=REF, url="", action="Tea", state="rejected", signature_count=7)
    known, first = observe(_WAITING, rejected, NOW)
    allowed = Petition(
        ref=REF, url="", action="Tea", state="open", signature_count=9, opened_at=NOW
    )
    _, second = observe(known, allowed, NOW)
    assert [type(each.event) for each in (*first, *second)] == [Rejected, Opened]


def test_it_is_looked_at_seldom_and_makes_no_look_seem_late() -> None:
    outlook = Outlook(Limits(60, 60))
    outlook.learn(_WAITING.petition, 0, 0, NOW)
    assert plan(outlook, 5, 60 * UNPUBLISHED_ROUNDS - 1) == []
    assert plan(outlook, 5, 60 * UNPUBLISHED_ROUNDS) == [Whole(TEA)]
    assert outlook.oldest_look([TEA]) is None


def test_an_open_one_is_looked_at_every_interval() -> None:
    outlook = Outlook(Limits(60, 60))
    outlook.learn(Petition(ref=REF, url="", action="", state="open", signature_count=7), 0, 0, NOW)
    assert plan(outlook, 5, 60) == [Whole(TEA)]
    assert outlook.oldest_look([TEA]) == 0


# --- what following promises


def _promise(**changes: object) -> str:
    plain = {
        "ref": REF,
        "url": "https://petition.parliament.uk/petitions/1",
        "action": "Tea",
        "state": "open",
        "signature_count": 84,
        "response_threshold": 10_000,
        "debate_threshold": 100_000,
    }
    petition = Petition(**(plain | changes))  # type: ignore[arg-type]
    message, _ = subscribed(Followed(Subscription(1, REF, NOW), petition), NOW, "")
    return " ".join(message.text.splitlines()[2:])


_RESPONSE = {"government_response": GovernmentResponse("Yes.")}
_DEBATED = {"debate": Debate(date(2026, 2, 2))}
_REFUSED = {"debate": Debate(None)}
_PLANNED = {"scheduled_debate_date": date(2039, 2, 1)}


@pytest.mark.parametrize(
    ("petition", "said", "unsaid"),
    [
        ({}, "closing, the government response and a debate if there is one", "already"),
        (_RESPONSE, "has already responded. I'll tell you about milestones", "the government resp"),
        (_RESPONSE, "changes to the response", "nothing is due"),
        (_DEBATED, "already been debated", "a debate if"),
        (_DEBATED, "anything new about the debate", "if there is one"),
        (_REFUSED, "decided not to debate it", "a debate if"),
        (_PLANNED, "planned for Tuesday 1 February 2039", "if there is one"),
        ({"state": "closed"}, "nothing is due", "I'll tell you about"),
        ({"state": "closed", **_RESPONSE}, "has already responded", "nothing is due"),
        ({"state": "closed", "signature_count": 12_000}, "the government response", "due"),
        ({"state": "closed", "signature_count": 12_000, **_RESPONSE}, "changes to the", "due"),
        ({"state": "closed", "signature_count": 120_000, **_RESPONSE}, "and the debate", "due"),
        ({"state": "closed", "archived": True}, "past parliament", "I'll tell you about"),
        ({"state": "rejected"}, "if it's accepted after all", "opens"),
        ({"state": "moderation"}, "when it opens for signatures or is rejected", "Milestones"),
        ({"state": "stopped"}, "won't open", "when it opens"),
    ],
)
def test_what_is_promised_is_what_still_can_happen(
    petition: dict[str, object], said: str, unsaid: str
) -> None:
    promise = _promise(**petition)
    assert said.casefold() in promise.casefold()
    assert unsaid.casefold() not in promise.casefold()


def test_looks_at_it_stay_within_five_minutes_by_default() -> None:
    assert timedelta(seconds=60) * UNPUBLISHED_ROUNDS == timedelta(minutes=5)
