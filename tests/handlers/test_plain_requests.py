"""What people say of "it", in answer to an alert, two things at once, and to take it back."""

import asyncio

from bell import TEA, Conversation, Village
from test_utterances import COFFEE, labels, town  # noqa: F401 (the fixture)


async def follows_both(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.subscribes(COFFEE)


async def undo_takes_the_last_change_back(chat: Conversation) -> None:
    await chat.ask("undo", "There's nothing to undo")
    await chat.subscribes(TEA)
    await chat.ask(f"unfollow {TEA}", "You've unfollowed")
    again = await chat.ask("undo", "You've unfollowed")
    assert labels(again) == ["Undo"]
    chat.tap(again, "Undo")
    await chat.sees_edit(again, "now following")
    await chat.ask("undo", "There's nothing to undo")


async def undo_takes_settings_and_milestones_back(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("only important", "Alerts: Big moments")
    again = await chat.ask("undo", "Alerts: Big moments")
    assert labels(again) == ["Undo"]
    chat.tap(again, "Undo")
    await chat.sees_edit(again, "Alerts: Everything")
    await chat.ask(f"{TEA} at 50k", "★ 50,000")
    again = await chat.ask("undo", "★ 50,000")
    chat.tap(again, "Undo")
    await chat.sees_edit(again, r"\A(?!.*★ 50,000)")


async def it_is_the_petition_shown_last(chat: Conversation) -> None:
    await follows_both(chat)
    await chat.ask("mute it", "Free coffee at noon")
    await chat.ask(str(TEA), "Free tea in every library")
    await chat.ask("mute it", "Free tea in every library")
    await chat.ask("tell me when it hits 50k", "50,000")


async def an_answer_to_what_the_bot_said_is_about_that(chat: Conversation) -> None:
    await follows_both(chat)
    card = await chat.ask(f"/petition {TEA}", "Free tea in every library")
    await chat.ask(f"/petition {COFFEE}", "Free coffee at noon")
    await chat.ask(
        "stop", "You've unfollowed Free tea in every library", reply_to=card["message_id"]
    )
    await chat.ask("stop", "What do you want to stop?")


async def two_requests_are_both_done(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("quiet from 22 to 7 and only once a day", "22:00 to 07:00")
    await chat.hears("Daily digest")


async def two_requests_are_no_answer_to_a_question(chat: Conversation) -> None:
    await follows_both(chat)
    await chat.ask("/search", "What")
    await chat.ask(f"unfollow {COFFEE} and mute {TEA}", "You've unfollowed Free coffee at noon")
    await chat.hears("silently")


async def consent_goes_on_with_what_was_asked_for(chat: Conversation) -> None:
    asked = await chat.ask("no messages after 10pm", "I need to keep")
    chat.agrees(asked)
    await chat.hears("22:00 to 07:00")


async def half_a_postcode_asks_for_the_rest(chat: Conversation) -> None:
    await chat.ask("HD1", "Which constituency?")


async def test_plain_requests_are_carried_out(town: Village) -> None:
    walks = [
        undo_takes_the_last_change_back,
        undo_takes_settings_and_milestones_back,
        it_is_the_petition_shown_last,
        an_answer_to_what_the_bot_said_is_about_that,
        two_requests_are_both_done,
        two_requests_are_no_answer_to_a_question,
        consent_goes_on_with_what_was_asked_for,
        half_a_postcode_asks_for_the_rest,
    ]
    async with town.bell():
        await asyncio.gather(*(walk(town.chat(n)) for n, walk in enumerate(walks, 6_000)))


async def test_a_number_alone_asks_of_which_petition_once_none_was_shown(
    town: Village,
) -> None:
    async with town.bell():
        await town.reader.ask("notify at 5000", "You're not following anything yet")
        await follows_both(town.reader)
    async with town.bell():  # which was shown is remembered by no store
        asked = await town.reader.ask("notify at 5000", "Which petition?")
        assert labels(asked)[:2] == ["Free coffee at noon", "Free tea in every library"]
        town.reader.tap(asked, "Free tea in every library")
        await town.reader.sees_edit(asked, "Free tea[^★]*★ 5,000")


async def test_who_has_everything_deleted_takes_nothing_back_that_went_before(
    town: Village,
) -> None:
    async with town.bell():
        chat = town.reader
        await follows_both(chat)
        stopped = await chat.ask("stop", "What do you want to stop?")
        chat.tap(stopped, "Unfollow all")
        asked = await chat.sees_edit(stopped, "Unfollow all 2")
        chat.tap(asked, "Unfollow all")
        await chat.sees_edit(stopped, "unfollowed all 2")
        erasing = await chat.ask("/forget", "Delete everything")
        chat.tap(erasing, "Delete everything")
        await chat.sees_edit(erasing, "Deleted")
        await chat.ask("undo", "There's nothing to undo")
        await chat.subscribes(COFFEE)
        chat.tap(await chat.sees_edit(stopped, "unfollowed all 2"), "Undo")
        await chat.ask("notify at 5000", "coffee")
        listed = await chat.ask("/subscriptions", "Free coffee at noon")
        assert "Free tea" not in listed["text"]
