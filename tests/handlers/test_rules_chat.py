"""Rules in the chat: offered, drafted, kept, changed, ended; constituencies; over real sockets."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bell import READER, TEA, Village, a_response, open_petition, stamp
from site_stand_in import Fault

from bot.app import utc_now
from bot.demo.world import PostcodesApi
from bot.subscriptions.codec import rule_for_link
from bot.subscriptions.subscription import Rule

HOLBORN, MON = "E14001290", "W07000112"
Json = dict[str, Any]


def labels(message: Json) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [key["text"] for row in rows for key in row]


def seat(code: str, name: str, mp: str | None = "Rt Hon Tess Tube MP") -> Json:
    return {"constituency": name, "ons_code": code, "mp": mp, "party": mp and "Tea Party"}


@pytest.fixture
async def postcodes(village: Village) -> AsyncIterator[PostcodesApi]:
    village.site.constituencies = {
        HOLBORN: seat(HOLBORN, "Holborn and St Pancras"),
        MON: seat(MON, "Ynys Môn", None),
    }
    places = [{"name": "Holborn and St Pancras", "ons_code": HOLBORN, "signature_count": 12}]
    village.site.put(TEA, open_petition(signatures_by_constituency=places, topics=["food"]))
    village.site.topics = {"food": "Food and drink", "culture": "Culture"}
    async with PostcodesApi({"SW1A 1AA": HOLBORN, "JE2 3QA": ""}) as api:
        yield api


async def drafted(village: Village, typed: str) -> Json:
    """The draft that follows from typed words."""
    found = await village.reader.ask(f"/subscribe {typed}")
    village.reader.tap(found, "Follow these words")
    return await village.reader.hears("Follow ")


async def saved(village: Village, draft: Json) -> Json:
    """A draft is kept, after consent if it is asked for."""
    village.reader.tap(draft, "Save")
    now = await village.reader.sees_edit(draft, "I need to keep|You're now following")
    if "I need to keep" in now["text"]:
        village.reader.tap(now, "Follow it")
        now = await village.reader.sees_edit(now, "You're now following")
    return now


# --- words


async def test_words_are_searched_and_can_be_followed_from_a_draft(village: Village) -> None:
    async with village.bell():
        found = await village.reader.ask("/subscribe free tea", "Free tea in every library")
        assert "Follow these words" in labels(found)
        village.reader.tap(found, "Follow these words")
        draft = await village.reader.hears("Follow petitions mentioning free tea?")
        assert "would have found nothing" in draft["text"]
        kept = await saved(village, draft)
        assert "✅ You're now following petitions mentioning free tea." in kept["text"]
        assert labels(kept) == ["Change", "Delete"]
        listed = await village.reader.ask("/subscriptions", "You have 1 rule")
        assert "petitions mentioning free tea" in listed["text"]


async def test_a_draft_shows_the_last_week_as_the_site_dates_it(village: Village) -> None:
    now = utc_now()
    lately, before = stamp(now - timedelta(days=2)), stamp(now - timedelta(days=8))
    village.site.put(
        700001, open_petition(action="Tea for dogs", opened_at=lately, signature_count=20)
    )
    village.site.put(
        700002,
        open_petition(
            action="Tea for cats",
            signature_count=12_000,
            response_threshold_reached_at=lately,
            **a_response(),
        ),
    )
    village.site.put(
        700003,
        open_petition(
            action="Tea for birds", signature_count=11_000, response_threshold_reached_at=before
        ),
    )
    village.site.put(700004, open_petition(action="Coffee", opened_at=lately))
    async with village.bell():
        draft = await drafted(village, "tea -coffee")
        text = draft["text"]
        assert "1 petition opened" in text
        assert "1 petition reached 10,000 signatures" in text
        assert "1 petition got a response" in text
        assert "Tea for dogs" in text
        assert "Tea for cats" in text
        assert "birds" not in text
        village.reader.tap(draft, "✓ New petitions")
        less = await village.reader.sees_edit(draft, r"(?s)^(?!.*opened)")
        assert "Tea for dogs" not in less["text"]
        assert "New petitions" in labels(less)


async def test_a_draft_whose_week_cannot_be_asked_says_so_and_can_be_kept(
    village: Village,
) -> None:
    async with village.bell():
        found = await village.reader.ask("/subscribe tea")
        village.site.fail("/petitions.json", Fault(status=503))
        village.reader.tap(found, "Follow these words")
        draft = await village.reader.hears("isn't answering, so I can't show the last 7 days")
        assert (
            "You're now following petitions mentioning tea" in (await saved(village, draft))["text"]
        )


async def test_a_draft_outlives_a_restart_with_what_was_chosen(village: Village) -> None:
    async with village.bell():
        draft = await drafted(village, '"free tea" -coffee')
        village.reader.tap(draft, "✓ Debates")
        draft = await village.reader.sees_edit(draft, "Follow")
        await village.api.wait_for(
            lambda api: "Debates" in labels(api.messages(READER)[-1]) or None
        )
    async with village.bell():
        kept = await saved(village, draft)
        assert 'petitions mentioning "free tea", not coffee' in kept["text"]
        assert "Responses" in kept["text"]
        assert "Debates" not in kept["text"]


async def test_nothing_is_kept_of_a_draft_that_is_cancelled_or_not_agreed_to(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        draft = await drafted(village, "tea")
        reader.tap(draft, "Cancel")
        await reader.sees_edit(draft, "Nothing was saved")
        draft = await drafted(village, "tea")
        reader.tap(draft, "Save")
        await reader.sees_edit(draft, "I need to keep")
        await reader.ask("/subscriptions", "You're not following anything yet")
        await reader.ask("/mydata", "I don't keep anything")


async def test_the_last_thing_a_draft_listens_to_stays(village: Village) -> None:
    async with village.bell():
        menu = await village.reader.ask("/subscribe", "Or follow several petitions at once")
        village.reader.tap(menu, "All responses")
        draft = await village.reader.hears("Follow all government responses?")
        note = await village.reader.sees_note(village.reader.tap(draft, "✓ Responses"))
        assert "Keep at least one on" in note


async def test_words_that_cannot_be_followed_are_explained(village: Village) -> None:
    async with village.bell():
        for typed, answer in (
            ("-tea", "at least one word"),
            (" ".join("abcdefghijk"), "too many words. The limit is 10"),
            ("x" * 41, "too long. The limit is 40 letters"),
            ('"', "What are you looking for?"),
            ("https://example.com/tea", "I can't find a petition behind that link to example.com"),
        ):
            await village.reader.ask(f"/subscribe {typed}", answer)


async def test_words_that_no_button_can_carry_lead_to_the_draft_at_once(village: Village) -> None:
    words = " ".join(f"{letter * 12}" for letter in "abcdef")
    async with village.bell():
        draft = await village.reader.ask(f"/subscribe {words}", "Follow petitions mentioning aaaa")
        assert words in (await saved(village, draft))["text"]


# --- the other things


async def test_what_concerns_all_petitions_is_one_press_away(village: Village) -> None:
    async with village.bell():
        menu = await village.reader.ask("/subscribe", "Which petition?")
        for label, what in (
            ("Passing 10,000", "petitions that pass 10,000 signatures"),
            ("Passing 100,000", "petitions that pass 100,000 signatures"),
            ("All responses", "all government responses"),
            ("All debates", "all debates"),
            ("New petitions", "new petitions"),
        ):
            village.reader.tap(menu, label)
            draft = await village.reader.hears(f"Follow {what}?")
            assert f"You're now following {what}." in (await saved(village, draft))["text"]


async def test_a_topic_is_chosen_by_button_or_by_command(
    village: Village, postcodes: PostcodesApi
) -> None:
    async with village.bell():
        menu = await village.reader.ask("/subscribe")
        village.reader.tap(menu, "Topic")
        topics = await village.reader.hears("Choose a topic")
        assert labels(topics) == ["Culture", "Food and drink", "Cancel"]
        village.reader.tap(topics, "Food and drink")
        await village.reader.hears("Follow petitions on Food and drink?")
        await village.reader.ask(
            "/follow topic: food and drink", "Follow petitions on Food and drink?"
        )
        await village.reader.ask("/follow topic: gardening", "Choose a topic")


async def test_a_department_is_chosen_by_button_or_by_command(village: Village) -> None:
    name = "Department for Environment, Food and Rural Affairs and Tea"
    village.site.edit(TEA, departments=[{"name": name, "acronym": None, "url": None}])
    async with village.bell():
        menu = await village.reader.ask("/subscribe")
        village.reader.tap(menu, "Department")
        choice = await village.reader.hears("Choose a department")
        village.reader.tap(choice, labels(choice)[0])
        await village.reader.hears(f"Follow petitions for {name}?")
        await village.reader.ask("/follow department: tea", "Follow petitions for tea?")
        await village.reader.ask("/follow department: 🫖", "Choose a department")


async def test_a_link_to_a_rule_shows_its_draft_to_anybody(village: Village) -> None:
    rule = Rule(7, "uk", utc_now(), ("response",), words=("tea",), number=4, thread_id=9)
    async with village.bell():
        draft = await village.reader.ask(
            f"/start r_{rule_for_link(rule)}", "Follow petitions mentioning tea?"
        )
        assert (
            "You're now following petitions mentioning tea" in (await saved(village, draft))["text"]
        )
        await village.reader.ask("/start", "tells you when something happens")


@pytest.mark.parametrize("site", ["moon", "uk"])
async def test_a_link_that_cannot_be_read_is_refused_in_words(village: Village, site: str) -> None:
    carried = rule_for_link(Rule(7, site, utc_now(), ("response",), words=("tea",)))
    old = carried if site == "moon" else carried[1:]  # of a site gone, or of another version
    async with village.bell():
        await village.reader.ask(f"/start r_{old}", "can't read this link")


# --- a rule that is kept


async def test_a_rule_is_changed_made_silent_ended_and_had_back(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        kept = await saved(village, await drafted(village, "tea"))
        reader.tap(kept, "Change")
        shown = await reader.sees_edit(kept, "🔔 petitions mentioning tea")
        assert "✓ With sound" in labels(shown)
        assert "Copy link" in labels(shown)
        reader.tap(shown, "✓ Debates")
        shown = await reader.sees_edit(shown, "(?m)^You'll be told about: (?!.*Debates)")
        reader.tap(shown, "Digest")
        await village.api.wait_for(
            lambda api: "✓ Digest" in labels(api.messages(READER)[-1]) or None
        )
        reader.tap(shown, "Delete")
        gone = await reader.sees_edit(shown, "You've unfollowed petitions mentioning tea")
        assert await reader.ask("/subscriptions", "You're not following anything yet")
        reader.tap(gone, "Undo")
        back = await reader.sees_edit(gone, "You're now following petitions mentioning tea")
        assert "Debates" not in back["text"]
        reader.tap(back, "Change")
        again = await reader.sees_edit(back, "🔔 petitions mentioning tea")
        assert "✓ Digest" in labels(again)


async def test_the_list_opens_a_rule_and_a_rule_that_is_gone_says_so(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await saved(village, await drafted(village, "tea"))
        listed = await reader.ask("/subscriptions", "You have 1 rule")
        assert "You're following 1 petition" in listed["text"]
        reader.tap(listed, "petitions mentioning tea")
        shown = await reader.sees_edit(listed, "You'll be told about")
        reader.tap(shown, "‹ Back to list")
        await reader.sees_edit(shown, "You have 1 rule")
        again = await reader.ask("/subscriptions")
        reader.tap(again, "petitions mentioning tea")
        reader.tap(await reader.sees_edit(again, "You'll be told about"), "Delete")
        await reader.sees_edit(again, "You've unfollowed petitions mentioning tea")
        other = await reader.sees_edit(listed, "You have 1 rule")
        note = await reader.sees_note(reader.tap(other, "petitions mentioning tea"))
        assert "already been deleted" in note


# --- alerts


async def test_what_fits_rings_once_however_it_is_followed(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await saved(village, await drafted(village, "tea"))
        await saved(village, await drafted(village, '"every library"'))
        village.site.edit(
            TEA, signature_count=10_002, response_threshold_reached_at=stamp(utc_now())
        )
        await reader.hears("🔔 10,002 signatures")
        await village.looked(3)
        assert reader.unread() == []


async def test_a_petition_that_somebody_else_follows_rings_for_a_rule_that_fits(
    village: Village,
) -> None:
    other = village.chat(5000)
    async with village.bell():
        await other.subscribes()
        await saved(village, await drafted(village, "teas library"))
        village.site.edit(TEA, signature_count=10_002)
        message = await village.reader.hears("🔔 10,000 signatures")
        assert "petitions mentioning teas library" in message["text"]
        village.site.edit(TEA, signature_count=25_001)  # a milestone, which the rule doesn't hear
        await other.hears("🔔 10,002 signatures")
        await other.hears("🔔 25,000 signatures")
        await village.looked(2)
        assert village.reader.unread() == []


# --- constituencies


async def test_a_constituency_is_found_by_whatever_names_it(
    village: Village, postcodes: PostcodesApi
) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        for typed in ("SW1A 1AA", "sw1a1aa", "holborn & st pancras", "Pancras", HOLBORN.lower()):
            shown = await village.reader.ask(f"/constituency {typed}", "📍 Holborn and St Pancras")
            assert "Tess Tube, Tea Party" in shown["text"]
            assert "12  Free tea in every library" in shown["text"]


NAMING = "subscribe unsubscribe petition response constituencies chart map milestones search share"
IN_HOLBORN = "📍 Holborn and St Pancras"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("sw1a-1aa", IN_HOLBORN),
        ("/subscribe sw1a1aa", IN_HOLBORN),
        *((f"/{command} SW1A 1AA", IN_HOLBORN) for command in NAMING.split()),
        ("/search tea sw1a1aa", "🔎 “tea”"),
        ("/petition SW1A-1AA tea", "🔎 “tea”"),
        ("/subscribe free tea SW1A 1AA", "🔎 “free tea”"),
    ],
)
async def test_a_postcode_is_never_searched_for_on_the_petitions_site(
    village: Village, postcodes: PostcodesApi, typed: str, answer: str
) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        await village.reader.ask(typed, answer)
        assert not [seen for seen in village.site.requests if "1aa" in seen.path_qs.lower()]


async def test_a_postcode_becomes_no_word_of_a_rule(village: Village) -> None:
    async with village.bell():
        draft = await drafted(village, "free tea sw1a 1aa")
        assert "Follow petitions mentioning free tea?" in draft["text"]
        assert "1aa" not in json.dumps(draft).lower()


async def test_a_constituency_can_be_followed(village: Village, postcodes: PostcodesApi) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        shown = await village.reader.ask("/constituency SW1A 1AA")
        village.reader.tap(shown, "Follow this constituency")
        draft = await village.reader.hears("Follow Holborn and St Pancras?")
        kept = await saved(village, draft)
        assert "You'll be told about: Entering a top 10." in kept["text"]
        await village.reader.ask("/subscriptions", "Holborn and St Pancras")


async def test_a_followed_constituency_rings_when_it_enters_a_top_ten(
    village: Village, postcodes: PostcodesApi
) -> None:
    def place(code: str, signed: int) -> Json:
        return {"name": f"Seat {code}", "ons_code": code, "signature_count": signed}

    others = [place(f"E1400{n}", 50 + n) for n in range(2000, 2010)]
    village.site.edit(
        TEA, signature_count=5_500, signatures_by_constituency=[*others, place(HOLBORN, 12)]
    )
    async with village.bell(postcodes_api=postcodes.url):
        await village.chat(5000).subscribes()
        shown = await village.reader.ask("/constituency SW1A 1AA")
        village.reader.tap(shown, "Follow this constituency")
        await saved(village, await village.reader.hears("Follow Holborn"))
        village.site.edit(
            TEA, signature_count=5_600, signatures_by_constituency=[*others, place(HOLBORN, 2_055)]
        )
        rang = await village.reader.hears("📍")
        assert "Free tea in every library" in rang["text"]
        await village.looked(2)
        assert village.reader.unread() == []


async def test_members_of_a_group_change_no_rules(village: Village) -> None:
    village.api.add_chat(-55, type="supergroup", title="Tea club")
    group = village.chat(-55)
    async with village.bell():
        await group.ask("/subscribe tea", "Only admins", user_id=77)


async def test_a_postcode_is_kept_nowhere(village: Village, postcodes: PostcodesApi) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        await village.reader.ask("/constituency SW1A 1AA", "Holborn")
    assert postcodes.asked == ["SW1A1AA"]
    asked = [seen.path_qs for seen in village.site.requests]
    assert not any("SW1A" in path for path in asked)


async def test_every_place_gets_a_clear_answer(village: Village, postcodes: PostcodesApi) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        for typed, answer in (
            ("", "Which constituency?"),
            ("ZZ1 1ZZ", "can't find that postcode"),
            ("JE2 3QA", "isn't in any constituency"),
            ("Ynys Mon", "Nobody represents this constituency"),
            ("Hollborn and Saint Pancreas", "Did you mean one of these?"),
            ("Atlantis", "I can't find a constituency called “Atlantis”."),
            ("X" * 3000, "I can't find a constituency"),
        ):
            await village.reader.ask(f"/constituency {typed}".strip(), answer)


async def test_a_misspelt_constituency_is_one_press_away(
    village: Village, postcodes: PostcodesApi
) -> None:
    async with village.bell(postcodes_api=postcodes.url):
        near = await village.reader.ask("/constituency Holborn and Saint Pancreas")
        village.reader.tap(near, "Holborn and St Pancras")
        await village.reader.hears("📍 Holborn and St Pancras")


async def test_places_that_cannot_be_asked_are_said_to_be(
    village: Village, postcodes: PostcodesApi
) -> None:
    postcodes.status = 503
    village.site.fail("/petitions/local", Fault(status=503))
    async with village.bell(postcodes_api=postcodes.url):
        await village.reader.ask("/constituency SW1A 1AA", "can't look up postcodes")
        await village.reader.ask(
            f"/constituency {HOLBORN}", "can't see which petitions have most signatures there"
        )
    village.site.fail("/constituencies.json", Fault(status=503))
    async with village.bell(postcodes_api=postcodes.url):
        await village.reader.ask(f"/constituency {MON}", "can't get the list of constituencies")


# --- buttons of another age


async def test_a_button_nobody_can_use_any_more_says_so(village: Village) -> None:
    async with village.bell():
        message = await village.reader.ask("/help")
        for data in (
            "rule||1",
            "rule||",
            "rule||x.delete",
            "draft||save",
            "draft||opened",
            "more||",
            "more||pass.nothing",
            "more||topic.",
            "words||-",
            "seat||E1",
            "seat||",
        ):
            query = village.api.press(READER, message["message_id"], data)
            note = await village.reader.sees_note(query)
            assert "button" in note or "already been deleted" in note, data
