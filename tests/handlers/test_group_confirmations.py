"""What a group or channel is told of what it follows from now on: who reads it, and where."""

import pytest
from bell import TEA, Conversation, Json, Village, open_petition

from bot.demo.messenger import buttons_of

CLUB, NEWS = -1_001, -1_002
ADA, BEN, CARL = 51, 52, 53
PETITIONS, KITCHEN = 7, 8


@pytest.fixture
def club(village: Village) -> Conversation:
    """A group with two topics, one of whose names is known, and an admin."""
    village.api.add_chat(CLUB, type="supergroup", title="Tea club")
    village.api.add_topic(CLUB, PETITIONS, "Petitions")
    village.api.add_topic(CLUB, KITCHEN, "Kitchen")
    village.api.add_member(CLUB, ADA, "administrator")
    return village.chat(CLUB)


@pytest.fixture
def news(village: Village) -> Conversation:
    """A channel with two admins, of whom one may post."""
    village.api.add_chat(NEWS, type="channel", title="Tea news")
    village.api.add_member(NEWS, ADA, "administrator")
    village.api.add_member(NEWS, BEN, "administrator", may_post=False)
    return village.chat(NEWS)


def labels(message: Json) -> list[str]:
    return [key["text"] for key in buttons_of(message)]


async def test_a_group_is_told_in_which_topic_and_offered_what_everybody_may_press(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        told = await club.ask(f"/follow {TEA}", user_id=ADA, thread_id=PETITIONS)
        assert told["text"].startswith("✅ This group is now following Free tea")
        assert told["text"].endswith("Alerts are posted in Petitions.")
        assert labels(told) == ["Open", "Follow it yourself"]
        card = await club.ask(f"/petition {TEA}", "84 of 10,000", user_id=ADA)
        assert labels(card)[-3:] == ["Open", "Follow it yourself", "Share"]
        listed = await club.ask("/list", "Free tea", user_id=ADA)
        assert "In Petitions:" in listed["text"]


async def test_in_a_private_chat_no_topic_is_named_and_the_buttons_are_ones_own(
    village: Village,
) -> None:
    async with village.bell():
        told = await village.reader.subscribes()
        assert "posted in" not in told["text"]
        assert labels(told) == ["Open", "Change alerts", "Make silent", "Unfollow"]
        assert " · in " not in (await village.reader.ask("/list"))["text"]


async def test_following_again_in_another_topic_asks_which_it_is_to_be(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        await club.ask(f"/follow {TEA}", user_id=ADA, thread_id=PETITIONS)
        again = await club.ask(f"/follow {TEA}", "since", user_id=ADA, thread_id=PETITIONS)
        assert labels(again) == ["Open", "Follow it yourself"]
        asked = await club.ask(f"/follow {TEA}", user_id=ADA, thread_id=KITCHEN)
        assert "Its alerts are posted in Petitions." in asked["text"]
        assert labels(asked) == ["Move alerts here", "Leave as it is"]
        club.tap(asked, "Move alerts here", user_id=ADA)
        await club.sees_edit(asked, "Settings for one petition")
        assert "In Kitchen:" in (await club.ask("/list", user_id=ADA))["text"]


async def test_what_a_channel_follows_is_told_its_admins_and_not_the_channel(
    village: Village, news: Conversation
) -> None:
    ada, ben = village.chat(ADA), village.chat(BEN)
    async with village.bell():
        for person in (ada, ben):
            await person.subscribes()
        news.say(f"/follow {TEA}")
        told = await ada.hears("For Tea news:")
        assert "This chat is now following Free tea" in told["text"]
        ada.tap(told, "Unfollow")
        ended = await ada.hears("You've unfollowed")
        assert ended["text"].startswith("For Tea news:")
        assert news.unread() == []
        assert ben.unread() == []


async def test_where_no_admin_can_be_told_a_thumb_up_says_that_it_was_done(
    village: Village, news: Conversation
) -> None:
    async with village.bell():
        news.say(f"/follow {TEA}")
        await village.api.wait_for(lambda api: api.calls_to("setMessageReaction"))
        await news.ask("/list", "Free tea in every library")


async def test_help_in_a_group_has_eight_lines_and_all_commands_in_private(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        told = await club.ask("/help", user_id=CARL)
        assert len(told["text"].splitlines()) == 8
        assert "/milestones" in (await village.reader.ask("/help"))["text"]


async def test_all_that_was_unfollowed_at_once_can_be_had_back(village: Village) -> None:
    reader = village.reader
    village.site.put(TEA + 1, open_petition(action="Free coffee"))
    async with village.bell():
        await reader.subscribes()
        await reader.subscribes(TEA + 1)
        await reader.ask(f"/settings {TEA} response silent")
        was = (await reader.ask("/list"))["text"]
        question = await reader.ask("/stop")
        reader.tap(question, "Unfollow all")
        asked = await reader.sees_edit(question, "Unfollow all 2")
        reader.tap(asked, "Unfollow all")
        gone = await reader.sees_edit(question, "You've unfollowed all 2")
        assert labels(gone) == ["Undo"]
        undo = reader.tap(gone, "Undo")
        assert await reader.sees_note(undo) == "You're following everything again."
        assert (await reader.sees_edit(question, "You're following 2"))["text"] == was
        await reader.ask(f"/settings {TEA}", "Silent: government response")
        # What was had back once is not had back again.
        assert "no longer works" in await reader.sees_note(
            village.api.press(reader.chat_id, gone["message_id"], "stop||undo")
        )


async def test_a_topic_is_called_as_it_was_renamed_and_by_no_name_where_none_is_known(
    village: Village, club: Conversation
) -> None:
    async with village.bell():
        await club.ask("/about", "Petition Bell", user_id=ADA, thread_id=PETITIONS)
        renamed = {"forum_topic_edited": {"name": "Tea and cake"}}
        chat = village.api.messenger.chat(CLUB)
        village.api.messenger.from_person(chat, renamed, user_id=ADA, thread_id=PETITIONS)
        told = await club.ask(f"/follow {TEA}", user_id=ADA, thread_id=PETITIONS)
        assert told["text"].endswith("Alerts are posted in Tea and cake.")
        listed = await club.ask("/list", "In Tea and cake:", user_id=ADA)
    async with village.bell():  # topics' names are kept nowhere
        listed = await club.ask("/list", "In a topic:", user_id=ADA)
        assert "Tea and cake" not in listed["text"]
        await club.ask("/about", "Petition Bell", user_id=ADA, thread_id=PETITIONS)
