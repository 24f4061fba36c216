"""Settings, snooze, digest and own milestones, as a person in a chat meets them."""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from bell import READER, TEA, Conversation, Json, Village, a_response, open_petition
from petitions import petition

from bot.demo.messenger import buttons_of
from bot.messages.following.subscriptions import Followed
from bot.messages.i18n import LANGUAGES, speaking
from bot.messages.settings.context import Page, SettingsContext
from bot.messages.settings.hours import digest_page, quiet_page, urgent_page, zone_page
from bot.messages.settings.pages import closing_page, first_page, language_page, loudness_page
from bot.messages.settings.snooze import nothing_in_digest, snooze_page
from bot.petitions.petition import PetitionRef
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Subscription

OLD = "no longer works"
# What leads out of the settings, to something that is tested where it belongs.
AWAY = ("sub|", "else|", "ask|")


def labels(message: Json) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


def data_of(message: Json) -> list[str]:
    return [button["callback_data"] for button in buttons_of(message)]


def shown(reader: Conversation, message: Json) -> Json:
    """The message as it is now."""
    return next(
        each
        for each in reader.api.messages(reader.chat_id)
        if each["message_id"] == message["message_id"]
    )


async def press(reader: Conversation, message: Json, label: str) -> Json:
    """Press a button, see it answered without a complaint, and the message as it is then."""
    assert not await reader.sees_note(reader.tap(message, label))
    return shown(reader, message)


async def agrees(reader: Conversation) -> Json:
    """The settings of somebody nothing was kept of before."""
    asked = await reader.ask("/settings", "I need to keep")
    return await reader.consents(asked)


# --- every button --------------------------------------------------------------------------------


async def pressed(reader: Conversation, message: Json, data: str) -> Json:
    """Press a button by what it carries; the message as it is then, which must lead back."""
    query = reader.api.press(reader.chat_id, message["message_id"], data)
    note = await reader.sees_note(query)
    assert OLD not in note, data
    now = shown(reader, message)
    assert now["text"], data
    assert any(key.startswith("set|") for key in data_of(now)), f"no way back: {data}"
    # A press on another chat's behalf carries that chat's number as well.
    assert all(len(key.encode()) <= 64 - 15 for key in data_of(now)), data
    return now


async def walk(
    crowd: list[Conversation], ask: str, change: str, away: tuple[str, ...] = AWAY
) -> set[str]:
    """Press every button that can be reached; the crowd shares the work, a chat has its pace.

    Everybody has changed something before, so that there is something to reset.
    """
    await asyncio.gather(*(reader.ask(f"{ask} {change}") for reader in crowd))
    messages = await asyncio.gather(*(reader.ask(ask, "Settings") for reader in crowd))
    seen: set[str] = set()
    waiting = {data for data in data_of(messages[0]) if not data.startswith(away)}
    while waiting:
        now = sorted(waiting)[: len(crowd)]
        seen |= set(now)
        each = zip(crowd, messages, now, strict=False)
        found = await asyncio.gather(*(pressed(*one) for one in each))
        reached = {data for message in found for data in data_of(message)}
        waiting = {data for data in waiting | reached if not data.startswith(away)} - seen
    assert [said for reader in crowd for said in reader.unread()] == []
    return seen


async def crowd_of(village: Village, size: int) -> list[Conversation]:
    """So many people who follow the petition, the first of them the reader."""
    crowd = [village.reader, *(village.chat(5_000 + n) for n in range(1, size))]
    await asyncio.gather(*(each.subscribes() for each in crowd))
    return crowd


@pytest.mark.timeout(180)
async def test_every_button_of_the_settings_is_answered_and_leads_back(village: Village) -> None:
    async with village.bell():
        crowd = await crowd_of(village, 10)
        pages = await walk(crowd, "/settings", "quiet 22-7")
    assert {data.split("|")[2].split(".")[0] for data in pages if data.startswith("set|")} >= {
        *("", "loud", "quiet", "urgent", "digest", "zone", "closing", "lang", "snooze", "reset"),
        "undo",
    }
    assert len(pages) > 100


@pytest.mark.timeout(180)
async def test_every_button_of_a_petitions_settings_is_answered_and_leads_back(
    village: Village,
) -> None:
    async with village.bell():
        crowd = await crowd_of(village, 10)
        # The chat's own settings are walked above.
        away = (*AWAY, "set||", "snooze||")
        pages = await walk(crowd, f"/settings {TEA}", "response silent", away)
    assert {data.split("|")[0] for data in pages} == {"set", "snooze", "wish"}
    assert f"set|uk:{TEA}|reset" in pages
    assert len(pages) > 100


async def ask_each(village: Village, texts: Iterable[tuple[str, str]]) -> None:
    """Each text is said by a follower of their own, and its answer has the words."""
    pairs = list(texts)
    crowd = await crowd_of(village, len(pairs))
    asked = (each.ask(*pair) for each, pair in zip(crowd, pairs, strict=True))
    await asyncio.gather(*asked)


async def test_a_button_of_another_age_is_explained(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        page = await agrees(reader)
        for data in (
            "set||tea",
            "set||loud.tea.off",
            "set||undo.!",
            "set||undo._____w",
            "set||undo.3GIzYA",
            "snooze||tea",
            "snooze||9000d",
            f"undo|uk:{TEA}|A999999999999.0..0",
            f"undo|uk:{TEA}|1700000000.0.",
            # It was heard on preferences of its own, and the message has them no more.
            f"undo|uk:{TEA}|A1700000000.0..1",
        ):
            query = reader.api.press(READER, page["message_id"], data)
            assert OLD in await reader.sees_note(query)
        await reader.ask("/subscriptions", "You're not following anything yet")
        for data in (f"set|uk:{TEA}|loud", f"snooze|uk:{TEA}|3d", f"wish|uk:{TEA}|15000"):
            query = reader.api.press(READER, page["message_id"], data)
            assert "not following" in await reader.sees_note(query)


# --- the chat's own settings ---------------------------------------------------------------------


async def test_nothing_is_kept_before_a_person_agrees(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        for text in ("/settings", "/settings quiet 22-7", "/snooze 7d"):
            await reader.ask(text, "I need to keep")
        await reader.ask("/mydata", "I don't keep anything")
        page = await agrees(reader)
        assert "Quiet hours: none" in page["text"]
        await reader.ask("/settings", "Settings")


async def test_a_kind_is_turned_down_step_by_step_and_up_again(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        page = await agrees(reader)
        page = await press(reader, page, "Custom…")
        for loudness, line in (
            ("silent", "Silent"),
            ("digest", "In the digest"),
            ("off", "Off"),
            ("with sound", "With sound"),
        ):
            page = await press(reader, page, "Government response")
            assert re.search(rf"(?m)^\S+ {line}: .*government response", page["text"])
            assert f"Government response: {loudness}" in labels(page)
        page = await press(reader, page, "Back")
        assert "Quiet hours" in page["text"]


async def test_what_is_turned_off_is_not_heard_and_what_is_silent_makes_no_sound(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await reader.ask("/settings milestone off", "Off: other milestones")
        await reader.ask(f"/settings {TEA} response silent", "Silent: government response")
        village.site.edit(TEA, signature_count=1_002)
        await village.looked(3)
        assert reader.unread() == []
        village.site.edit(TEA, **a_response())
        heard = await reader.hears("💬 The Government has responded")
        told = [sent for sent in village.api.calls_to("sendMessage") if "💬" in sent["text"]]
        assert told[-1]["disable_notification"] is True, heard["text"]


TYPED = (
    ("quiet 22:00-07:00", "Quiet hours: 22:00 to 07:00"),
    ("quiet off", "Quiet hours: none"),
    ("urgent response debate", "Sent even in quiet hours: government response and debate"),
    ("urgent off", "Sent even in quiet hours: nothing"),
    ("digest daily 18:00", "Digest: every day at 18:00"),
    ("digest weekly monday 9:00", "Digest: every Monday at 09:00"),
    ("zone Europe/London", "Time zone: Europe/London"),
    ("zone kathmandu", "Time zone: Asia/Kathmandu"),
    ("zone Europe/Lodnon", "Time zone: Europe/London"),
    ("zone Kathmandoo", "Did you mean one of these?"),
    ("zone UTC+1", "A time offset is only right for half the year"),
    ("zone", "Time zone: Europe/London"),
    ("closing 7d 3d 6h", "7 days, 3 days and 6 hours before closing"),
    ("closing none", "Closing reminders: none"),
    ("closing 5d", "You can be reminded"),
    ("response silent", "Silent: government response"),
    ("response loudly", "Choose loud, silent, digest, off or usual"),
    ("language en", "Language: English"),
    ("language tlh", "I speak English and Cymraeg."),
    ("quiet", "Quiet hours: none"),
    ("quiet at dusk", "/settings quiet 22:00-07:00"),
    ("quiet at night", "Quiet hours: 22:00 to 07:00"),
    ("urgent tea", "/settings urgent response debate"),
    ("digest sometimes", "/settings digest weekly monday 9:00"),
    ("snooze", "Nothing is snoozed"),
    ("tea", "There's no setting called tea."),
    ("reset", "Settings"),
    ("300239", "You're not following this petition."),
    ("mute", "There's no setting called mute."),
)


async def test_everything_can_be_typed(village: Village) -> None:
    async with village.bell():
        await ask_each(village, ((f"/settings {command}", says) for command, says in TYPED))


async def test_a_misspelt_zone_can_be_chosen_from_the_nearest_ones(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await agrees(reader)
        page = await reader.ask("/settings zone Europ/Lundn", "I can't find a time zone")
        page = await press(reader, page, "Europe/London")
        assert "Time zone: Europe/London" in page["text"]


async def test_a_petition_alone_has_no_quiet_hours(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        answer = await reader.ask(
            f"/settings {TEA} quiet 22-7", "You can only set that for the whole chat"
        )
        assert "/settings quiet 22-7" in answer["text"]


async def test_another_language_is_spoken_at_once_and_kept(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        page = await agrees(reader)
        page = await press(reader, page, "Language")
        page = await press(reader, page, "Cymraeg")
        assert "✓ Cymraeg" in labels(page)
    async with village.bell():
        page = await reader.ask("/settings language")
        assert "✓ Cymraeg" in labels(page)


async def test_everything_as_usual_can_be_undone(village: Village) -> None:
    reader = village.reader
    typed = ("quiet 21:30-06:30", "digest weekly friday 12:00", "zone kathmandu", "surge off")
    async with village.bell():
        await agrees(reader)
        for text in typed:
            await reader.ask(f"/settings {text}")
        before = await reader.ask("/settings", "21:30 to 06:30")
        page = await press(reader, before, "Reset settings")
        assert "Quiet hours: none" in page["text"]
        assert "Reset settings" not in labels(page)
    async with village.bell():
        page = await press(reader, page, "Undo")
        assert page["text"] == before["text"]


# --- one petition's settings ---------------------------------------------------------------------


async def test_a_petitions_settings_open_from_what_answers_a_subscription(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        message = await reader.subscribes()
        reader.tap(message, "Change alerts")
        page = await reader.sees_edit(message, "Settings for one petition")
        page = await press(reader, page, "Make silent")
        assert "arrive without sound" in page["text"]
        page = await press(reader, page, "Turn sound on")
        assert "arrive without sound" not in page["text"]
        page = await press(reader, page, "Custom…")
        assert "Debate: same as chat (with sound)" in labels(page)
        for loudness in ("with sound", "silent", "digest", "off", "same as chat (with sound)"):
            page = await press(reader, page, "Debate: ")
            assert f"Debate: {loudness}" in labels(page)
        page = await press(reader, await press(reader, page, "Debate: "), "Back")
        assert "Alerts: Everything" in page["text"]
        page = await press(reader, page, "Use chat settings")
        assert "Alerts: same as this chat (Everything)" in page["text"]
        page = await press(reader, page, "Undo")
        assert "Alerts: Everything" in page["text"]
        page = await press(reader, page, "All settings")
        assert "Time zone" in page["text"]


async def test_a_petition_is_heard_in_the_topic_its_settings_were_opened_in(
    village: Village,
) -> None:
    village.api.add_chat(-100_7, type="supergroup", title="Tea club")
    village.api.add_topic(-100_7, 7)
    village.api.add_member(-100_7, READER, "administrator")
    group = village.chat(-100_7)
    async with village.bell():
        await group.ask(f"/subscribe {TEA}", "is now following", user_id=READER)
        page = await group.ask(f"/settings {TEA}", "Settings", user_id=READER, thread_id=7)
        assert page["message_thread_id"] == 7
        query = group.tap(page, "Move alerts here", user_id=READER)
        assert not await group.sees_note(query)
        assert "Move alerts here" not in labels(shown(group, page))
        village.site.edit(TEA, signature_count=10_002)
        assert (await group.hears("10,002 signatures"))["message_thread_id"] == 7


# --- snooze --------------------------------------------------------------------------------------


async def test_a_snoozed_petition_is_silent_and_told_in_one_summary_when_it_ends(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        page = await reader.ask(f"/snooze {TEA} 3 days", "Snoozed until")
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(3)
        village.site.edit(TEA, **a_response())
        await village.looked(3)
        assert reader.unread() == []
        page = await press(reader, page, "End snooze")
        assert "This petition isn't snoozed" in page["text"]
        summary = await reader.hears()
        assert "10,002" in summary["text"]
        assert "responded" in summary["text"]
        await village.looked(2)
        assert reader.unread() == []


SNOOZED = (
    ("", "Nothing is snoozed"),
    ("7d", "Snoozed until"),
    ("for 3 days", "Snoozed until"),
    ("tomorrow", ", 08:00."),
    ("off", "Nothing is snoozed"),
    ("2 years", "You can snooze for up to a year"),
    ("soon", "I don't understand soon as a length of time."),
    ("300239 3 days", "You're not following this petition."),
    ("7 days", "Snoozed until"),
)


async def test_everything_can_be_snoozed_by_command(village: Village) -> None:
    async with village.bell():
        await ask_each(village, ((f"/snooze {text}".strip(), says) for text, says in SNOOZED))


async def test_a_snooze_is_ended_by_command(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        page = await reader.ask("/snooze", "Nothing is snoozed")
        page = await press(reader, page, "Until tomorrow")
        assert "End snooze" in labels(page)
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(3)
        assert reader.unread() == []
        await reader.ask("/snooze off", "Nothing is snoozed")
        await reader.hears("10,002 signatures")


# --- the digest ----------------------------------------------------------------------------------


async def test_the_digest_comes_when_it_is_asked_for(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        empty = await reader.ask("/digest", "There's nothing in the digest yet.")
        assert "Next digest:" in empty["text"]
        await reader.ask("/settings threshold digest", "In the digest: official thresholds")
        await reader.ask("/settings milestone digest")
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(3)
        assert reader.unread() == []
        await reader.ask("/digest", "10,002")
        await reader.ask("/digest", "There's nothing in the digest yet.")


# --- own milestones ------------------------------------------------------------------------------


async def test_a_milestone_of_ones_own_stands_in_the_ladder_and_rings(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        message = await reader.ask(f"/milestones {TEA} 300 every 200", "★ 300")
        assert "★ Your milestones: 300 and every 200" in message["text"]
        assert "○ ★ 200" in message["text"]
        village.site.edit(TEA, signature_count=301)
        await reader.hears("301 signatures")
        message = await reader.ask(f"/milestones {TEA}", "✓ ★ 300")
        assert "○ ★ 400" in message["text"]


async def test_own_milestones_are_chosen_and_given_up_by_buttons(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        page = await reader.ask(f"/milestones {TEA}", "Milestones")
        assert "★" not in page["text"]
        page = await press(reader, page, "At 100")
        page = await press(reader, page, "Every 10,000")
        page = await press(reader, page, "Halfway")
        assert "★ Your milestones: 100, every 10,000 and 50% of the way" in page["text"]
        page = await press(reader, page, "✓ Every 10,000")
        page = await press(reader, page, "✕ 100")
        assert "★ Your milestones: 50% of the way" in page["text"]
        page = await press(reader, page, "Undo")
        assert "★ Your milestones: 100 and 50% of the way" in page["text"]
        page = await press(reader, page, "Clear my milestones")
        assert f"/milestones {TEA} 100 50%" in page["text"]
        page = await press(reader, page, "Undo")
        assert "★ Your milestones: 100 and 50% of the way" in page["text"]
        page = await press(reader, page, "Back")
        assert "Your own milestones: 100 and 50%" in page["text"]
        page = await press(reader, page, "Your own milestones")
        assert "★ Your milestones: 100 and 50% of the way" in page["text"]
        village.site.edit(TEA, signature_count=120)
        await reader.hears("100 signatures")
        await reader.ask(f"/milestones {TEA} off")
        query = reader.api.press(READER, page["message_id"], f"wish|uk:{TEA}|100")
        assert "already passed" in await reader.sees_note(query)


WISHED = (
    ("84", "Your own milestones must be 100 or more."),
    ("0%", "Choose a percentage from 1% to 99%."),
    ("tea", "I don't understand tea as a milestone."),
    ("9000", "It has already passed 9,000 (now 12,345)."),
    ("50%", "★ 50,000"),
    ("-15000", "Milestones"),
    ("off", "Milestones"),
    (" ".join(str(n) for n in range(20_000, 62_000, 2_000)), "up to 20 milestones"),
)


async def test_milestones_that_cannot_be_are_refused_with_a_reason(village: Village) -> None:
    village.site.put(TEA, open_petition(signature_count=12_345))
    async with village.bell():
        await ask_each(village, ((f"/milestones {TEA} {text}", says) for text, says in WISHED))


async def test_who_does_not_follow_is_offered_to(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        offer = await reader.ask(f"/milestones {TEA} 15000", "You're not following this petition.")
        assert labels(offer) == ["Follow"]
        ladder = await reader.ask(f"/milestones {TEA}", "84 now")
        assert labels(ladder) == ["Follow"]


# --- in words ------------------------------------------------------------------------------------

KATHMANDU = "Asia/Kathmandu"
PAGES = (
    first_page,
    loudness_page,
    quiet_page,
    urgent_page,
    digest_page,
    zone_page,
    closing_page,
    language_page,
    snooze_page,
)


def settings(now: datetime, **preferences: object) -> SettingsContext:
    return SettingsContext(Chat(READER, preferences=Preferences(**preferences)), now)  # type: ignore[arg-type]


def text_of(page: Page) -> str:
    return page[0].text


def test_moments_are_told_by_the_clocks_there_before_and_after_they_change() -> None:
    evening = datetime(2026, 3, 28, 20, tzinfo=UTC)
    daily = Preferences(digest=Digest(9 * 60))
    assert "Sunday 29 March, 09:00." in nothing_in_digest(daily, evening).text
    autumn = datetime(2026, 10, 24, 20, tzinfo=UTC)
    assert "Sunday 25 October, 09:00." in nothing_in_digest(daily, autumn).text
    there = Preferences(digest=Digest(9 * 60), zone=KATHMANDU)
    assert f"Sunday 29 March, 09:00 ({KATHMANDU})." in nothing_in_digest(there, evening).text
    until = datetime(2026, 3, 29, 7, tzinfo=UTC)
    assert "Snoozed until Sunday 29 March, 08:00." in text_of(
        snooze_page(settings(evening, snoozed_until=until))
    )


def test_every_page_can_be_said_in_every_language() -> None:
    now = datetime(2026, 3, 28, 20, tzinfo=UTC)
    about = petition()
    own = Subscription(
        READER,
        about.ref,
        now,
        preferences=Preferences(milestones=CustomMilestones((15_000,), 5_000, (50,))),
    )
    chosen = settings(
        now,
        loudness={"response": "off"},
        quiet=Quiet(1320, 420),
        digest=Digest(540, 6),
        urgent=("debate",),
        closing=(336, 24, 6),
        zone=KATHMANDU,
    )
    for language in LANGUAGES:
        with speaking(language):
            for page in PAGES:
                for each in (settings(now), chosen, chosen._replace(followed=Followed(own, about))):
                    message, keyboard = page(each)
                    assert message.text
                    assert "{" not in message.text
                    assert keyboard


def test_a_ref_is_needed_for_a_petitions_buttons() -> None:
    about = petition()
    here = settings(datetime(2026, 3, 28, 20, tzinfo=UTC))
    own = Followed(Subscription(READER, about.ref, here.now), about)
    for data in (key.press for row in loudness_page(here._replace(followed=own))[1] for key in row):
        assert str(data).startswith(f"set|{PetitionRef('uk', 700000)}|")
