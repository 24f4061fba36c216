"""What the bot asks stays open for ten minutes: the next thing that person says is the answer."""

from datetime import datetime, timedelta

import pytest
from bell import READER, TEA, Conversation, Json, Village, open_petition

from bot.app import utc_now
from bot.demo.bot_api import BOT_USERNAME

CLUB, ADA, BEN = -1008, 71, 72
SEAT = "E14001290"


class Clock:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.passed


@pytest.fixture
def town(village: Village) -> Village:
    village.site.constituencies = {
        SEAT: {"constituency": "Huddersfield", "ons_code": SEAT, "mp": "Tess Tube MP"}
    }
    village.api.add_chat(CLUB, "supergroup", title="Tea club")
    village.api.add_member(CLUB, ADA, "creator")
    village.api.add_member(CLUB, BEN)
    return village


async def opens(reader: Conversation, path: str) -> Json:
    """What commands and buttons lead to: `/settings > Quiet hours > Other hours`."""
    command, *buttons = path.split(" > ")
    message = await reader.ask(command)
    for label in buttons[:-1]:
        before = message["text"]
        reader.tap(message, label)
        message = await reader.sees_edit(message, f"^(?!{before[:20]})")
    if buttons:
        reader.tap(message, buttons[-1])
        message = await reader.hears()
    return message


# How it is asked, what is asked, an answer and what comes of that.
ASKED: dict[str, tuple[str, str, str, str]] = {
    "words": ("/subscribe > Words", "Which words", "free tea", "🔎 “free tea”"),
    "a constituency": (
        "/subscribe > My constituency",
        "Which constituency",
        "Huddersfield",
        "📍 Huddersfield",
    ),
    "a constituency by command": (
        "/constituency",
        "Which constituency",
        "huddersfeild",
        "Did you mean",
    ),
    "an own milestone": (
        f"/milestones {TEA} > Another number",
        "At how many signatures",
        "12,500",
        "★ 12,500",
    ),
    "an own milestone in thousands": (
        f"/milestones {TEA} > Another number",
        "At how many signatures",
        "12k",
        "★ 12,000",
    ),
    "quiet hours": (
        "/settings quiet > Other hours",
        "Quiet hours from when to when",
        "10pm-7am",
        "Quiet hours: 22:00 to 07:00",
    ),
    "quiet hours in words": (
        "/settings quiet > Other hours",
        "Quiet hours from when to when",
        "from 23 to 6.30",
        "Quiet hours: 23:00 to 06:30",
    ),
    "the digest's hour": (
        "/settings digest > Another time",
        "When should your digest come",
        "8am",
        "every day at 08:00",
    ),
    "the digest's day": (
        "/settings digest > Another time",
        "When should your digest come",
        "monday 9",
        "every Monday at 09:00",
    ),
    "a time zone": ("/settings zone > Somewhere else", "Which time zone", "Pariss", "Europe/Paris"),
    "a snooze": ("/snooze > Another length", "How long do you want", "2 hours", "Snoozed until"),
    "a snooze of one": (
        f"/snooze {TEA} > Another length",
        "How long do you want",
        "until monday",
        "Snoozed until",
    ),
    "a search": ("/search", "What are you looking for", "free tea", "🔎 “free tea”"),
    "a petition": ("/response", "Which petition?", str(TEA), "esponse"),
}


@pytest.mark.parametrize("what", ASKED)
async def test_the_next_message_is_the_answer(town: Village, what: str) -> None:
    path, question, said, then = ASKED[what]
    async with town.bell():
        await town.reader.subscribes()
        asked = await opens(town.reader, path)
        assert question in asked["text"]
        assert "Cancel" in str(asked["reply_markup"])
        await town.reader.ask(said, then)


# --- and what is no answer ------------------------------------------------------------------------


async def asks_for_hours(reader: Conversation) -> None:
    await reader.subscribes()
    asked = await opens(reader, "/settings quiet > Other hours")
    assert "Quiet hours from when to when" in asked["text"]


async def test_after_ten_minutes_a_message_is_no_answer_and_before_it_is(town: Village) -> None:
    async with town.bell(clock := Clock()):
        await asks_for_hours(town.reader)
        clock.passed = timedelta(minutes=9, seconds=30)
        await town.reader.ask("22 to 7", "Quiet hours: 22:00 to 07:00")
        await asks_for_hours_again(town.reader)
        clock.passed += timedelta(minutes=10, seconds=1)
        await town.reader.ask("23 to 7", "couldn't find a petition about “23 to 7”")


async def asks_for_hours_again(reader: Conversation) -> None:
    await opens(reader, "/settings quiet > Other hours")


async def test_a_slash_or_a_link_leaves_the_question(town: Village) -> None:
    async with town.bell():
        await asks_for_hours(town.reader)
        await town.reader.ask("/about", "Petition Bell ")
        await town.reader.ask("22 to 7", "couldn't find a petition about “22 to 7”")
        await asks_for_hours_again(town.reader)
        await town.reader.ask(f"{town.site.url}/petitions/{TEA}", "84 of 10,000")
        await town.reader.ask("22 to 7", "couldn't find a petition about “22 to 7”")


async def test_another_button_leaves_the_question(town: Village) -> None:
    async with town.bell():
        await asks_for_hours(town.reader)
        card = await town.reader.ask(f"/milestones {TEA}", "Milestones")
        await asks_for_hours_again(town.reader)
        town.reader.tap(card, "Back")
        await town.reader.sees_edit(card, "Settings")
        await town.reader.ask("22 to 7", "couldn't find a petition about “22 to 7”")


async def test_a_question_is_cancelled_by_a_press_a_word_or_a_command(town: Village) -> None:
    reader = town.reader
    async with town.bell():
        await asks_for_hours(reader)
        for cancel in ("cancel", "never mind", "canslo", "/cancel"):
            await asks_for_hours_again(reader)
            await reader.ask(cancel, "Cancelled.")
            await reader.ask("22 to 7", "couldn't find a petition")
        asked = await opens(reader, "/settings quiet > Other hours")
        reader.tap(asked, "Cancel")
        await reader.sees_edit(asked, "Cancelled")
        await reader.ask("22 to 7", "couldn't find a petition")
        await reader.ask("/cancel", "nothing to cancel")


async def test_what_can_be_no_answer_is_said_and_the_question_stays(town: Village) -> None:
    async with town.bell():
        await asks_for_hours(town.reader)
        await town.reader.ask("when I sleep", "/settings quiet")
        await town.reader.ask("22 to 7", "Quiet hours: 22:00 to 07:00")


async def test_what_is_plainly_something_else_is_that(town: Village) -> None:
    async with town.bell():
        await asks_for_hours(town.reader)
        await town.reader.ask("help", "What I can do")
        await asks_for_hours_again(town.reader)
        await town.reader.ask(f"chart {TEA + 9}", f"no petition {TEA + 9}")


async def test_nothing_of_a_question_is_kept_so_a_restart_forgets_it(town: Village) -> None:
    async with town.bell():
        await asks_for_hours(town.reader)
    async with town.bell():
        await town.reader.ask("22 to 7", "couldn't find a petition about “22 to 7”")


# --- in groups ------------------------------------------------------------------------------------


async def test_in_a_group_the_answer_is_a_reply_of_who_was_asked(town: Village) -> None:
    club = town.chat(CLUB)
    async with town.bell():
        asked = await club.ask("/search", "What are you looking for", user_id=BEN)
        markup = town.api.calls_to("sendMessage")[-1]["reply_markup"]
        assert (markup["force_reply"], markup["selective"]) == (True, True)
        club.say("free tea", user_id=ADA, reply_to=asked["message_id"])  # asked was Ben
        club.say("free tea", user_id=BEN)  # not a reply: said to the others
        await club.ask("/about", "Petition Bell ", user_id=BEN)
        asked = await club.ask("/search", "What are you looking for", user_id=BEN)
        said = {"user_id": BEN, "reply_to": asked["message_id"]}
        await club.ask("free tea", "🔎 “free tea”", **said)


async def test_in_a_group_an_answer_changes_nothing_for_who_may_not(town: Village) -> None:
    club = town.chat(CLUB)
    async with town.bell():
        page = await club.ask("/settings quiet", "Quiet hours: none", user_id=ADA)
        club.tap(page, "Other hours", user_id=BEN)
        asked = await club.hears("Quiet hours from when to when")
        said = {"reply_to": asked["message_id"]}
        await club.ask("22 to 7", "Only admins", user_id=BEN, **said)
        club.tap(page, "Other hours", user_id=ADA)
        asked = await club.hears("Quiet hours from when to when")
        said = {"reply_to": asked["message_id"]}
        await club.ask("22 to 7", "Quiet hours: 22:00 to 07:00", user_id=ADA, **said)


async def test_a_group_hears_replies_and_mentions_and_nothing_else(town: Village) -> None:
    town.site.put(TEA + 1, open_petition(action="Free coffee"))
    club = town.chat(CLUB)
    async with town.bell():
        about = await club.ask("/about", "Petition Bell ", user_id=BEN)
        for said in ("stop", "free tea", str(TEA), "thanks", f"{town.site.url}/petitions/{TEA}"):
            club.say(said, user_id=BEN)
        club.say("wow, nice", user_id=BEN, reply_to=about["message_id"])
        await club.ask(f"@{BOT_USERNAME} {TEA + 1}", "Free coffee", user_id=BEN)
        await club.ask(f"@{BOT_USERNAME.lower()} free tea", "🔎 “free tea”", user_id=BEN)
        said = {"user_id": BEN, "reply_to": about["message_id"]}
        card = await club.ask(str(TEA), "Free tea in every library", **said)
        club.say("where was this?", user_id=BEN, reply_to=card["message_id"])
        await club.ask(f"@{BOT_USERNAME}", "What I can do here", user_id=BEN)
        await club.ask(f"@{BOT_USERNAME} follow {TEA}", "Only admins", user_id=BEN)
        await club.ask(f"@{BOT_USERNAME} follow {TEA}", "is now following", user_id=ADA)


async def test_a_bare_link_draws_a_card_in_a_group_whose_admins_want_that(town: Village) -> None:
    club, link = town.chat(CLUB), f"{town.site.url}/petitions/{TEA}"
    async with town.bell():
        await club.ask("/settings links on", "Only admins", user_id=BEN)
        await club.ask("/settings links on", "Settings", user_id=ADA)
        await club.ask(link, "Free tea in every library", user_id=BEN)
        club.say(f"look at {link}", user_id=BEN)  # said to the others
        club.say("free tea", user_id=BEN)
        page = await club.ask("/settings", "Settings", user_id=ADA)
        club.tap(page, "✓ Cards for links", user_id=ADA)
        await club.sees_edit(page, "Settings")
        club.say(link, user_id=BEN)
        await club.ask("/about", "Petition Bell ", user_id=BEN)


# --- what can be stopped --------------------------------------------------------------------------


async def test_stop_stops_one_or_all_after_a_question_and_nothing_rings_then(
    town: Village,
) -> None:
    town.site.put(TEA + 1, open_petition(action="Free coffee"))
    reader = town.reader
    async with town.bell():
        await reader.subscribes()
        await reader.subscribes(TEA + 1)
        page = await reader.ask("stop", "What do you want to stop?")
        reader.tap(page, "Free coffee")
        await reader.hears("You've unfollowed Free coffee")
        await reader.subscribes(TEA + 1)
        page = await reader.ask("STOP!", "What do you want to stop?")
        reader.tap(page, "Unfollow all")
        reader.tap(await reader.sees_edit(page, "Unfollow all 2"), "Unfollow all")
        await reader.sees_edit(page, "unfollowed all 2")
        town.site.edit(TEA, signature_count=10_002)
        await reader.ask("list", "You're not following anything yet")
        assert reader.unread() == []


async def test_stop_leads_to_erasing_everything(town: Village) -> None:
    async with town.bell():
        await town.reader.subscribes()
        page = await town.reader.ask("leave", "What do you want to stop?")
        town.reader.tap(page, "Delete my data")
        asked = await town.reader.hears("Delete everything")
        town.reader.tap(asked, "Delete everything")
        await town.reader.sees_edit(asked, "Deleted")
        await town.reader.ask("stop", "not following anything")


async def test_mute_by_word_and_back(town: Village) -> None:
    async with town.bell():
        await town.reader.subscribes()
        await town.reader.ask(f"mute {TEA}", "will arrive silently")
        town.site.edit(TEA, signature_count=1_002)
        alert = await town.reader.hears("1,000 signatures")
        assert town.api.is_silent(READER, alert["message_id"])
        await town.reader.ask(f"unmute {TEA}", "Sound is on again")
