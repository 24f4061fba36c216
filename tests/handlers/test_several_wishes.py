"""Several wishes at once are all carried out; what cannot be had is said in words."""

import asyncio
import re

from bell import TEA, Conversation, Village
from test_utterances import COFFEE, labels, town  # noqa: F401 (the fixture)


async def before_consent_all_that_was_asked_waits_for_it(chat: Conversation) -> None:
    asked = await chat.ask(
        f"follow {TEA}, tell me at 50k and mute it", "To alert you about Free tea"
    )
    chat.agrees(asked)
    await chat.hears("now following Free tea")
    await chat.hears("★ 50,000")
    await chat.hears("will arrive silently")


async def two_petitions_are_both_followed_after_one_consent(chat: Conversation) -> None:
    asked = await chat.ask(f"follow {TEA} and then follow {COFFEE} quietly", "Free tea")
    chat.agrees(asked)
    await chat.hears("now following Free tea")
    await chat.hears("now following Free coffee")
    await chat.hears("will arrive silently")


async def settings_wait_in_their_order_too(chat: Conversation) -> None:
    asked = await chat.ask("quiet from 22 to 7 and snooze until next friday", "I need to keep")
    chat.agrees(asked)
    await chat.hears("22:00 to 07:00")
    await chat.hears("Snoozed until")


async def what_asks_for_no_consent_does_not_hold_up_the_rest(chat: Conversation) -> None:
    await chat.ask(f"show me {COFFEE} and follow {TEA}", "Free coffee at noon")
    chat.agrees(await chat.hears("To alert you about Free tea"))
    await chat.hears("now following Free tea")


async def a_snooze_before_consent_is_not_forgotten(chat: Conversation) -> None:
    chat.agrees(await chat.ask("no messages until tomorrow evening", "I need to keep"))
    await chat.hears("Snoozed until")


async def who_refuses_has_nothing_carried_out(chat: Conversation) -> None:
    asked = await chat.ask(f"follow {TEA} and follow {COFFEE} quietly", "To alert you about")
    chat.tap(asked, "Not now")
    await chat.sees_edit(asked, r"\A(?!To alert)")
    await chat.ask("/list", "You're not following anything yet")


async def another_question_does_not_bring_what_waited_for_the_first(chat: Conversation) -> None:
    await chat.ask(f"follow {TEA} and mute {COFFEE}", "To alert you about Free tea")
    chat.agrees(await chat.ask(f"follow {COFFEE}", "To alert you about Free coffee"))
    await chat.hears("now following Free coffee")
    again = await chat.ask("/about", "Petition Bell ")
    assert "silently" not in again["text"]


async def each_of_several_is_muted_or_said_not_to_be_followed(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    said = await chat.ask(f"mute {TEA} and {COFFEE}", "Free tea in every library” will arrive")
    assert f"You're not following {COFFEE}." in said["text"]
    assert labels(said) == [f"Follow {COFFEE}"]
    chat.tap(said, f"Follow {COFFEE}")
    await chat.hears("now following Free coffee")
    await chat.hears("will arrive silently")
    both = await chat.ask(f"/unmute {TEA} {COFFEE}", "Sound is on again for “Free tea")
    assert "Sound is on again for “Free coffee" in both["text"]
    assert labels(both) == []


async def none_of_several_is_followed(chat: Conversation) -> None:
    said = await chat.ask(f"silence {TEA}, {COFFEE}", f"You're not following {TEA}.")
    assert "silently" not in said["text"]


async def test_several_wishes_at_once_are_all_carried_out(town: Village) -> None:
    walks = [
        before_consent_all_that_was_asked_waits_for_it,
        two_petitions_are_both_followed_after_one_consent,
        settings_wait_in_their_order_too,
        what_asks_for_no_consent_does_not_hold_up_the_rest,
        a_snooze_before_consent_is_not_forgotten,
        who_refuses_has_nothing_carried_out,
        another_question_does_not_bring_what_waited_for_the_first,
        each_of_several_is_muted_or_said_not_to_be_followed,
        none_of_several_is_followed,
    ]
    async with town.bell():
        await asyncio.gather(*(walk(town.chat(n)) for n, walk in enumerate(walks, 9_000)))


async def what_closes_next_is_listed(chat: Conversation) -> None:
    await chat.ask("which of mine close soon?", "You're not following anything yet")
    await chat.subscribes(TEA)
    await chat.subscribes(COFFEE)
    mine = await chat.ask("when do my petitions close", "Closing next")
    assert re.search(r"left.*Free tea", mine["text"])
    assert labels(mine)[-1] == "Closing reminders"
    assert "only for petitions you follow" not in mine["text"]
    await chat.ask("petitions closing soon", "only for petitions you follow")


async def who_follows_nothing_is_told_whose_closing_dates_can_be_had(chat: Conversation) -> None:
    none = await chat.ask("what's closing soon?", "You're not following anything yet")
    assert "only for petitions you follow" in none["text"]


async def some_days_only_cannot_be_had(chat: Conversation) -> None:
    said = await chat.ask("only weekdays", "Quiet hours are the same every day")
    assert labels(said) == ["Snooze until Monday", "Quiet hours", "Digest"]
    await chat.subscribes(TEA)
    said = await chat.ask("not at weekends", "Quiet hours are the same every day")
    chat.tap(said, "Snooze until Monday")
    await chat.sees_edit(said, "Snoozed until Monday")


async def an_hour_to_wake_at_ends_the_quiet(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("wake me at 8", "22:00 to 08:00")
    await chat.ask("don't wake me before 9", "22:00 to 09:00")


async def how_far_it_is_shows_the_card(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("how far is it from 100,000?", "84 of 10,000")
    await chat.ask("is it halfway yet?", "Nothing new since")
    await chat.ask("tell me when it's halfway", "50%")


async def a_subject_to_be_stopped_is_searched_for(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    found = await chat.ask("stop the boats", "I couldn't find")
    assert "Follow these words" in labels(found)
    await chat.ask("stop the mesages", "What do you want to stop?")


async def test_what_can_be_had_is_done_and_what_cannot_is_said(town: Village) -> None:
    walks = [
        what_closes_next_is_listed,
        who_follows_nothing_is_told_whose_closing_dates_can_be_had,
        some_days_only_cannot_be_had,
        an_hour_to_wake_at_ends_the_quiet,
        how_far_it_is_shows_the_card,
        a_subject_to_be_stopped_is_searched_for,
    ]
    async with town.bell():
        await asyncio.gather(*(walk(town.chat(n)) for n, walk in enumerate(walks, 9_500)))
