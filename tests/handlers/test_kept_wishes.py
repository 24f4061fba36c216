"""What was asked of a petition is done once it is followed; what a page asks may be typed."""

import asyncio
import re

from bell import TEA, Conversation, Village
from test_utterances import town  # noqa: F401 (the fixture)


async def a_milestone_waits_until_the_petition_is_followed(chat: Conversation) -> None:
    first = await chat.ask(f"tell me at 50k {TEA}", "You're not following this petition.")
    chat.tap(first, "Follow")
    asked = await chat.hears("I need to keep")
    chat.agrees(asked)
    await chat.hears("now following")
    await chat.hears("★ 50,000")


async def a_reminder_waits_too(chat: Conversation) -> None:
    await chat.subscribes(TEA + 1)
    first = await chat.ask(f"remind me a day before {TEA} closes", "You're not following")
    chat.tap(first, "Follow")
    await chat.hears("now following")
    await chat.hears("Closing reminders: 1 day before closing")


async def followed_quietly_is_followed_and_silent(chat: Conversation) -> None:
    asked = await chat.ask(f"follow {TEA} quietly", "I need to keep")
    chat.agrees(asked)
    await chat.hears("now following")
    await chat.hears("will arrive silently")


async def follow_alone_does_no_more(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    again = await chat.ask("/about", "Petition Bell ")
    assert not re.search("silently", again["text"])


async def a_page_that_asks_takes_what_can_be_its_answer(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("/settings quiet", "Quiet hours: none")
    await chat.ask("at night", "22:00 to 07:00")
    await chat.ask("/snooze", "How long")
    await chat.ask("two weeks please", "Snoozed until")
    await chat.ask("/settings zone", "Time zone")
    await chat.ask("Spain", "Europe/Madrid")
    await chat.ask("/settings digest", "Digest")
    await chat.ask("sunday evening", "every Sunday at 18:00")


async def a_page_that_asks_takes_nothing_else(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    await chat.ask("/settings quiet", "Quiet hours: none")
    await chat.ask("free tea", "Free tea in every library")
    await chat.ask("/settings zone", "Time zone")
    await chat.ask(str(TEA), "84 of 10,000")


async def the_number_of_a_followed_petition_is_no_milestone(chat: Conversation) -> None:
    await chat.subscribes(TEA)
    ladder = await chat.ask(f"/milestones {TEA}", "Milestones")
    chat.tap(ladder, "Another number…")
    await chat.hears("At how many signatures?")
    await chat.ask(str(TEA), "84 of 10,000")
    chat.tap(ladder, "Another number…")
    await chat.hears("At how many signatures?")
    await chat.ask(str(TEA + 5), f"★ {TEA + 5:,}")


async def a_wish_for_all_petitions_shows_a_draft(chat: Conversation) -> None:
    await chat.ask("petitions over 100,000", "that pass 100,000 signatures?")
    await chat.ask("every government response", "all government responses?")
    await chat.ask("tell me about all debates", "all debates?")
    await chat.ask("how many signatures does a petition need", "At 10,000, it gets a written")


async def test_what_was_wished_for_is_kept(town: Village) -> None:
    walks = [
        a_milestone_waits_until_the_petition_is_followed,
        a_reminder_waits_too,
        followed_quietly_is_followed_and_silent,
        follow_alone_does_no_more,
        a_page_that_asks_takes_what_can_be_its_answer,
        a_page_that_asks_takes_nothing_else,
        the_number_of_a_followed_petition_is_no_milestone,
        a_wish_for_all_petitions_shows_a_draft,
    ]
    async with town.bell():
        await asyncio.gather(*(walk(town.chat(n)) for n, walk in enumerate(walks, 7_000)))
