"""The announcement under way, chat by chat: what is sent, waited for, counted and kept."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flying import FlyingTime
from flying import time as time
from msgspec import structs
from noting import Noting
from petitions import NOW
from structlog.testing import capture_logs
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.delivery.announcer import DRAFT, STOPPED, UNDER_WAY, Announcer, count_of_hearers
from bot.delivery.rate_limiter import ALERT
from bot.errors import StorageError
from bot.messages.chat.announcements import announcement as worded
from bot.messages.chat.announcements import finished
from bot.messages.i18n import speaking
from bot.subscriptions.announcement import Announcement, read, written
from bot.subscriptions.subscription import Chat
from bot.telegram import render
from bot.telegram.errors import NotConnected, Unanswered

__all__ = ["time"]

ADMIN, OTHER_ADMIN = 91, 92
TEXT = "We move house on Sunday."
GONE = "Forbidden: bot was blocked by the user"


def person(number: int, **how: Any) -> Chat:
    return Chat(number, consented_at=NOW, **how)


def group(number: int) -> Chat:
    return Chat(number, kind="supergroup")


class Scene:
    """A store with some chats in it, a bot, and an announcer between them."""

    def __init__(self, time: FlyingTime, *chats: Chat, admins: Sequence[int] = (ADMIN,)) -> None:
        self.time = time
        self.chats = {f"{number:04}": chat for number, chat in enumerate(chats, 1)}
        self.kept = {chat.id: chat for chat in chats}
        self.notes: dict[str, str] = {}
        self.sent: list[tuple[float, int]] = []
        self.begun: list[Announcement] = []  # as kept when each was sent
        self.storage: Any = Noting(
            chats=self._some, chat=self.kept.get, note=self.notes.get, save_note=self._save
        )
        self.refusals: dict[int, list[Exception]] = {}
        self.bot: Any = Noting(send_message=self._send)
        self.announcer = Announcer(self.storage, self.bot, self.now, admins)
        self.keep(Announcement("k", TEXT, len(chats)))

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.time.passed)

    def keep(self, announcement: Announcement) -> None:
        self.notes[UNDER_WAY] = written(announcement)

    def _save(self, name: str, text: str) -> None:
        self.notes[name] = text

    def _some(self, after: str, limit: int) -> list[tuple[str, Chat]]:
        return [each for each in self.chats.items() if each[0] > after][:limit]

    def _send(self, chat_id: int, *_: Any, **__: Any) -> None:
        self.sent.append((self.time.passed, chat_id))
        self.begun.append(self.left)
        if refusals := self.refusals.get(chat_id):
            raise refusals.pop(0)

    @property
    def left(self) -> Announcement:
        announcement = read(self.notes[UNDER_WAY])
        assert announcement is not None
        return announcement

    def came(self) -> tuple[int, int, int]:
        return self.left.told, self.left.refused, self.left.unsure

    def times(self, chat_id: int) -> list[float]:
        return [at for at, chat in self.sent if chat == chat_id]

    def said_to(self, chat_id: int) -> list[str]:
        return [args[1] for args in self.bot.asked("send_message") if args[0] == chat_id]

    async def goes_on(self) -> None:
        await self.announcer.go_on()


def out(told: int, refused: int = 0, unsure: int = 0, *, is_stopped: bool = False) -> str:
    return finished(told, refused, unsure, is_stopped=is_stopped).text


# --- whom it goes to -----------------------------------------------------------------------------


def test_the_notes_it_is_kept_in_have_different_names() -> None:
    names = (UNDER_WAY, DRAFT, STOPPED)
    assert names == ("announcement", "announcement draft", "announcement stopped")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 230])
async def test_those_who_take_announcements_are_counted_a_hundred_at_a_time(
    time: FlyingTime, count: int
) -> None:
    deaf = [Chat(5_000), person(5_001, announcements=False), person(5_002, resting="blocked")]
    scene = Scene(time, *(person(number) for number in range(1, count + 1)), *deaf)
    assert await count_of_hearers(scene.storage) == count
    places = [f"{n:04}" if n else "" for n in range(0, count + 3, 100)]
    assert scene.storage.asked("chats") == [(each, 100) for each in (*places, f"{count + 3:04}")]


async def test_it_is_told_to_each_five_a_second_and_then_the_admins_hear_the_count(
    time: FlyingTime,
) -> None:
    scene = Scene(time, person(1), person(2), person(3))
    await scene.goes_on()
    assert scene.sent == [(0.0, 1), (0.2, 2), (0.4, 3), (0.6, ADMIN)]
    assert scene.left == Announcement("k", TEXT, 3, "0003", told=3, is_done=True)
    assert scene.said_to(ADMIN) == [out(3)]
    message, buttons = worded(TEXT)
    call = scene.bot.calls[0]
    assert call.args == (1, message.text)
    assert call.how == {
        "entities": render.entities(message),
        "reply_markup": render.keyboard(buttons),
        "disable_notification": True,
        "link_preview_options": render.NO_PREVIEW,
        "rate_limit_args": ALERT,
    }
    await scene.goes_on()  # it is done
    assert len(scene.sent) == 4


async def test_another_pace_may_be_asked_for(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2))
    scene.announcer = Announcer(scene.storage, scene.bot, scene.now, [], per_second=0.5)
    await scene.goes_on()
    assert scene.sent == [(0.0, 1), (2.0, 2)]


async def test_each_chat_is_noted_as_told_before_it_is(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2))
    await scene.goes_on()
    assert [(each.place, each.told) for each in scene.begun[:2]] == [("0001", 0), ("0002", 1)]


async def test_it_goes_on_behind_whoever_was_told(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2), person(3))
    scene.keep(Announcement("k", TEXT, 3, "0002", told=1, refused=4, unsure=2))
    await scene.goes_on()
    assert scene.sent == [(0.0, 3), (0.2, ADMIN)]
    assert scene.came() == (2, 4, 2)


async def test_nothing_under_way_or_one_that_is_done_is_told_to_nobody(time: FlyingTime) -> None:
    scene = Scene(time, person(1))
    del scene.notes[UNDER_WAY]
    await scene.goes_on()
    scene.keep(Announcement("k", TEXT, 1, is_done=True))
    await scene.goes_on()
    assert scene.sent == []


async def test_who_takes_none_and_who_was_told_under_an_old_id_is_passed_over(
    time: FlyingTime,
) -> None:
    scene = Scene(time, Chat(1), person(2, announcements=False), group(-3), group(-4), person(5))
    scene.keep(Announcement("k", TEXT, 5, moved=(-4,)))
    await scene.goes_on()
    assert scene.sent == [(0.0, -3), (0.2, 5), (0.4, ADMIN)]
    assert scene.left.place == "0005"


async def test_each_reads_it_in_the_language_of_the_chat(time: FlyingTime) -> None:
    scene = Scene(time, person(1, language="cy"), person(2))
    await scene.goes_on()
    with speaking("cy"):
        welsh = worded(TEXT)[0].text
    assert scene.said_to(1) == [welsh]
    assert scene.said_to(2) == [worded(TEXT)[0].text] != [welsh]


# --- what became of a send -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusals", "times", "came"),
    [
        ([RetryAfter(7)], [0.0, 7.0], (1, 0, 0)),
        ([RetryAfter(timedelta(seconds=2.5))], [0.0, 2.5], (1, 0, 0)),
        ([NetworkError("gone")] * 8, [0.0, 1, 3, 7, 15, 31, 63, 108, 153], (1, 0, 0)),
        ([TelegramError("?")], [0.0, 1.0], (1, 0, 0)),
        ([NotConnected()], [0.0, 1.0], (1, 0, 0)),
        ([TimedOut()], [0.0], (0, 0, 1)),
        ([Unanswered("?")], [0.0], (0, 0, 1)),
        ([RetryAfter(7), TimedOut()], [0.0, 7.0], (0, 0, 1)),
        ([BadRequest("no")], [0.0], (0, 1, 0)),
        ([Forbidden("no")], [0.0], (0, 1, 0)),
        ([Forbidden(GONE)], [0.0], (0, 1, 0)),
    ],
)
async def test_only_what_surely_has_not_arrived_is_sent_again(
    time: FlyingTime, refusals: list[Exception], times: list[float], came: tuple[int, int, int]
) -> None:
    scene = Scene(time, person(1))
    scene.refusals[1] = refusals
    await scene.goes_on()
    assert scene.times(1) == times
    assert scene.came() == came
    assert scene.said_to(ADMIN) == [out(*came)]


async def test_after_one_that_may_have_arrived_the_next_waits_a_second_more(
    time: FlyingTime,
) -> None:
    scene = Scene(time, person(1), person(2))
    scene.refusals[1] = [TimedOut()]
    await scene.goes_on()
    assert scene.times(2) == [1.2]


async def test_what_comes_of_several_is_added_up(time: FlyingTime) -> None:
    scene = Scene(time, *(person(number) for number in range(1, 9)))
    for number in (1, 2, 3):
        scene.refusals[number] = [TimedOut()]
    for number in (4, 5):
        scene.refusals[number] = [BadRequest("no")]
    await scene.goes_on()
    assert scene.came() == (3, 2, 3)


@pytest.mark.parametrize(
    ("refusal", "rests"),
    [(Forbidden(GONE), True), (Forbidden("no rights"), False), (BadRequest(GONE), False)],
)
async def test_only_a_chat_that_has_sent_the_bot_away_rests(
    time: FlyingTime, refusal: Exception, rests: bool
) -> None:
    scene = Scene(time, person(1), person(2))
    scene.refusals[2] = [refusal]
    scene.storage.answers["rest_chat"] = [StorageError("away")]  # it is found out again
    await scene.goes_on()
    rested = scene.storage.asked("rest_chat")
    assert rested == ([(2, GONE, NOW + timedelta(seconds=0.2))] if rests else [])
    assert scene.came() == (1, 1, 0)


# --- groups that move ----------------------------------------------------------------------------


async def test_a_group_that_moved_is_told_at_once_under_its_new_id_and_not_again(
    time: FlyingTime,
) -> None:
    scene = Scene(time, group(-1), person(2))
    scene.refusals[-1] = [ChatMigrated(-100_001)]

    def move(old: int, new: int) -> None:
        scene.kept[new] = scene.kept.pop(old)
        scene.chats["0009"] = group(new)

    scene.storage.answers["migrate_chat"] = [move]
    await scene.goes_on()
    assert scene.sent == [(0.0, -1), (0.0, -100_001), (0.2, 2), (0.4, ADMIN)]
    assert scene.storage.asked("migrate_chat") == [(-1, -100_001)]
    assert scene.begun[1].moved == scene.left.moved == (-100_001,)
    assert scene.came() == (2, 0, 0)


@pytest.mark.parametrize(
    "also",
    [
        {"migrate_chat": [StorageError("away")]},
        {"chat": [group(-1), StorageError("away"), group(-1)]},
    ],
)
async def test_a_group_that_moved_is_told_though_the_store_cannot_keep_that(
    time: FlyingTime, also: dict[str, Any]
) -> None:
    scene = Scene(time, group(-1))
    scene.refusals[-1] = [ChatMigrated(-100_001)]
    scene.storage.answers |= also
    await scene.goes_on()
    assert scene.sent[:2] == [(0.0, -1), (0.0, -100_001)]
    assert scene.came() == (1, 0, 0)


async def test_a_group_that_is_kept_under_both_ids_is_told_in_its_own_turn(
    time: FlyingTime,
) -> None:
    scene = Scene(time, group(-1), group(-100_001))
    scene.refusals[-1] = [ChatMigrated(-100_001)]
    await scene.goes_on()
    assert scene.sent == [(0.0, -1), (0.2, -100_001), (0.4, ADMIN)]
    assert scene.came() == (1, 0, 0)
    assert scene.left.moved == ()


@pytest.mark.parametrize("kept", [(), (-1,), (-2,)])
async def test_a_group_that_is_not_kept_under_both_ids_has_no_turn_of_its_own(
    time: FlyingTime, kept: tuple[int, ...]
) -> None:
    scene = Scene(time, *(group(number) for number in kept))
    assert not await scene.announcer._has_own_turn(-1, -2)


async def test_moves_are_remembered_one_after_the_other(time: FlyingTime) -> None:
    scene = Scene(time, group(-1), group(-2))
    scene.refusals |= {-1: [ChatMigrated(-101)], -2: [ChatMigrated(-102)]}
    await scene.goes_on()
    assert scene.left.moved == (-101, -102)


async def test_a_group_that_moves_twice_in_a_moment_counts_as_one_that_refused(
    time: FlyingTime,
) -> None:
    scene = Scene(time, group(-1))
    scene.refusals |= {-1: [ChatMigrated(-101)], -101: [ChatMigrated(-102)]}
    await scene.goes_on()
    assert scene.came() == (0, 1, 0)


@pytest.mark.parametrize(
    ("seen", "kept", "moved", "kept_there", "hears"),
    [
        (person(1), person(1), None, None, True),
        (person(1), person(1, announcements=False), None, None, False),
        (person(1), None, ChatMigrated(-7), group(-7), False),  # who sent /forget
        (group(-1), group(-1), None, None, True),
        (group(-1), None, ChatMigrated(-7), group(-7), True),
        (group(-1), None, ChatMigrated(-7), Chat(-7, "group", announcements=False), False),
        (group(-1), None, ChatMigrated(-7), None, False),
        (group(-1), None, None, None, False),
        (group(-1), None, NetworkError("gone"), None, False),
    ],
)
async def test_whether_a_chat_takes_announcements_is_asked_again_when_its_turn_comes(
    time: FlyingTime,
    *,
    seen: Chat,
    kept: Chat | None,
    moved: Exception | None,
    kept_there: Chat | None,
    hears: bool,
) -> None:
    scene = Scene(time, seen)
    scene.storage.answers["chat"] = [{seen.id: kept, -7: kept_there}.get]
    scene.bot.answers["get_chat"] = [moved]
    assert await scene.announcer._still_hears(seen) is hears
    is_looked_for = kept is None and seen.id < 0
    assert scene.bot.asked("get_chat") == ([(seen.id,)] if is_looked_for else [])
    there = [(-7,)] if is_looked_for and isinstance(moved, ChatMigrated) else []
    assert scene.storage.asked("chat") == [(seen.id,), *there]


async def test_whoever_turned_them_off_meanwhile_is_passed_over_at_once(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2), person(3))
    scene.kept[2] = person(2, announcements=False)
    await scene.goes_on()
    assert scene.sent == [(0.0, 1), (0.2, 3), (0.4, ADMIN)]


# --- an end before the end -----------------------------------------------------------------------


async def test_one_that_is_stopped_is_told_to_nobody_else(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2), person(3))

    def stop(_: Any) -> None:
        if scene.sent:
            scene.notes[STOPPED] = "k"

    scene.storage.during = stop
    await scene.goes_on()
    assert scene.sent == [(0.0, 1), (0.2, ADMIN)]
    assert scene.said_to(ADMIN) == [out(1, is_stopped=True)]
    assert scene.left == Announcement("k", TEXT, 3, "0001", told=1, is_done=True)


async def test_one_is_not_stopped_with_another(time: FlyingTime) -> None:
    scene = Scene(time, person(1))
    scene.notes[STOPPED] = "j"
    await scene.goes_on()
    assert scene.said_to(ADMIN) == [out(1)]


@pytest.mark.parametrize("refusal", [RetryAfter(3600), NetworkError("gone")])
async def test_one_that_is_stopped_while_it_waits_ends_within_a_second(
    time: FlyingTime, refusal: Exception
) -> None:
    scene = Scene(time, person(1), person(2))
    scene.refusals[1] = [refusal] * 3
    asyncio.get_running_loop().call_later(5.5, scene.notes.__setitem__, STOPPED, "k")
    await scene.goes_on()
    assert 5.5 <= scene.times(ADMIN)[0] <= 7.2
    assert scene.times(2) == []
    assert scene.left == Announcement("k", TEXT, 2, "", is_done=True)


async def test_the_store_may_be_away_while_it_waits(time: FlyingTime) -> None:
    scene = Scene(time, person(1))
    scene.refusals[1] = [RetryAfter(3)]
    scene.storage.answers["note"] = [
        scene.notes[UNDER_WAY],
        None,
        StorageError("away"),
        StorageError("away"),
        None,
    ]
    await scene.goes_on()
    assert scene.times(1) == [0.0, 3.0]


async def test_the_end_is_not_waited_for(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2))
    scene.refusals[1] = [RetryAfter(3600)]
    async with scene.announcer.at_work():
        await asyncio.sleep(2.25)
    assert time.passed == 2.25
    assert scene.left == Announcement("k", TEXT, 2)  # nobody has been told
    async with scene.announcer.at_work():
        await asyncio.sleep(2.25)
    assert scene.left == Announcement("k", TEXT, 2, "0002", told=2, is_done=True)
    assert [chat for _, chat in scene.sent] == [1, 1, 2, ADMIN]


async def test_nobody_is_told_between_two_once_it_has_to_end(time: FlyingTime) -> None:
    scene = Scene(time, person(1), person(2))

    def end(_: Any) -> None:
        scene.announcer._stopping.set()

    scene.bot.during = end
    await scene.goes_on()
    assert scene.sent == [(0.0, 1)]
    assert time.passed == 0.0
    await scene.goes_on()
    assert scene.sent == [(0.0, 1)]


@pytest.mark.parametrize(("takes", "ends_at", "told"), [(3.5, 4.5, 1), (5.5, 5.0, 0)])
async def test_what_is_being_sent_at_the_end_has_four_seconds_more(
    time: FlyingTime, takes: float, ends_at: float, told: int
) -> None:
    scene = Scene(time, person(1), person(2))
    arrived = []

    async def slowly(chat_id: int, *_: Any, **__: Any) -> None:
        await asyncio.sleep(takes + 1)
        arrived.append(chat_id)

    scene.bot.answers["send_message"] = [slowly]
    async with scene.announcer.at_work():
        await asyncio.sleep(1.0)
    assert (time.passed, len(arrived)) == (ends_at, told)
    assert scene.left.place == "0001"


@pytest.mark.parametrize("due_in", [0.0, -5.0, 9.5, 10.0])
async def test_alerts_that_are_due_soon_go_first(time: FlyingTime, due_in: float) -> None:
    scene = Scene(time, person(1))
    due = NOW + timedelta(seconds=due_in)
    scene.storage.answers["next_due"] = [due, due, due, None]
    await scene.goes_on()
    assert scene.times(1) == [3.0]
    assert scene.storage.asked("next_due")[:2] == [(NOW,), (NOW + timedelta(seconds=1),)]


async def test_alerts_that_are_due_later_than_in_ten_seconds_are_not_waited_for(
    time: FlyingTime,
) -> None:
    scene = Scene(time, person(1))
    scene.storage.answers["next_due"] = [NOW + timedelta(seconds=10.001)]
    await scene.goes_on()
    assert scene.times(1) == [0.0]


async def test_a_store_that_is_away_and_a_fault_of_ours_are_tried_again_each_second(
    time: FlyingTime,
) -> None:
    scene = Scene(time, person(1))
    under_way = scene.notes[UNDER_WAY]
    faults = [StorageError("away"), RuntimeError("a bug"), RuntimeError("a bug")]
    scene.storage.answers["note"] = [*faults, under_way, None]
    with capture_logs() as lines:
        async with scene.announcer.at_work():
            await asyncio.sleep(3.5)
    assert scene.times(1) == [3.0]
    told = [(line["event"], line.get("cause")) for line in lines if line["log_level"] != "debug"]
    assert told == [
        ("an announcement cannot go on", "RuntimeError"),
        ("an announcement cannot go on: over", None),
    ]
    assert [line["exc_info"] for line in lines if line.get("cause")] == [True]


# --- what the store learns late ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "counted"),
    [
        (Announcement("k", TEXT, 2, "0001"), 5),
        (Announcement("k", TEXT, 2, "0002"), 0),
        (Announcement("j", TEXT, 2, "0001"), 0),
    ],
)
async def test_what_came_of_the_last_send_is_added_to_what_the_store_kept(
    time: FlyingTime, found: Announcement, counted: int
) -> None:
    scene = Scene(time, person(1))
    assert scene.announcer._counted(found) == found
    scene.announcer._latest = Announcement("k", TEXT, 2, "0001", told=5)
    for is_done in (False, True):
        kept = structs.replace(found, is_done=is_done)
        assert scene.announcer._counted(kept) == structs.replace(kept, told=counted)
    assert scene.announcer._counted(None) is None


async def test_a_send_that_the_store_did_not_learn_of_counts_all_the_same(
    time: FlyingTime,
) -> None:
    scene = Scene(time, person(1))
    kept: list[Any] = [scene._save, StorageError("away"), scene._save]
    scene.storage.answers["save_note"] = kept
    with pytest.raises(StorageError):
        await scene.goes_on()
    assert scene.came() == (0, 0, 0)
    await scene.goes_on()
    assert scene.times(1) == [0.0]
    assert scene.came() == (1, 0, 0)
    assert scene.said_to(ADMIN) == [out(1)]


# --- the admins ----------------------------------------------------------------------------------


async def test_each_admin_hears_of_the_end_in_their_language(time: FlyingTime) -> None:
    scene = Scene(time, admins=(ADMIN, OTHER_ADMIN, 93))
    scene.kept |= {ADMIN: person(ADMIN, language="cy"), OTHER_ADMIN: person(OTHER_ADMIN)}
    scene.refusals[ADMIN] = [Forbidden(GONE)]
    await scene.goes_on()
    with speaking("cy"):
        welsh = out(0)
    assert [scene.said_to(admin) for admin in (ADMIN, OTHER_ADMIN, 93)] == [
        [welsh],
        [out(0)],
        [out(0)],
    ]
    message = finished(0, 0, 0, is_stopped=False)
    assert scene.bot.calls[-1].how == {"entities": render.entities(message)}


async def test_admins_are_told_of_the_end_in_english_while_the_store_is_away(
    time: FlyingTime,
) -> None:
    scene = Scene(time, admins=(ADMIN,))
    scene.notes[STOPPED] = "k"
    scene.kept[ADMIN] = person(ADMIN, language="cy")
    scene.storage.answers["note"] = [scene.notes[UNDER_WAY], StorageError("away")]
    scene.storage.answers["chat"] = [StorageError("away")]
    await scene.goes_on()
    assert scene.said_to(ADMIN) == [out(0)]
