"""What the rate limiter forgets of a chat: nothing that would change how it is written to."""

import pytest

from bot.delivery.send_queue import PER_GROUP_MINUTE, TALKATIVE, Chat, Chats, Departure, Window

NOW = 10_000.0


def with_window(name: str, most: int, left_at: float) -> Chat:
    window = Window(most, 60.0)
    window.count(Departure(left_at))
    chat = Chat(1)
    setattr(chat, name, window)
    return chat


@pytest.mark.parametrize(
    "chat",
    [
        Chat(1),
        Chat(1, spent_until=NOW),
        Chat(1, asked=NOW),
        Chat(1, refused={"send": NOW - 3600.0}),
        with_window("answers", TALKATIVE, NOW - 60.0),
        with_window("minute", PER_GROUP_MINUTE, NOW - 60.0),
    ],
    ids=["unused", "free again", "asks no more", "refused long ago", "few answers", "quiet group"],
)
def test_a_chat_that_nothing_holds_any_more_is_forgotten(chat: Chat) -> None:
    assert chat.idle(NOW)


@pytest.mark.parametrize(
    "chat",
    [
        Chat(1, in_work=1),
        Chat(1, spent_until=NOW + 0.5),
        Chat(1, asked=NOW + 0.5),
        Chat(1, refused={"send": NOW - 3599.0, "edit": NOW - 9000.0}),
        Chat(1, refused={"send": NOW + 30.0}),
        with_window("answers", TALKATIVE, NOW - 59.0),
        with_window("minute", PER_GROUP_MINUTE, NOW - 59.0),
    ],
    ids=["in work", "spent", "asks", "refused lately", "refused", "answered", "written to"],
)
def test_a_chat_that_anything_still_holds_is_remembered(chat: Chat) -> None:
    assert not chat.idle(NOW)


def test_chats_are_swept_when_a_thousand_are_known_and_then_when_they_have_doubled() -> None:
    chats = Chats()
    for number in range(1, 1001):
        chats.get(number, NOW).spent_until = NOW + (100.0 if number <= 700 else 0.0)
    assert len(chats.known) == 1000
    chats.get(2000, NOW)
    assert len(chats.known) == 701
    assert chats.sweep_at == 1400
    assert chats.get(1, NOW).spent_until == NOW + 100.0
    chats.get(3000, NOW + 1000.0)
    assert chats.sweep_at == 1400  # not yet
    for number in range(4000, 5000):
        chats.get(number, NOW + 1000.0)
    assert chats.sweep_at == 1000
