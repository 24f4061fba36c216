"""Claims as the messages that are sent for them, and what is left of one that is mended (pure)."""

from datetime import timedelta
from typing import Any

import pytest
from petitions import NOW, REF, petition
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.delivery import deliverer as delivering
from bot.delivery.deliverer import (
    OutgoingMessage,
    _among,
    _by_chat,
    _in_full,
    _in_messages,
    _is_probe,
    _mended,
    _reply,
    _worded,
    classify,
)
from bot.messages.alert import Among, bare_alert
from bot.messages.buttons import Button
from bot.messages.message import Message, Span, width
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.subscriptions.delivery import (
    ChatGone,
    ChatMoved,
    ChatRefuses,
    Delivery,
    Outcome,
    Refused,
    RetryAt,
)
from bot.subscriptions.subscription import Chat, Subscription
from storage import ClaimedDelivery

NO_TOPIC = "message thread not found"
BAD_BUTTONS = "BUTTON_URL_INVALID"
BAD_TEXT = "can't parse entities"
TOO_LONG = "message is too long"
BOT: Any = type("Bot", (), {"username": "tea_bot"})()


def claim(number: int, chat_id: int = 1, *, chat: Chat | None = None, **how: Any) -> Any:
    event = MilestoneReached(number * 1_000, number * 1_000 + 2)
    occurrence = Occurrence(f"{REF}:{event.key}", REF, NOW, event)
    delivery = Delivery(
        f"{occurrence.key}:{chat_id}", number, chat_id, REF, (occurrence.key,), NOW, NOW, **how
    )
    return ClaimedDelivery(delivery, PetitionHistory(petition(), NOW), (occurrence,), chat)


def numbers(groups: Any) -> list[list[int]]:
    return [[each.delivery.number for each in group] for group in groups]


def outgoing(text: str = "Tea and milk", *spans: Span, **how: Any) -> OutgoingMessage:
    bare: dict[str, Any] = {"buttons": None, "thread_id": None, "silent": False}
    return OutgoingMessage(1, Message(text, spans), **(bare | how))


BOLD = Span("bold", 0, 3)
BUTTONS = [[Button("Stop", press="stop")]]

# --- what goes together --------------------------------------------------------------------------


def test_claims_of_each_chat_go_together_oldest_first_and_so_do_the_chats() -> None:
    claims = [claim(5, 1), claim(2, 9), claim(3, 4), claim(1, 4), claim(4, 9)]
    assert numbers(_by_chat(claims)) == [[1, 3], [2, 4], [5]]
    assert numbers(_by_chat([])) == []


def test_a_queue_is_one_message_in_each_topic_and_what_is_due_at_once_in_all_of_them() -> None:
    claims = [
        claim(1, thread_id=7),
        claim(2, queue="quiet", thread_id=7),
        claim(3, thread_id=8),
        claim(4, queue="quiet", thread_id=8),
        claim(5, queue="digest", thread_id=7),
        claim(6, queue="quiet", thread_id=7),
    ]
    assert numbers(_in_messages(claims)) == [[1, 3], [2, 6], [4], [5]]


@pytest.mark.parametrize(
    ("chat", "is_probe"), [(None, False), (Chat(1), False), (Chat(1, probe_at=NOW), True)]
)
def test_a_probe_is_what_a_chat_that_refused_is_tried_with(
    chat: Chat | None, is_probe: bool
) -> None:
    assert _is_probe([claim(1, chat=chat)]) is is_probe


@pytest.mark.parametrize(
    ("chat", "among"),
    [
        (None, None),
        (Chat(1), None),
        (Chat(-1, "group"), Among("tea_bot", is_channel=False)),
        (Chat(-1, "supergroup"), Among("tea_bot", is_channel=False)),
        (Chat(-1, "channel"), Among("tea_bot", is_channel=True)),
    ],
)
def test_whom_an_alert_is_told_among(chat: Chat | None, among: Among | None) -> None:
    assert _among(claim(1, chat=chat), BOT) == among


# --- how it is worded ----------------------------------------------------------------------------


@pytest.mark.parametrize(("thread_id", "silent"), [(None, False), (7, True)])
def test_one_alert_is_told_as_it_is(thread_id: int | None, silent: bool) -> None:
    one = claim(1, -5, thread_id=thread_id, silent=silent)
    made = _in_full([one], None, NOW, None)
    assert made[0] == -5
    assert "1,000 signatures" in made.message.text
    assert made[3:] == (thread_id, silent, 1, None)
    assert made.buttons


@pytest.mark.parametrize(
    ("threads", "thread_id"),
    [((7, 7), 7), ((7, 8), None), ((None, 8), None), ((7, None), None), ((None, None), None)],
)
def test_a_summary_goes_to_the_topic_that_all_of_it_is_for(
    threads: tuple[int | None, ...], thread_id: int | None
) -> None:
    claims = [claim(n, thread_id=each, queue="quiet") for n, each in enumerate(threads, 1)]
    assert _in_full(claims, None, NOW, None).thread_id == thread_id


@pytest.mark.parametrize("silent", [(True, True), (True, False), (False, True), (False, False)])
def test_a_summary_is_silent_only_if_all_of_it_is(silent: tuple[bool, bool]) -> None:
    claims = [claim(n, silent=each, queue="quiet") for n, each in enumerate(silent, 1)]
    made = _in_full(claims, None, NOW, None)
    assert made.silent is (silent == (True, True))
    assert (made.chat_id, made.told, made.card_id) == (1, 2, None)


@pytest.mark.parametrize(
    ("queue", "head"),
    [("quiet", "During your quiet hours"), ("digest", "Your digest"), ("away", "What you missed")],
)
def test_a_summary_says_what_its_news_waited_for(queue: str, head: str) -> None:
    text = _in_full([claim(n, queue=queue) for n in (1, 2)], None, NOW, None).message.text
    assert head in text.partition("\n")[0]
    assert text.index("1,000 signatures") < text.index("2,000 signatures")


@pytest.mark.parametrize(
    ("among", "has_buttons"),
    [(None, True), (Among("tea_bot", False), True), (Among("tea_bot", True), False)],
)
def test_a_summary_has_buttons_everywhere_but_in_a_channel(
    among: Among | None, has_buttons: bool
) -> None:
    made = _in_full([claim(n, queue="quiet") for n in (1, 2)], None, NOW, among)
    assert bool(made.buttons) is has_buttons


def labels(made: OutgoingMessage) -> list[str]:
    return [key.text for row in made.buttons or () for key in row]


def test_the_buttons_of_an_alert_are_those_of_who_follows_of_a_rule_and_of_a_muted_one() -> None:
    follows, muted = Subscription(1, REF, NOW), Subscription(1, REF, NOW, muted=True)
    plain = labels(_in_full([claim(1)], None, NOW, None))
    assert labels(_in_full([claim(1)], follows, NOW, None)) == plain
    assert labels(_in_full([claim(1, rule=2)], follows, NOW, None)) == plain
    assert labels(_in_full([claim(1, rule=2)], None, NOW, None)) != plain
    unmuted, silent = plain, labels(_in_full([claim(1)], muted, NOW, None))
    assert unmuted != silent


def test_what_waited_in_a_queue_says_so_when_it_comes_late() -> None:
    late = NOW + timedelta(hours=9)
    assert "quiet hours" in _in_full([claim(1, queue="quiet")], None, late, None).message.text
    assert "quiet hours" not in _in_full([claim(1)], None, late, None).message.text


def test_plainly_is_without_style_and_buttons_and_otherwise_the_same() -> None:
    claims = [claim(1, -5, thread_id=7, silent=True)]
    whole = _worded(claims, None, NOW, None, plainly=False)
    plain = _worded(claims, None, NOW, None, plainly=True)
    assert whole.message.spans
    assert whole.buttons
    assert plain == whole._replace(message=Message(whole.message.text), buttons=None)


def test_what_cannot_be_worded_is_the_last_resort_only_when_told_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(delivering, "_in_full", broken)
    claims = [claim(1, -5, thread_id=7, silent=True), claim(2, -5)]
    with pytest.raises(RuntimeError):
        _worded(claims, None, NOW, None, plainly=False)
    bare = OutgoingMessage(-5, bare_alert(claims[0].known), None, 7, True, 1)
    assert _worded(claims, None, NOW, None, plainly=True) == bare


def test_news_hangs_on_its_card_or_stands_alone() -> None:
    assert _reply(outgoing()) is None
    reply = _reply(outgoing(card_id=55))
    assert reply is not None
    assert (reply.message_id, reply.allow_sending_without_reply) == (55, True)


# --- what is mended ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("abc", "ab"),
        ("abcd", "abc"),
        ("abcdefgh", "abcde"),
        ("abcdefghi", "abcde"),
        ("🔔🔔", "🔔"),
        ("ab\n\ncd", "ab"),
    ],
)
def test_what_is_too_long_is_cut_to_half_and_one_unit_at_most(text: str, half: str) -> None:
    mended = _mended(outgoing(text, card_id=5, thread_id=7), TOO_LONG)
    assert mended == outgoing(half, card_id=5, thread_id=7)


@pytest.mark.parametrize("text", ["", "a", "ab", "🔔"])
def test_what_has_no_half_is_not_cut(text: str) -> None:
    assert _mended(outgoing(text), TOO_LONG) is None


@pytest.mark.parametrize("length", [3, 4, 5, 100, 4096])
def test_cutting_ends(length: int) -> None:
    cuts, left = 0, outgoing("🔔" + "a" * (length - 2))
    while (mended := _mended(left, TOO_LONG)) is not None:
        assert 0 < width(mended.message.text) < width(left.message.text)
        left, cuts = mended, cuts + 1
    assert cuts <= 12
    assert left.message.text == "🔔"


def test_a_style_goes_on_as_far_as_the_half_does() -> None:
    mended = _mended(outgoing("abcdefgh", Span("bold", 0, 8)), TOO_LONG)
    assert mended is not None
    assert mended.message == Message("abcde", (Span("bold", 0, 5),))


def test_a_lost_topic_is_left_for_the_chat_with_a_note_and_without_the_card() -> None:
    lost = outgoing("Tea", BOLD, thread_id=7, card_id=5, buttons=BUTTONS)
    mended = _mended(lost, NO_TOPIC)
    assert mended is not None
    note = "The topic for these alerts is closed or deleted, so I'll post here from now on."
    spans = (BOLD, Span("italic", 5, len(note)))
    assert mended.message == Message(f"Tea\n\n{note}", spans)
    assert mended[2:] == (BUTTONS, None, False, 1, None)


def test_what_is_at_fault_is_left_out_and_nothing_else() -> None:
    whole = outgoing("Tea", BOLD, thread_id=7, card_id=5, buttons=BUTTONS)
    assert _mended(whole, BAD_BUTTONS) == whole._replace(buttons=None)
    assert _mended(whole, BAD_TEXT) == whole._replace(message=Message("Tea"))


@pytest.mark.parametrize("reason", [NO_TOPIC, BAD_BUTTONS, BAD_TEXT, "something new", "not found"])
def test_what_is_not_there_cannot_be_left_out(reason: str) -> None:
    assert _mended(outgoing("Tea"), reason) is None


def test_nothing_is_left_out_for_a_reason_that_nobody_knows() -> None:
    whole = outgoing("Tea", BOLD, thread_id=7, card_id=5, buttons=BUTTONS)
    assert _mended(whole, "something new") is None


# --- what an error proves ------------------------------------------------------------------------

BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RetryAfter(7), RetryAt(NOW + timedelta(seconds=7), "flood limit")),
        (ChatMigrated(-100_5), ChatMoved(-100_5)),
        (Forbidden(BLOCKED), ChatGone(BLOCKED)),
        (BadRequest("Bot was kicked from the group"), ChatGone("Bot was kicked from the group")),
        (BadRequest("Message is too long"), Refused("Message is too long")),
        (Forbidden("Message is too long"), ChatRefuses("Message is too long")),
        (BadRequest("Something new"), ChatRefuses("Something new")),
        (Forbidden("Something new"), ChatRefuses("Something new")),
        (TimedOut(), RetryAt(NOW, "TimedOut: Timed out")),
        (NetworkError("Bot was blocked by the user"), None),
        (Conflict("two of us"), RetryAt(NOW, "Conflict: two of us")),
        (TelegramError("?"), RetryAt(NOW, "TelegramError: ?")),
    ],
)
def test_what_an_error_proves_of_a_delivery(error: TelegramError, outcome: Outcome | None) -> None:
    expected = outcome or RetryAt(NOW, f"NetworkError: {error.message}")
    assert classify(error, NOW) == expected
