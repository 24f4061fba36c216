"""The admins of a chat that cannot be written to: who of them is told, and in which words."""

from types import SimpleNamespace
from typing import Any

import pytest
from noting import Noting
from petitions import NOW
from structlog.testing import capture_logs
from telegram import ChatMember, ChatMemberAdministrator, ChatMemberOwner, User
from telegram.error import Forbidden, NetworkError

from bot.delivery.refusal_notice import may_post, tell_admins
from bot.messages.buttons import Button
from bot.messages.chat import groups
from bot.messages.i18n import speaking
from bot.messages.message import Message, Span
from bot.subscriptions.subscription import Chat
from bot.telegram import render

CLUB = -100_777
RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


def owner(number: int, *, is_bot: bool = False) -> ChatMember:
    return ChatMemberOwner(User(number, "Ada", is_bot), is_anonymous=False)


def admin(number: int, *, posts: bool | None = None) -> ChatMember:
    rights = dict.fromkeys(RIGHTS, False)
    return ChatMemberAdministrator(User(number, "Ada", False), **rights, can_post_messages=posts)


def stand_ins(*admins: ChatMember, title: str | None = "Tea club", **kept: Chat) -> tuple[Any, Any]:
    bot: Any = Noting(get_chat=SimpleNamespace(title=title), get_chat_administrators=[list(admins)])
    return bot, Noting(chat={chat.id: chat for chat in kept.values()}.get)


def told(bot: Any) -> list[int]:
    return [args[0] for args in bot.asked("send_message")]


@pytest.mark.parametrize(
    ("member", "may"),
    [
        (owner(1), True),
        (admin(1, posts=True), True),
        (admin(1, posts=False), False),
        (admin(1, posts=None), False),
    ],
)
def test_the_owner_may_post_in_a_channel_and_who_has_that_right(
    member: ChatMember, may: bool
) -> None:
    assert may_post(member) is may


async def test_those_who_have_a_chat_with_the_bot_are_told_each_in_their_language() -> None:
    bot, storage = stand_ins(
        owner(1), admin(2), admin(3), a=Chat(1), b=Chat(2, language="cy"), other=Chat(9)
    )
    assert await tell_admins(bot, storage, CLUB) == 2
    assert (bot.asked("get_chat"), bot.asked("get_chat_administrators")) == ([(CLUB,)], [(CLUB,)])
    english = groups.lost_voice("Tea club")
    with speaking("cy"):
        welsh = groups.lost_voice("Tea club")
    assert bot.asked("send_message") == [(1, english.text), (2, welsh.text)]
    assert english.text != welsh.text
    assert bot.calls[-2].how == {
        "entities": render.entities(english),
        "reply_markup": None,
        "link_preview_options": render.NO_PREVIEW,
    }


@pytest.mark.parametrize(
    ("kept", "count"),
    [
        (Chat(1), 1),
        (Chat(2), 0),
        (Chat(1, resting="blocked"), 0),
        (Chat(1, probe_at=NOW), 0),
    ],
)
async def test_whoever_keeps_no_open_chat_with_the_bot_is_not_told(kept: Chat, count: int) -> None:
    bot, storage = stand_ins(owner(1), kept=kept)
    assert await tell_admins(bot, storage, CLUB) == count
    assert told(bot) == [1] * count


async def test_other_bots_are_not_even_looked_up() -> None:
    bot, storage = stand_ins(owner(1, is_bot=True), kept=Chat(1))
    assert await tell_admins(bot, storage, CLUB) == 0
    assert storage.calls == []


@pytest.mark.parametrize(("posts", "whom"), [(True, [1, 3]), (False, [1, 2, 3])])
async def test_what_concerns_posts_is_told_to_those_who_may_post(
    posts: bool, whom: list[int]
) -> None:
    members = (owner(1), admin(2, posts=False), admin(3, posts=True))
    bot, storage = stand_ins(*members, a=Chat(1), b=Chat(2), c=Chat(3))
    assert await tell_admins(bot, storage, CLUB, posts=posts) == len(whom)
    assert told(bot) == whom


async def test_unless_it_concerns_posts_every_admin_is_told() -> None:
    bot, storage = stand_ins(admin(2, posts=False), b=Chat(2))
    assert await tell_admins(bot, storage, CLUB) == 1


@pytest.mark.parametrize(("title", "called"), [("Tea club", "Tea club"), (None, ""), ("", "")])
async def test_other_words_are_made_of_the_title_and_may_have_buttons(
    title: str | None, called: str
) -> None:
    bot, storage = stand_ins(owner(1), title=title, kept=Chat(1))
    buttons = [[Button("Stop", press="stop")]]
    message = Message("Hello", (Span("bold", 0, 5),))
    titles = []

    def words(of: str) -> tuple[Message, Any]:
        titles.append(of)
        return message, buttons

    assert await tell_admins(bot, storage, CLUB, words) == 1
    assert titles == [called]
    [sent] = [call for call in bot.calls if call.name == "send_message"]
    assert sent.args == (1, "Hello")
    assert sent.how["reply_markup"] == render.keyboard(buttons)
    assert sent.how["entities"] == render.entities(message)


@pytest.mark.parametrize("method", ["get_chat", "get_chat_administrators"])
async def test_nobody_is_told_of_a_chat_whose_admins_cannot_be_listed(method: str) -> None:
    bot, storage = stand_ins(owner(1), kept=Chat(1))
    bot.answers[method] = [Forbidden("Forbidden: bot was kicked")]
    with capture_logs() as lines:
        assert await tell_admins(bot, storage, CLUB) == 0
    assert told(bot) == []
    assert [(line["event"], line["error"]) for line in lines] == [
        ("a chat's admins cannot be listed", "Forbidden")
    ]


async def test_one_who_cannot_be_told_keeps_nobody_else_from_being_told() -> None:
    bot, storage = stand_ins(owner(1), admin(2), a=Chat(1), b=Chat(2))
    bot.answers["send_message"] = [NetworkError("gone"), None]
    with capture_logs() as lines:
        assert await tell_admins(bot, storage, CLUB) == 1
    assert told(bot) == [1, 2]
    assert [line["error"] for line in lines] == ["NetworkError"]
