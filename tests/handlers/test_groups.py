"""Groups, channels and topics: who may change what, from where, and what everybody else is told."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from bell import READER, TEA, Conversation, Json, Village, hasty, open_petition
from telegram_stand_in import BotApi

from bot.app import utc_now
from bot.demo.bot_api import BOT_USERNAME
from bot.messages.buttons import MUTE, UNSUBSCRIBE, WORDS, Button, Keyboard, button
from bot.messages.chat import groups
from bot.messages.message import bold, compose
from bot.petitions.petition import PetitionRef

CLUB, NEWS = -1001, -1002
ADA, BEN = 51, 52  # an admin and a member
BOT = 123456
COFFEE = 700_001
REFUSED = "Only admins can change this group's alerts"


@pytest.fixture
def club(village: Village) -> Conversation:
    """A group with an admin and a member."""
    api = village.api
    api.add_chat(CLUB, type="supergroup", title="Tea club")
    api.add_member(CLUB, ADA, "administrator")
    api.add_member(CLUB, BEN, "member")
    api.add_member(CLUB, BOT, "member")
    village.site.put(COFFEE, open_petition(action="Coffee for all"))
    return village.chat(CLUB)


@pytest.fixture
def news(village: Village) -> Conversation:
    """A channel in which the bot may post."""
    village.api.add_chat(NEWS, type="channel", title="Tea news")
    village.api.add_member(NEWS, BOT, "administrator")
    return village.chat(NEWS)


async def alert_of(village: Village, query: str) -> Json:
    """The answer to a press."""

    def answered(api: BotApi) -> Json | None:
        return next((a for a in api.answers if a["callback_query_id"] == query), None)

    return await village.api.wait_for(answered)


# --- who may change what -------------------------------------------------------------------------


async def test_a_member_is_refused_and_shown_the_way_to_their_own_chat(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        no = await club.ask(f"/subscribe {TEA}", REFUSED, user_id=BEN)
        way = no["reply_markup"]["inline_keyboard"][0][0]
        assert way["url"] == f"https://t.me/{BOT_USERNAME}?start=p_uk_{TEA}"
        assert no["receiver_user"]["id"] == BEN  # nobody else sees that they were refused
        await club.ask("/subscriptions", "This chat isn't following anything yet", user_id=BEN)


@pytest.mark.parametrize(
    "text", ["/unsubscribe 700000", "/forget", "/mydata", "/start p_uk_700000", "/follow 700000"]
)
async def test_whatever_changes_or_tells_all_is_refused_to_a_member(
    village: Village, club: Conversation, text: str
) -> None:
    async with village.bell():
        await club.ask(text, REFUSED, user_id=BEN)


async def test_where_telegram_cannot_whisper_the_refusal_is_said_aloud(
    village: Village, club: Conversation
) -> None:
    why = "Bad Request: EPHEMERAL_MESSAGE_FORBIDDEN"
    village.api.refuse(CLUB, 400, why, method="sendMessage")
    async with village.bell():
        no = await club.ask(f"/subscribe {TEA}", REFUSED, user_id=BEN)
        assert "receiver_user" not in no


async def test_an_admin_may_and_an_anonymous_one_too(village: Village, club: Conversation) -> None:
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        await club.ask(f"/subscribe {COFFEE}", "is now following", anonymous=True)


async def test_a_press_changes_something_for_admins_alone(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        message = await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)

        def pressed(verb: str, user: int) -> str:
            data = button("", verb, PetitionRef("uk", TEA)).press or ""
            return village.api.press(CLUB, message["message_id"], data, user_id=user)

        for verb in (MUTE, UNSUBSCRIBE):
            told = await alert_of(village, pressed(verb, BEN))
            assert REFUSED in told["text"]
            assert told["show_alert"]
        pressed(UNSUBSCRIBE, ADA)
        ended = await club.hears("You've unfollowed")
        assert REFUSED in (await alert_of(village, club.tap(ended, "Undo", user_id=BEN)))["text"]


async def test_a_page_of_the_settings_leads_on_for_admins_alone(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        page = await club.ask(f"/settings {TEA}", "Settings for one", user_id=ADA)
        told = await alert_of(village, club.tap(page, "Your own milestones", user_id=BEN))
        assert REFUSED in told["text"]
        club.tap(page, "Your own milestones", user_id=ADA)
        await club.sees_edit(page, "Milestones")


async def test_a_file_sent_by_a_member_is_not_even_fetched(
    village: Village, club: Conversation
) -> None:
    file = json.dumps({"format": "petition-bell/1", "chat": CLUB}).encode()
    async with village.bell():
        for name in ("petition-bell-data.json", "petition-bell-data (1).json", "other.json"):
            village.api.send_file(CLUB, name, file, user_id=BEN)
        await club.hears(REFUSED)
        await club.hears(REFUSED)
        village.api.send_file(CLUB, "petition-bell-data.json", b"[]", user_id=ADA)
        village.api.send_file(CLUB, "petition-bell-data.json", file, user_id=ADA)
        await club.hears("followed")
        assert len(village.api.calls_to("getFile")) == 2


async def test_looking_is_open_to_everybody(village: Village, club: Conversation) -> None:
    async with village.bell():
        card = await club.ask(f"/petition {TEA}", "Free tea", user_id=BEN)
        follow = village.api.press(CLUB, card["message_id"], f"sub|uk:{TEA}|", user_id=BEN)
        told = await alert_of(village, follow)
        assert REFUSED in told["text"]
        club.tap(card, "Milestones", user_id=BEN)
        await club.hears("Free tea")


async def test_a_demoted_admin_is_refused_at_once_where_the_bot_is_told(
    village: Village, club: Conversation
) -> None:
    village.api.add_member(CLUB, BOT, "administrator")
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        village.api.change_place(CLUB, ADA, "member")
        await club.ask(f"/unsubscribe {TEA}", REFUSED, user_id=ADA)


async def test_a_demoted_admin_is_refused_a_moment_later_where_it_is_not(
    village: Village, club: Conversation
) -> None:
    clock = Clock()
    async with village.bell(clock.now):
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        village.api.change_place(CLUB, ADA, "member")
        clock.later(timedelta(seconds=3))
        await club.ask(f"/unsubscribe {TEA}", REFUSED, user_id=ADA)


async def test_a_demoted_admin_is_refused_though_the_clock_was_set_back(
    village: Village, club: Conversation
) -> None:
    clock = Clock()
    async with village.bell(clock.now):
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        village.api.change_place(CLUB, ADA, "member")
        clock.later(timedelta(days=-365))
        await club.ask(f"/unsubscribe {TEA}", REFUSED, user_id=ADA)


async def test_where_members_are_hidden_the_list_of_admins_says_it(
    village: Village, club: Conversation
) -> None:
    village.api.refuse(
        CLUB, 400, "Bad Request: member list is inaccessible", method="getChatMember", times=9
    )
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        await club.ask(f"/unsubscribe {TEA}", REFUSED, user_id=BEN)


async def test_nothing_is_changed_while_telegram_cannot_say_who_is_an_admin(
    village: Village, club: Conversation
) -> None:
    for method in ("getChatMember", "getChatAdministrators"):
        village.api.refuse(CLUB, 400, "Bad Request: not now", method=method)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "can't check whether you're an admin", user_id=ADA)
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)


async def test_who_speaks_as_another_channel_is_no_admin(
    village: Village, club: Conversation, news: Conversation
) -> None:
    channel_bot = {"id": 136817688, "is_bot": True, "first_name": "Channel"}
    as_channel = {
        "from": channel_bot,
        "sender_chat": village.api.messenger.chat(NEWS).as_json(),
        "text": f"/subscribe {TEA}",
        "entities": [{"type": "bot_command", "offset": 0, "length": 10}],
    }
    messenger = village.api.messenger
    async with village.bell():
        messenger.emit("message", messenger.store(messenger.chat(CLUB), as_channel))
        await club.hears()  # whichever words: nothing was changed
        await club.ask("/subscriptions", "This chat isn't following anything yet", user_id=BEN)


# --- channels and topics -------------------------------------------------------------------------


async def follows(village: Village, news: Conversation) -> None:
    """A post has a channel follow the petition; with no admin to tell, a thumb up answers it."""
    news.say(f"/subscribe {TEA}")
    await village.api.wait_for(lambda api: api.calls_to("setMessageReaction"))
    news.read = max(each["message_id"] for each in village.api.messages(NEWS))
    await village.looked(1)


async def test_a_post_in_a_channel_is_a_command_and_alerts_are_posted_there(
    village: Village, news: Conversation
) -> None:
    async with village.bell():
        await follows(village, news)
        village.site.edit(TEA, signature_count=1_002)
        alert = await news.hears("1,000 signatures")
        rows = alert["reply_markup"]["inline_keyboard"]
        assert [key["text"] for row in rows for key in row] == ["Open", "Follow it yourself"]
        assert all("url" in key for row in rows for key in row)
        end = f"unsub|uk:{TEA}|"
        told = await alert_of(
            village, village.api.press(NEWS, alert["message_id"], end, user_id=BEN)
        )
        assert "Only admins who can post here can change this channel's alerts" in told["text"]
        village.api.add_member(NEWS, ADA, "administrator")
        village.api.press(NEWS, alert["message_id"], end, user_id=ADA)
        await news.hears("You've unfollowed")


async def test_an_answer_meant_for_a_closed_topic_is_given_in_the_chat(
    village: Village, club: Conversation
) -> None:
    village.api.add_topic(CLUB, 7)
    village.api.refuse(CLUB, 400, "Bad Request: TOPIC_CLOSED", method="sendMessage")
    async with village.bell():
        card = await club.ask(f"/petition {TEA}", "Free tea", user_id=BEN, thread_id=7)
        assert "message_thread_id" not in card


# --- coming and going ----------------------------------------------------------------------------


async def test_a_group_is_greeted_once_when_it_takes_the_bot_in(
    village: Village, club: Conversation
) -> None:
    village.api.add_member(CLUB, BOT, "left")
    async with village.bell():
        village.api.change_bot(CLUB, "member", ADA)
        hello = await club.hears("can tell this group when something happens to a petition")
        assert "Only admins can change" in hello["text"]
        village.api.change_bot(CLUB, "administrator", ADA)
        await club.ask("/about", "Petition Bell ", user_id=BEN)


async def test_losing_its_voice_is_told_to_who_took_it_if_they_know_the_bot(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await ada.ask("/about")
        village.api.change_bot(CLUB, "restricted", ADA)
        await ada.hears("I can no longer post in Tea club")
        village.api.change_bot(CLUB, "member", ADA)
        village.api.change_bot(CLUB, "restricted", BEN)  # who never spoke to the bot
        await ada.ask("/about", "Petition Bell ")


async def test_a_channel_is_told_nothing_and_who_let_the_bot_in_is_told_what_next(
    village: Village, news: Conversation
) -> None:
    village.api.add_member(NEWS, BOT, "left")
    ada = village.chat(ADA)
    async with village.bell():
        await ada.ask("/about")
        village.api.change_bot(NEWS, "administrator", ADA)
        await ada.hears("I can now post in Tea news")
        assert village.api.messages(NEWS) == []


# --- managing a chat from one's own --------------------------------------------------------------


async def manages(village: Village, person: Conversation, label: str, chat_id: int) -> Json:
    """Choose a chat to manage; the bot's last message."""
    await person.ask("/about")
    village.api.press(person.chat_id, person.read, "else||")
    await person.hears("Which group or channel")
    village.api.share_chat(person.chat_id, label, chat_id)
    first = await person.hears()
    return await person.hears() if first["text"] == "Chosen." else first


async def test_a_group_is_managed_from_the_private_chat_of_its_admin(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await manages(village, ada, "Choose a group", CLUB)
        said = await ada.ask(f"/subscribe {TEA}", "✅ This chat is now following")
        assert said["text"].startswith("For Tea club:\n")
        await club.ask("/subscriptions", "Free tea", user_id=BEN)
        village.site.edit(TEA, signature_count=1_002)
        await club.hears("1,000 signatures")
        assert ada.unread() == []
        await ada.sees_note(ada.tap(said, "Make silent"))
        village.site.edit(TEA, signature_count=2_600)
        quiet = await club.hears("2,500 signatures")
        assert village.api.is_silent(CLUB, quiet["message_id"])


async def test_a_channel_is_managed_from_the_private_chat_of_its_admin(
    village: Village, news: Conversation
) -> None:
    village.api.add_member(NEWS, ADA, "administrator")
    ada = village.chat(ADA)
    async with village.bell():
        managing = await manages(village, ada, "Choose a channel", NEWS)
        assert managing["text"].startswith("For Tea news:\n")
        await ada.ask(f"/subscribe {TEA}", "For Tea news:")
        assert village.api.messages(NEWS) == []
        village.site.edit(TEA, signature_count=1_002)
        await news.hears("1,000 signatures")


async def test_done_leads_back_and_buttons_stay_about_the_chat_they_were_made_for(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        managing = await manages(village, ada, "Choose a group", CLUB)
        said = await ada.ask(f"/subscribe {TEA}", "For Tea club:")
        ada.tap(managing, "Done")
        await ada.hears("apply to this chat again")
        await ada.ask(f"/subscribe {TEA}", "I need to keep")
        ada.tap(said, "Unfollow")
        await ada.hears("For Tea club:")
        await club.ask("/subscriptions", "This chat isn't following anything yet", user_id=BEN)


async def test_another_restart_of_the_bot_forgets_nothing_of_it(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await manages(village, ada, "Choose a group", CLUB)
    async with village.bell():
        await ada.ask(f"/subscribe {TEA}", "For Tea club:")
    kept = (village.folder / "bell.db").read_bytes()
    assert b"Tea club" not in kept


@pytest.mark.parametrize("passed", [timedelta(minutes=61), timedelta(days=-365)])
async def test_after_an_hour_nothing_is_done_for_the_chat_before_it_is_chosen_again(
    village: Village, club: Conversation, passed: timedelta
) -> None:
    clock = Clock()
    ada = village.chat(ADA)
    async with village.bell(clock.now):
        await manages(village, ada, "Choose a group", CLUB)
        clock.later(passed)
        await ada.ask(f"/subscribe {TEA}", "for an hour")
        await club.ask("/subscriptions", "This chat isn't following anything yet", user_id=BEN)
        await ada.ask(f"/subscribe {TEA}", "I need to keep")


async def test_who_is_no_admin_there_or_no_more_manages_nothing(
    village: Village, club: Conversation
) -> None:
    ada, ben = village.chat(ADA), village.chat(BEN)
    village.api.add_member(CLUB, BOT, "administrator")
    async with village.bell():
        no = await manages(village, ben, "Choose a group", CLUB)
        assert "can't see that you're an admin" in no["text"]
        await ben.ask(f"/subscribe {TEA}", "I need to keep")

        await manages(village, ada, "Choose a group", CLUB)
        said = await ada.ask(f"/subscribe {TEA}", "For Tea club:")
        village.api.change_place(CLUB, ADA, "member")
        await village.api.wait_for(lambda api: not api.messenger.updates)
        told = await alert_of(village, ada.tap(said, "Unfollow"))
        assert "can't see that you're an admin" in told["text"]
        await ada.ask(f"/unsubscribe {TEA}", "can't see that you're an admin of Tea club")
        await club.ask("/subscriptions", "Free tea", user_id=BEN)


async def test_a_press_forged_for_a_chat_of_others_is_refused(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        message = await village.reader.ask("/about")
        ref = PetitionRef("uk", TEA)
        keyboard = button("x", UNSUBSCRIBE, ref)
        data = groups.for_chat(markup(keyboard), CLUB)[0][0].press
        query = village.api.press(READER, message["message_id"], str(data))
        assert "can't see that you're an admin" in (await alert_of(village, query))["text"]
        await club.ask("/subscriptions", "Free tea", user_id=BEN)


async def test_settings_and_rules_of_a_managed_chat_are_that_chats(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await manages(village, ada, "Choose a group", CLUB)
        await ada.ask("/settings quiet 22:00-07:00", "For Tea club:")
        shown = await club.ask("/settings", user_id=ADA)
        assert "22:00" in shown["text"]
        found = await ada.ask("/subscribe free tea", "For Tea club:")
        ada.tap(found, "Follow")
        draft = await ada.hears("For Tea club:")
        ada.tap(draft, "Save")
        await ada.sees_edit(draft, "For Tea club:\\n.*(?s:.)*✅")
        listed = await club.ask("/subscriptions", user_id=BEN)
        assert "tea" in str(listed).lower()
        await ada.ask("/settings here", "apply to this chat again")
        own = await ada.ask("/subscriptions", "You're not following anything")
        assert "free tea" not in str(own).lower()


async def test_members_are_listed_what_they_may_do_and_admins_all_in_each_language(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.ask("/about")
    lists = {
        (str(call["scope"]["type"]), str(call.get("language_code", ""))): {
            command["command"] for command in call["commands"]
        }
        for call in village.api.calls_to("setMyCommands")
    }
    assert {language for _, language in lists} == {"", "cy"}
    for language in ("", "cy"):
        assert "follow" not in lists["all_group_chats", language]
        assert {"follow", "settings"} <= lists["all_chat_administrators", language]


async def test_never_minding_leads_back(village: Village, club: Conversation) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await manages(village, ada, "Choose a group", CLUB)
        await ada.ask("Cancel", "apply to this chat again")
        await ada.ask(f"/subscribe {TEA}", "I need to keep")
        await manages(village, ada, "Choose a group", CLUB)
        await ada.ask("/settings here", "apply to this chat again")
        await ada.ask("/settings elsewhere", "Which group or channel")


async def test_erasing_is_about_the_chat_it_is_said_in(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        await manages(village, ada, "Choose a group", CLUB)
        await ada.ask("/forget", "I don't keep anything about this chat")


async def test_the_card_of_a_managed_chat_is_neither_moved_nor_edited(
    village: Village, club: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        await club.ask(f"/petition {TEA}", "This chat is following this petition", user_id=BEN)
        await manages(village, ada, "Choose a group", CLUB)
        await ada.ask(f"/petition {TEA}", "For Tea club:")
        await club.ask(f"/petition {TEA}", "Nothing new since", user_id=BEN)


# --- what can come from anybody ------------------------------------------------------------------


async def test_a_hundred_commands_at_once_are_answered_or_told_to_slow_down(
    village: Village,
) -> None:
    other = village.chat(77)
    async with village.bell(rate_limiter=hasty(10)):
        for _ in range(100):
            village.reader.say("/about")
        queries = [village.api.press(READER, 1, f"unsub|uk:{TEA}|") for _ in range(10)]
        other.say("/about")
        await other.hears("Petition Bell ", timeout=5)
        await village.api.wait_for(
            lambda _: any("a lot at once" in text for text in village.reader.unread())
        )
        assert "a lot at once" in (await alert_of(village, queries[-1]))["text"]
    said = village.reader.unread()
    assert sum("a lot at once" in text for text in said) == 1
    assert 10 <= len(said) <= 40
    async with village.bell():
        village.reader.read = max(m["message_id"] for m in village.api.messages(READER))
        await village.reader.ask("/about", "Petition Bell ")


@pytest.mark.parametrize("data", ["sub", "sub|uk:1|x|~", "sub|uk:1||~zz zz", "🔔" * 16, "|||"])
async def test_garbage_pressed_by_a_member_is_answered_and_harms_nothing(
    village: Village, club: Conversation, data: str
) -> None:
    async with village.bell():
        message = await club.ask("/about", user_id=BEN)
        query = village.api.press(CLUB, message["message_id"], data, user_id=BEN)
        await asyncio.wait_for(alert_of(village, query), 5)
        await club.ask("/about", "Petition Bell ", user_id=BEN)


@pytest.mark.parametrize("command", ["subscribe", "unsubscribe", "petition", "search", "xyzzy"])
async def test_ten_thousand_characters_get_a_clear_answer(village: Village, command: str) -> None:
    async with village.bell():
        await village.reader.ask(f"/{command} {'tea ' * 2500}")
        await village.reader.ask("/about", "Petition Bell ")


# --- language ------------------------------------------------------------------------------------


async def test_the_language_of_a_persons_telegram_is_kept_with_their_first_subscription(
    village: Village,
) -> None:
    village.api.speak(READER, "cy")
    async with village.bell():
        message = await village.reader.ask(f"/subscribe {TEA}")
        village.reader.tap(message, button_of(message))
        await village.reader.hears()
        village.reader.say("/mydata")
        document = await village.api.next_message(READER, after=village.reader.read)
    upload = village.api.file(document["document"]["file_id"])
    assert upload is not None
    assert json.loads(upload.content)["language"] == "cy"


# --- wording -------------------------------------------------------------------------------------


def test_a_message_on_behalf_of_a_chat_keeps_its_formatting() -> None:
    message = groups.on_behalf("Tea 🫖 <b>club</b>", compose("Free ", bold("tea")))
    assert message.text == "For Tea 🫖 <b>club</b>:\nFree tea"
    assert [span.of(message.text) for span in message.spans][-1] == "tea"


def test_a_button_names_its_chat_once_or_says_that_it_cannot() -> None:
    short, long = (
        button("a", UNSUBSCRIBE, PetitionRef("uk", 1)),
        button("b", WORDS, extra="x" * 56),
    )
    keyboard = groups.for_chat(groups.for_chat(markup(short, long), CLUB), CLUB)
    assert [key.text for row in keyboard for key in row] == ["a", "b"]
    named, full = (key.press for key in keyboard[0])
    assert groups.pressed_for(named) == (short.press, CLUB)
    assert full.startswith("full|")
    assert groups.pressed_for("card|uk:1|") == ("card|uk:1|", None)
    assert groups.pressed_for("find||~abc") == ("find||~abc", None)  # what people search for


def markup(*buttons: Button) -> Keyboard:
    return [list(buttons)]


def button_of(message: Json) -> str:
    return str(message["reply_markup"]["inline_keyboard"][0][0]["text"])


class Clock:
    """The real time, some time later."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def later(self, by: timedelta) -> None:
        self._ahead += by

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: utc_now() + self._ahead
