"""Whose turn it is: no person, chat or kind of update takes what others need."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram import Bot, Update

from bot.telegram.dispatcher import MOST_OF_ONE, MOST_WAITING, Dispatcher, UpdateKind
from bot.telegram.request import AiohttpRequest
from handlers import COMMANDS, all_handlers
from handlers.tickets import tickets

ADA, BEN, CLUB = 11, 12, -500

Json = dict[str, Any]


class Desk:
    """A dispatcher whose updates are handled when a test says so; time passes by hand."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.begun: list[str] = []
        self.acknowledged: list[str] = []
        self.too_much: list[tuple[str, bool]] = []
        self.early: dict[str, bool] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._bot = Bot("1:a", request=AiohttpRequest(), get_updates_request=AiohttpRequest())
        self._number = 0
        self.dispatcher = Dispatcher(
            self._handle,
            tickets(COMMANDS, all_handlers()),
            self._acknowledge,
            self._slow_down,
            monotonic=lambda: self.time,
        )

    async def _handle(self, update: Update, is_acknowledged: bool) -> None:
        name = named(update)
        self.begun.append(name)
        self.early[name] = is_acknowledged
        await self._ends.setdefault(name, asyncio.Event()).wait()

    async def _acknowledge(self, update: Update) -> None:
        self.acknowledged.append(named(update))

    async def _slow_down(self, update: Update, is_news: bool) -> None:
        self.too_much.append((named(update), is_news))

    async def takes(self, *updates: Json) -> None:
        for each in updates:
            await asyncio.wait_for(self.dispatcher.accept(self.decoded(each)), 5)
        await settled()

    def decoded(self, update: Json) -> Update:
        self._number += 1
        return Update.de_json({"update_id": self._number} | update, self._bot)

    async def ends(self, *names: str) -> None:
        for name in names:
            self._ends.setdefault(name, asyncio.Event()).set()
        await settled()

    async def passes(self, seconds: float) -> None:
        self.time += seconds
        self.dispatcher.tend()
        await settled()

    def end_all(self) -> None:
        for event in self._ends.values():
            event.set()


async def settled() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    desk.end_all()
    await desk.dispatcher.stop(patience=0.01)


def named(update: Update) -> str:
    if update.inline_query:
        return update.inline_query.query
    if update.callback_query:
        return update.callback_query.id
    message = update.effective_message
    return (message and (message.text or message.caption)) or "service"


def person(user: int) -> Json:
    return {"id": user, "is_bot": False, "first_name": "A"}


def chat_json(chat: int) -> Json:
    return {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "T"}


def said(user: int, text: str, chat: int | None = None, **more: Any) -> Json:
    body = {
        "message_id": 1,
        "date": 1,
        "chat": chat_json(chat or user),
        "from": person(user),
        "text": text,
    }
    return {"message": body | more}


def sent_file(user: int, name: str) -> Json:
    document = {"file_id": "f", "file_unique_id": "f", "file_name": "a.json"}
    message: Json = said(user, "")["message"]
    del message["text"]
    return {"message": message | {"document": document, "caption": name}}


def press(user: int, name: str, data: str = "mute|uk:1|", chat: int | None = None) -> Json:
    message = {"message_id": 1, "date": 1, "chat": chat_json(chat or user), "text": "card"}
    query = {"id": name, "from": person(user), "chat_instance": "c", "data": data}
    return {"callback_query": query | {"message": message}}


def inline(user: int, query: str) -> Json:
    asked = {"id": query, "from": person(user), "query": query, "offset": ""}
    return {"inline_query": asked}


def membership(chat: int, user: int = ADA, kind: str = "my_chat_member") -> Json:
    bot = {"id": 1, "is_bot": True, "first_name": "B"}
    change = {
        "chat": chat_json(chat),
        "from": person(user),
        "date": 1,
        "old_chat_member": {"status": "left", "user": bot},
        "new_chat_member": {"status": "member", "user": bot},
    }
    return {kind: change}


# --- one person's flood is nobody else's wait ----------------------------------------------------


async def test_three_hundred_inline_queries_of_one_leave_another_their_help(desk: Desk) -> None:
    await desk.takes(*(inline(ADA, f"query {n}") for n in range(300)))
    await desk.takes(said(BEN, "/help"))
    assert desk.begun == ["query 0", "/help"]
    await desk.ends("query 0")
    assert desk.begun[-1] == "query 299", "only the newest counts"
    assert desk.dispatcher.dropped[UpdateKind.INLINE] == 298


async def test_two_people_have_an_inline_query_in_work_each(desk: Desk) -> None:
    await desk.takes(inline(ADA, "tea"), inline(BEN, "milk"))
    assert desk.begun == ["tea", "milk"]
    assert desk.dispatcher.dropped[UpdateKind.INLINE] == 0


async def test_files_are_taken_up_one_at_a_time_and_hold_nobody_up(desk: Desk) -> None:
    for user in range(100, 113):
        await desk.takes(*(sent_file(user, f"{user}.{n}") for n in range(20)))
    await desk.takes(said(BEN, "/help"), said(BEN, "/petition 1"))
    assert desk.begun == ["100.0", "/help", "/petition 1"]
    await desk.ends("100.0")
    assert desk.begun[-1] == "101.0", "the next is another person's"


async def test_a_person_has_one_act_in_work_and_the_next_begins_when_it_ends(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1"), said(ADA, "/subscribe 2", CLUB))
    assert desk.begun == ["/subscribe 1"]
    await desk.ends("/subscribe 1")
    assert desk.begun == ["/subscribe 1", "/subscribe 2"]


async def test_what_acts_on_a_chat_goes_in_the_order_in_which_it_came(desk: Desk) -> None:
    first, *others = [f"/subscribe {n}" for n in range(5)]
    await desk.takes(*(said(20 + n, text, CLUB) for n, text in enumerate([first, *others])))
    assert desk.begun == [first]
    for n, text in enumerate(others):
        await desk.ends(desk.begun[n])
        assert desk.begun[-1] == text


async def test_acts_on_different_chats_go_side_by_side(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1"), said(BEN, "/subscribe 2"))
    assert desk.begun == ["/subscribe 1", "/subscribe 2"]


async def test_what_only_looks_does_not_wait_for_another_members_act(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1", CLUB), said(BEN, "/petition 2", CLUB))
    assert desk.begun == ["/subscribe 1", "/petition 2"]


async def test_ones_own_look_waits_a_second_for_ones_own_act_and_no_longer(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1"), said(ADA, "/petition 1"))
    await desk.passes(0.9)
    assert desk.begun == ["/subscribe 1"]
    await desk.passes(0.2)
    assert desk.begun == ["/subscribe 1", "/petition 1"]


async def test_help_waits_for_nothing_not_even_ones_own(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1"), said(ADA, "/petition 1"), said(ADA, "/help"))
    assert desk.begun == ["/subscribe 1", "/help"]


# --- too much ------------------------------------------------------------------------------------


async def test_what_is_too_much_of_one_person_is_let_go_and_told_once(desk: Desk) -> None:
    await desk.takes(*(said(ADA, f"/petition {n}") for n in range(MOST_OF_ONE + 11)))
    assert desk.dispatcher.waiting == MOST_OF_ONE
    assert desk.dispatcher.dropped[UpdateKind.COMMAND] == 10
    assert [is_news for _, is_news in desk.too_much] == [True] + [False] * 9


async def test_as_much_as_one_may_ask_is_all_answered(desk: Desk) -> None:
    texts = [f"/petition {n}" for n in range(MOST_OF_ONE)]
    await desk.takes(*(said(ADA, text) for text in texts))
    await desk.ends(*texts)
    assert desk.begun == texts
    assert not desk.too_much


async def flooded(desk: Desk, presses: int) -> int:
    """Have 200 chats press that often; the most that ever waited."""
    decoded = [desk.decoded(press(1000 + n, str(n))) for n in range(200)]
    most = 0
    for n in range(presses):
        await desk.dispatcher.accept(decoded[n % 200])
        most = max(most, desk.dispatcher.waiting)
    await settled()
    return most


async def test_sixty_one_thousand_presses_stay_a_thousand_that_wait(desk: Desk) -> None:
    assert await flooded(desk, 61_000) == MOST_WAITING
    handled = desk.dispatcher.working
    assert desk.dispatcher.dropped[UpdateKind.PRESS] == 61_000 - MOST_WAITING - handled


async def test_a_quiet_person_finds_room_in_a_flood(desk: Desk) -> None:
    await flooded(desk, 3000)
    await desk.takes(said(BEN, "/help"))
    assert desk.begun[-1] == "/help"


async def test_who_has_nothing_waiting_is_kept_by_telegram_while_all_others_wait_for_one(
    desk: Desk,
) -> None:
    users = range(1000, 1000 + 128 + MOST_WAITING)
    await desk.takes(*(said(user, f"/petition {user}") for user in users))
    assert desk.dispatcher.is_full
    late = asyncio.create_task(desk.dispatcher.accept(desk.decoded(said(BEN, "/petition 1"))))
    await settled()
    assert not late.done()
    await desk.ends("/petition 1000")
    assert late.done()
    assert not desk.dispatcher.dropped[UpdateKind.COMMAND]


async def test_a_flooding_account_holds_up_nobody_while_everything_is_full(desk: Desk) -> None:
    users = range(1000, 1000 + 128 + MOST_WAITING)
    await desk.takes(*(said(user, f"/petition {user}") for user in users))
    last = users[-1]
    await desk.takes(*(said(last, f"/petition {n}") for n in range(5)))
    assert desk.dispatcher.dropped[UpdateKind.COMMAND] == 5


async def test_the_bots_own_place_is_heard_of_through_any_flood(desk: Desk) -> None:
    await flooded(desk, 3000)
    await desk.takes(membership(CLUB), said(ADA, "", CLUB, migrate_to_chat_id=-1001))
    assert desk.begun.count("service") == 1
    await desk.ends("service")
    assert desk.begun.count("service") == 2
    assert not desk.dispatcher.dropped[UpdateKind.MEMBERSHIP]


async def test_a_raid_on_one_chat_pushes_out_only_its_own(desk: Desk) -> None:
    await desk.takes(*(membership(CLUB, kind="chat_member") for _ in range(600)))
    await desk.takes(membership(CLUB), membership(-7))
    assert desk.begun == ["service"] * 3
    assert desk.dispatcher.dropped[UpdateKind.MEMBER] == 600 - 1 - MOST_OF_ONE
    assert not desk.dispatcher.dropped[UpdateKind.MEMBERSHIP]


# --- presses that wait ---------------------------------------------------------------------------


async def test_a_press_is_acknowledged_before_its_turn(desk: Desk) -> None:
    await desk.takes(press(ADA, "one", chat=CLUB), press(BEN, "two", chat=CLUB))
    await desk.passes(0.5)
    assert desk.acknowledged == []
    await desk.passes(0.6)
    await desk.passes(0.6)
    assert desk.acknowledged == ["two"]
    await desk.ends("one")
    assert desk.early == {"one": False, "two": True}


async def test_a_press_nobody_waits_for_any_more_is_dropped(desk: Desk) -> None:
    await desk.takes(press(ADA, "one", chat=CLUB), press(BEN, "two", chat=CLUB))
    await desk.passes(14)
    assert desk.dispatcher.waiting == 1
    await desk.passes(2)
    assert desk.dispatcher.waiting == 0
    assert desk.dispatcher.dropped[UpdateKind.PRESS] == 1
    await desk.ends("one")
    assert desk.begun == ["one"]


async def test_what_changes_something_is_never_too_old(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1", CLUB), said(BEN, "/subscribe 2", CLUB))
    await desk.passes(60)
    await desk.ends("/subscribe 1")
    assert desk.begun[-1] == "/subscribe 2"


# --- who spoke -----------------------------------------------------------------------------------


async def test_a_post_forwarded_into_its_discussion_group_is_nobodys_question(desk: Desk) -> None:
    await desk.takes(said(777000, "/help", CLUB, is_automatic_forward=True))
    await desk.takes(said(777000, "/about", CLUB))
    assert desk.begun == ["/about"]


async def test_what_is_said_in_a_chats_name_is_that_chats(desk: Desk) -> None:
    texts = [f"/petition {n}" for n in range(MOST_OF_ONE + 5)]
    anonymous = 1087968824
    await desk.takes(*(said(anonymous, each, CLUB, sender_chat=chat_json(CLUB)) for each in texts))
    await desk.takes(said(anonymous, "/petition 99", -7, sender_chat=chat_json(-7)))
    assert desk.begun == ["/petition 0", "/petition 99"]


async def test_stopping_finishes_what_was_taken(desk: Desk) -> None:
    await desk.takes(said(ADA, "/subscribe 1"), said(ADA, "/subscribe 2"))
    stopping = asyncio.create_task(desk.dispatcher.stop(patience=5))
    await desk.ends("/subscribe 1", "/subscribe 2")
    await stopping
    assert desk.begun == ["/subscribe 1", "/subscribe 2"]


async def test_a_fault_in_one_update_ends_nothing_else() -> None:
    handled: list[str] = []

    async def handle(update: Update, _: bool) -> None:
        handled.append(named(update))
        raise RuntimeError("a fault")

    async def nothing(*_: object) -> None:
        pass

    dispatcher = Dispatcher(handle, tickets(COMMANDS, all_handlers()), nothing, nothing)
    for text in ("/help", "/about"):
        await dispatcher.accept(Update.de_json({"update_id": 1} | said(ADA, text), None))
        await settled()
    await dispatcher.stop()
    assert handled == ["/help", "/about"]
