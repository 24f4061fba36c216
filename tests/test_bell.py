"""The whole bot over real sockets: people on one side, a petition's life on the other."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from bell import READER, TEA, Village, a_response, open_petition, stamp
from site_stand_in import Fault

from bot.app import running, utc_now
from bot.config import LimitsConfig
from bot.delivery.rate_limiter import RateLimiter
from bot.petitions.parse import parse_petition
from bot.petitions.petition import Site

SAMPLES = Path(__file__).parent / "samples"
COFFEE = 700_001


class Unhurried:
    """A clock that can be put forward, so that what happens is not taken for a flood of news."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.passed

    def go_on(self) -> None:
        self.passed += timedelta(minutes=3)


async def test_a_reader_is_asked_once_follows_and_hears_each_event_once(village: Village) -> None:
    reader = village.reader
    async with village.bell(clock := Unhurried()):
        asked = await reader.ask(f"/subscribe {TEA}", "I need to keep")
        assert "You're now following" in (await reader.consents(asked))["text"]

        village.site.edit(
            TEA, signature_count=10_002, response_threshold_reached_at=stamp(utc_now())
        )
        await reader.hears("🔔 10,002 signatures")
        village.site.edit(TEA, **a_response(), closing_date=utc_now().date().isoformat())
        await reader.hears("💬 The Government has responded")
        revised = a_response("We love tea.")
        revised["government_response"]["created_at"] = None
        village.site.edit(TEA, government_response=revised["government_response"])
        await reader.hears("💬 Government response revised")
        clock.go_on()
        village.site.edit(TEA, state="closed", closed_at=stamp(utc_now()), closing_date=None)
        await reader.hears("🏁 Closed with 10,002 signatures.")
        await village.looked(3)
        assert reader.unread() == []


async def test_the_recorded_life_reaches_a_reader_in_order_and_nothing_else_does(
    village: Village,
) -> None:
    reader, other = village.reader, village.chat(5000)
    village.site.put(COFFEE, open_petition())
    recorded = [path.read_bytes() for path in sorted(SAMPLES.glob("show_life_*.json"))]
    bodies = [body for body in recorded if b'"attributes"' in body]
    village.site.serve_body(TEA, bodies[0])
    async with village.bell(clock := Unhurried()):
        await reader.subscribes()
        await other.subscribes(COFFEE)
        for body in bodies[1:]:
            village.site.serve_body(TEA, body)
            await village.looked(2)
        await village.looked(3)
        clock.go_on()
        village.site.edit(COFFEE, signature_count=10_002)
        await other.hears("10,002 signatures")
        text = ""
        while "Closed with 100,345 signatures" not in text:
            text += f"{(await reader.hears())['text']}\n\n"
        for words in (
            "9,999 signatures, past 5,000",
            "10,000 signatures",
            "Committee added a note",
            "has responded",
            "response revised",
            "withdrawn",
            "responded again",
            "99,999 signatures, past 75,000",
            "100,000 signatures",
            "Debate date added",
            "Debate moved",
            "The debate no longer has a date",
            "Debate date added",
            "In Parliament",
            "Debated",
            "New links about the debate",
            "Closed with 100,345 signatures",
        ):
            text = text[text.index(words) + len(words) :]
        await village.looked(3)
        assert reader.unread() == []


async def test_subscribing_shows_the_state_and_rings_nothing_old(village: Village) -> None:
    village.site.put(TEA, open_petition(signature_count=120_000, **a_response()))
    async with village.bell():
        message = await village.reader.subscribes()
        assert "120,000 signatures" in message["text"]
        await village.looked(3)
        assert village.reader.unread() == []


async def test_what_happened_while_the_bot_was_away_rings_once_after_its_return(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
    village.site.edit(TEA, signature_count=10_002)
    async with village.bell():
        await reader.hears("10,002 signatures")
    async with village.bell():
        await village.looked(3)
        assert reader.unread() == []


async def test_an_alert_that_could_not_be_sent_is_sent_after_a_restart(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        village.api.refuse(READER, 502, "Bad Gateway", times=1000, method="sendMessage")
        village.site.edit(TEA, signature_count=10_002)
        refused = lambda api: len(api.calls_to("sendMessage")) >= 4 or None  # noqa: E731 - read once
        await village.api.wait_for(refused)
    village.api.accept_everything()
    async with village.bell():
        await reader.hears("10,002 signatures")
        await village.looked(3)
        assert reader.unread() == []


async def test_a_flood_limit_on_one_chat_holds_up_no_other(village: Village) -> None:
    other = village.chat(5000)
    async with village.bell(rate_limiter=RateLimiter):
        await village.reader.subscribes()
        await other.subscribes()
        village.api.refuse(
            READER,
            429,
            "Too Many Requests: retry after 1",
            {"retry_after": 1},
            method="sendMessage",
        )
        village.site.edit(TEA, signature_count=10_002)
        await other.hears("10,002 signatures")
        await village.reader.hears("10,002 signatures")
        await village.looked(2)
        assert village.reader.unread() == other.unread() == []


async def test_a_chat_that_blocked_the_bot_keeps_its_subscriptions_and_wakes(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        village.api.block(READER)
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(3)
        village.api.unblock(READER)
        await reader.hears("10,002 signatures")
        await reader.ask("/subscriptions", "You're following 1 petition")


async def test_a_group_that_becomes_a_supergroup_hears_on(village: Village) -> None:
    village.api.add_chat(-55, type="group", title="Tea club")
    group = village.chat(-55)
    async with village.bell():
        await group.subscribes()
        village.api.migrate(-55, -100_055)
        village.site.edit(TEA, signature_count=10_002)
        await village.chat(-100_055).hears("10,002 signatures")


async def test_formatting_that_telegram_refuses_is_sent_plain(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.api.refuse(
            READER, 400, "Bad Request: can't parse entities: boo", method="sendMessage"
        )
        village.site.edit(TEA, signature_count=10_002)
        message = await village.reader.hears("10,002 signatures")
        assert "entities" not in message


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=404, body=b'{"status":404,"error":"Not Found"}'),
        Fault(status=500, body=b'{"status":500,"error":"Internal Server Error"}'),
        Fault(status=503, body=b"", headers={"Retry-After": "1"}),
        Fault(status=200, body=b"<html>maintenance</html>", content_type="text/html"),
        Fault(status=200, body=b'{"data": {"id": 700000, "attributes": {"state": 3}}}'),
        Fault(truncate=True),
    ],
    ids=["404", "500", "503", "html", "malformed", "truncated"],
)
async def test_a_look_that_fails_rings_nothing_and_loses_nothing(
    village: Village, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.polling.site_state._FIRST_BACKOFF", 0.1)
    async with village.bell():
        await village.reader.subscribes()
        village.site.fail(f"/petitions/{TEA}.json", fault, times=2)
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        await village.looked(2)
        assert village.reader.unread() == []


async def test_a_petition_taken_down_rings_once_and_its_return_too(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.take_down(TEA)
        await village.reader.hears("Taken off the site")
        await village.looked(3)
        assert village.reader.unread() == []
        village.site.restore(TEA)
        await village.reader.hears("Open for signatures again")


async def test_a_petition_that_moves_to_the_archive_stays_followed_in_silence(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.edit(TEA, closing_date=utc_now().date().isoformat())
        await village.looked()
        village.site.edit(TEA, state="closed", closed_at=stamp(utc_now()))
        await village.reader.hears("Closed")
        village.site.archive(TEA, {"period": "2024-2029", "government": "Labour"})
        await village.site.wait_for_requests(3, f"/archived/petitions/{TEA}")
        assert village.reader.unread() == []
        village.site.edit(TEA, **a_response())
        await village.reader.hears("has responded")


# --- chat ----------------------------------------------------------------------------------------


async def test_a_deep_link_subscribes_after_consent(village: Village) -> None:
    async with village.bell():
        asked = await village.reader.ask(f"/start p_uk_{TEA}", "I need to keep")
        assert "You're now following" in (await village.reader.consents(asked))["text"]
        assert (
            "You've been following this petition since"
            in (await village.reader.ask(f"/start p_uk_{TEA}"))["text"]
        )


async def test_a_number_as_its_site_writes_none_is_not_asked_for(village: Village) -> None:
    async with village.bell():
        told = await village.reader.subscribes()
        before = len(village.site.requests)
        await village.reader.ask("/start p_uk_PE2234", "Petition Bell tells you")
        for verb in ("sub", "card"):
            for name in ("uk:PE2234", "uk:0"):
                query = village.api.press(READER, told["message_id"], f"{verb}|{name}|")
                assert "no longer works" in await village.reader.sees_note(query)
        assert not any("PE2234" in str(each) for each in village.site.requests[before:])


async def test_consent_is_not_asked_twice_and_never_in_a_group(village: Village) -> None:
    village.site.put(700001, open_petition(action="Coffee"))
    village.api.add_chat(-77, type="supergroup", title="Tea club")
    async with village.bell():
        await village.reader.subscribes()
        await village.reader.ask("/subscribe 700001", "You're now following")
        await village.chat(-77).ask(f"/subscribe {TEA}", "is now following")


async def test_unsubscribing_can_be_undone_and_until_then_nothing_rings(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        ended = await reader.ask(f"/unsubscribe {TEA}", "You've unfollowed")
        village.site.edit(TEA, signature_count=1_002)
        reader.tap(ended, "Undo")
        await reader.sees_edit(ended, "You're now following")
        village.site.edit(TEA, signature_count=2_600)
        await reader.hears("2,500 signatures")
        assert reader.unread() == []


async def test_a_chat_follows_no_more_than_it_may_and_hears_how_to_make_room(
    village: Village,
) -> None:
    reader = village.reader
    village.site.put(COFFEE, open_petition(action="Free coffee"))
    async with running(replace(village.config(), limits=LimitsConfig(subscriptions=1))):
        await reader.subscribes()
        refused = await reader.ask(f"/subscribe {COFFEE}", "follows 1 petition, which is the limit")
        assert "/list" in refused["text"]
        await reader.ask(f"/subscribe {TEA}", "You've been following this petition since")
        ended = await reader.ask(f"/unsubscribe {TEA}", "You've unfollowed")
        await reader.subscribes(COFFEE)
        reader.tap(ended, "Undo")
        await reader.hears("which is the limit")  # aloud, as it names what can be done
        listed = await reader.ask("/subscriptions", "You're following 1 petition")
        assert "Free coffee" in listed["text"]


async def test_a_muted_petition_arrives_without_a_sound_and_rings_again_unmuted(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        message = await reader.subscribes()
        assert "will arrive silently" in await reader.sees_note(reader.tap(message, "Make silent"))
        village.site.edit(TEA, signature_count=1_002)
        silent = await reader.hears("1,000 signatures")
        assert village.api.is_silent(READER, silent["message_id"])
        assert "Sound is on again" in await reader.sees_note(reader.tap(silent, "Turn sound on"))
        village.site.edit(TEA, signature_count=2_600)
        loud = await reader.hears("2,500 signatures")
        assert not village.api.is_silent(READER, loud["message_id"])


async def test_the_list_leads_to_cards_and_turns_pages(village: Village) -> None:
    reader = village.reader
    for number in range(700_001, 700_011):
        village.site.put(number, open_petition(action=f"Petition number {number}"))
    async with village.bell():
        await reader.subscribes()
        for number in range(700_001, 700_011):
            await reader.ask(f"/follow {number}", "You're now following")
        listed = await reader.ask("/list", "You're following 11 petitions (page 1 of 2)")
        reader.tap(listed, "Next")
        listed = await reader.sees_edit(listed, "page 2 of 2")
        reader.tap(listed, "Free tea")
        await reader.hears("✅ You're following this petition")


@pytest.mark.parametrize(
    "text",
    ["{url}/petitions/700000", "look: {url}/petitions/700000.json?x=1 wow", "700000", "#700000"],
)
async def test_a_link_or_number_alone_shows_a_card_with_a_subscribe_button(
    village: Village, text: str
) -> None:
    async with village.bell():
        card = await village.reader.ask(text.format(url=village.site.url), "Free tea")
        village.reader.tap(card, "Follow")
        await village.reader.hears("I need to keep")


async def test_a_misspelt_command_gets_the_nearest_one_as_a_button(village: Village) -> None:
    async with village.bell():
        message = await village.reader.ask(f"/subscrbe {TEA}", "Did you mean /follow 700000?")
        village.reader.tap(message, "Yes")
        await village.reader.hears("I need to keep")
        await village.reader.ask("/xyzzy", "See all commands: /help")


async def test_the_data_of_a_chat_can_be_had_and_is_erased_after_asking_once(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.ask("/mydata", "I don't keep anything")
        await reader.subscribes()
        reader.say("/mydata")
        document = await village.api.next_message(READER, after=reader.read)
        reader.read = document["message_id"]
        upload = village.api.file(document["document"]["file_id"])
        assert upload is not None
        data = json.loads(upload.content)
        assert [s["petition"] for s in data["subscriptions"]] == [f"uk:{TEA}"]
        assert data["consented_at"]

        question = await reader.ask("/forget", "can't undo this")
        reader.tap(question, "Cancel")
        await reader.sees_edit(question, "Nothing was deleted")
        question = await reader.ask("/forget", "can't undo this")
        reader.tap(question, "Delete")
        await reader.sees_edit(question, "Deleted")
        await reader.ask("/mydata", "I don't keep anything")
        await reader.ask(f"/subscribe {TEA}", "I need to keep")


async def test_a_petition_that_cannot_be_followed_is_told_why(village: Village) -> None:
    village.site.put(700_002, open_petition())
    village.site.redirect(700_002, "gathering-support")
    village.site.put(700_003, open_petition())
    village.site.take_down(700_003)
    async with village.bell():
        await village.reader.subscribes()
        await village.reader.ask("/subscribe 123", "There's no petition 123")
        await village.reader.ask("/subscribe 700002", "when it opens for signatures")
        await village.reader.ask("/subscribe 700003", "taken off the petitions site")
        await village.reader.ask("/subscribe 0x10", "I couldn't find a petition about “0x10”")
        await village.reader.ask("/subscribe", "Which petition?")


async def test_an_outage_is_admitted_and_what_is_known_is_shown(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.site.fail("/", Fault(status=503))
        await village.reader.ask(f"/petition {TEA}", "hasn't answered since")
        await village.reader.ask("/petition 700009", "hasn't answered since")
        await village.reader.ask("/status", "not answering since")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/start", "tells you when something happens to a petition"),
        ("/help", "/follow: follow a petition"),
        ("/privacy", "What I don't keep"),
        ("/about", "Open Government Licence"),
        ("/status", "Status"),
        ("/subscriptions", "You're not following anything yet"),
        ("/unsubscribe", "You're not following anything"),
        ("/forget", "I don't keep anything"),
        ("what is this", "tells you when something happens to a petition"),
        ("/subscribe " + "9" * 4000, "I couldn't find a petition about"),
    ],
)
async def test_every_command_answers_a_stranger(village: Village, command: str, words: str) -> None:
    async with village.bell():
        await village.reader.ask(command, words)


@pytest.mark.parametrize("data", ["x", "sub|", "sub|uk:1|a|b", "page||999999", "undo|uk:1|", "🏴"])
async def test_a_button_of_another_age_is_answered_and_harms_nothing(
    village: Village, data: str
) -> None:
    reader = village.reader
    async with village.bell():
        message = await reader.ask("/help")
        query = village.api.press(READER, message["message_id"], data)
        await reader.sees_note(query)
        await reader.ask("/about", "Petition Bell")


async def test_a_press_too_old_to_be_answered_still_does_its_work(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        message = await reader.subscribes()
        reader.tap(message, "Unfollow")
        village.api.expire_queries()
        await reader.hears("You've unfollowed")


async def test_the_commands_menu_is_set_once(village: Village) -> None:
    async with village.bell():
        await village.reader.ask("/help")
    menus = len(village.api.calls_to("setMyCommands"))
    assert menus == 6
    assert {c["command"] for c in village.api.commands()} >= {"follow", "privacy", "forget"}
    async with village.bell():
        await village.reader.ask("/help")
    assert len(village.api.calls_to("setMyCommands")) == menus


async def test_a_subscription_in_a_topic_is_heard_in_that_topic(village: Village) -> None:
    village.api.add_chat(-99, type="supergroup", title="Forum")
    village.api.messenger.chat(-99).topics.add(7)
    group = village.chat(-99)
    async with village.bell():
        await group.ask(f"/subscribe {TEA}", "is now following", thread_id=7)
        village.site.edit(TEA, signature_count=1_002)
        message = await group.hears("1,000 signatures")
        assert message["message_thread_id"] == 7


async def test_the_card_and_the_parser_agree_on_a_recorded_body(village: Village) -> None:
    body = (SAMPLES / "show_life_28_debate_outcome_links.json").read_bytes()
    village.site.serve_body(TEA, body)
    petition = parse_petition(body, Site("uk", "UK", village.site.url))
    async with village.bell():
        card = await village.reader.ask(f"/petition {TEA}", petition.action)
        assert "Debated on Monday 23 June 2025" in card["text"]


async def test_nothing_is_kept_of_a_petition_that_was_only_looked_at(village: Village) -> None:
    async with village.bell():
        await village.reader.ask(f"/petition {TEA}", "Free tea")
        await village.reader.ask("/mydata", "I don't keep anything")
