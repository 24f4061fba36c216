"""In a channel only an admin who may post there has the bot change, erase or post anything."""

import json

import pytest
from bell import TEA, Conversation, Json, Village
from telegram import Bot

from bot.app import utc_now
from bot.demo.bot_api import TOKEN
from bot.telegram.request import AiohttpRequest
from handlers.permissions import Permissions

ADA, BEN, BOT = 7, 8, 123456
NEWS, CLUB = -1009001, -1009002


@pytest.fixture
def news(village: Village) -> Conversation:
    """A channel in which the bot may post, and Ada is an admin who may not."""
    village.api.add_chat(NEWS, type="channel", title="Tea news")
    village.api.add_member(NEWS, BOT, "administrator")
    village.api.add_member(NEWS, ADA, "administrator", may_post=False)
    return village.chat(NEWS)


async def picks(village: Village, person: Conversation, label: str, chat_id: int) -> Json:
    await person.ask("/about")
    village.api.press(person.chat_id, person.read, "else||")
    await person.hears("Which group or channel")
    village.api.share_chat(person.chat_id, label, chat_id)
    return await person.hears()


async def follows(village: Village, news: Conversation) -> None:
    """A post has a channel follow the petition; with no admin to tell, a thumb up answers it."""
    news.say(f"/subscribe {TEA}")
    await village.api.wait_for(lambda api: api.calls_to("setMessageReaction"))


def unfollows(news: Conversation, message: Json) -> str:
    """Ada presses to have the channel unfollow the petition."""
    return news.api.press(NEWS, message["message_id"], f"unsub|uk:{TEA}|", user_id=ADA)


async def test_an_admin_who_may_not_post_changes_nothing_in_a_channel(
    village: Village, news: Conversation
) -> None:
    async with village.bell():
        await follows(village, news)
        card = await news.ask(f"/petition {TEA}", "Free tea")
        note = await news.sees_note(unfollows(news, card))
        assert "Only admins who can post here" in note
        await news.ask("/subscriptions", "Free tea")
        question = await news.ask("/forget", "Delete everything")
        await news.sees_note(news.tap(question, "Delete", user_id=ADA))
        await news.ask("/subscriptions", "Free tea")


@pytest.mark.parametrize("place", ["administrator", "creator"])
async def test_an_admin_who_may_post_and_the_owner_do(
    village: Village, news: Conversation, place: str
) -> None:
    village.api.add_member(NEWS, ADA, place)
    async with village.bell():
        await follows(village, news)
        card = await news.ask(f"/petition {TEA}", "Free tea")
        unfollows(news, card)
        await news.hears("You've unfollowed")


async def test_who_may_not_post_has_the_bot_post_nothing_either(
    village: Village, news: Conversation
) -> None:
    async with village.bell():
        await follows(village, news)
        card = await news.ask(f"/petition {TEA}", "Free tea")
        for user in (ADA, BEN):
            note = await news.sees_note(news.tap(card, "Milestones", user_id=user))
            assert "only admins who can post" in note
        assert news.unread() == []
        village.api.add_member(NEWS, 9, "administrator")
        news.tap(card, "Milestones", user_id=9)
        await news.hears("Milestones")


async def test_a_channel_is_not_managed_from_afar_by_who_may_not_post(
    village: Village, news: Conversation
) -> None:
    ada = village.chat(ADA)
    async with village.bell():
        told = await picks(village, ada, "Choose a channel", NEWS)
        assert "you also need to be allowed to post" in told["text"]
        await ada.ask("/subscriptions", "You're not following anything yet")


async def test_the_right_to_post_taken_away_ends_managing_a_channel(
    village: Village, news: Conversation
) -> None:
    ada = village.chat(ADA)
    village.api.add_member(NEWS, ADA, "administrator")
    async with village.bell():
        await picks(village, ada, "Choose a channel", NEWS)
        said = await ada.hears("For Tea news")
        village.api.add_member(NEWS, ADA, "administrator", may_post=False)
        village.api.change_place(NEWS, ADA, "administrator")
        await ada.ask(f"/subscribe {TEA}", "you also need to be allowed to post")
        note = await ada.sees_note(ada.tap(said, "Done"))
        assert "nothing has changed" in note


async def test_in_a_group_an_admin_needs_no_right_to_post(village: Village) -> None:
    village.api.add_chat(CLUB, "supergroup", title="Tea club")
    village.api.add_member(CLUB, ADA, "administrator", may_post=False)
    club = village.chat(CLUB)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)


@pytest.mark.parametrize(("right", "may"), [(True, True), (False, False), (None, False)])
async def test_an_older_servers_words_about_an_admin_are_understood(
    village: Village, right: bool | None, may: bool
) -> None:
    rights = {} if right is None else {"can_post_messages": right}
    member = {"user": {"id": ADA, "is_bot": False, "first_name": "Ada"}}
    body = (
        b'{"ok": true, "result": %s}'
        % json.dumps(member | {"status": "administrator"} | rights).encode()
    )
    request = AiohttpRequest()
    bot = Bot(TOKEN, village.api.base_url, request=request, get_updates_request=AiohttpRequest())
    await request.initialize()
    try:
        village.api.answer_with(body, 200, "application/json", method="getChatMember")
        asked = Permissions()
        assert await asked.is_admin(bot, NEWS, ADA, utc_now(), posts=True) is may
        assert await asked.is_admin(bot, NEWS, ADA, utc_now()) is True
    finally:
        await request.shutdown()
