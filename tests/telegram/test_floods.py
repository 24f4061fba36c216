"""Floods: what is too much of one person costs nobody else anything, at the door or behind it."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from bell import Village
from pacing import Telegram
from telegram import Bot, Update
from telegram_stand_in import BotApi

from bot.demo.bot_api import TOKEN
from bot.demo.loopback import Loopback
from bot.operations.http_server import Webhook
from bot.telegram.dispatcher import Dispatcher, UpdateKind
from bot.telegram.floods import BUSY, Floods, Verdict
from bot.telegram.reception import Outcome, Reception
from bot.telegram.request import AiohttpRequest
from bot.telegram.updates import Receiver
from handlers import COMMANDS, all_handlers
from handlers.tickets import tickets

CROWD = range(101, 301)
QUIET, CLUB = 11, -500
DATE = 1_800_000_000

Json = dict[str, Any]


class Door:
    """Judges updates; time passes by hand."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.heard: Counter[int] = Counter()
        self.floods = Floods(
            heard=lambda who: self.heard.update([who]), monotonic=lambda: self.time
        )

    def judges(self, update: Json) -> Verdict:
        return self.floods.judge(json.dumps({"update_id": 5} | update).encode())

    def is_crowded(self) -> None:
        """As much comes as is too much for all together, of people who send one each."""
        for person in range(10_000, 10_000 + 2 * BUSY):
            assert self.judges(press(person)) is Verdict.TAKE


@pytest.fixture
def door() -> Door:
    return Door()


def press(person: int, chat: int | None = None) -> Json:
    message = {"message_id": 1, "date": DATE, "chat": chat_json(chat or person), "text": "card"}
    query = {"id": "1", "from": person_json(person), "chat_instance": "1", "data": "card|uk:1|"}
    return {"callback_query": query | {"message": message}}


def said(person: int, text: str = "/help", chat: int | None = None, **more: Any) -> Json:
    bare = {"message_id": 1, "date": DATE, "chat": chat_json(chat or person)}
    return {"message": bare | {"from": person_json(person), "text": text} | more}


def typed(person: int) -> Json:
    query = {"id": "1", "from": person_json(person), "query": "tea", "offset": ""}
    return {"inline_query": query}


def person_json(person: int) -> Json:
    return {"id": person, "is_bot": False, "first_name": "A"}


def chat_json(chat: int) -> Json:
    return {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "T"}


# --- at the door ---------------------------------------------------------------------------------


def test_of_two_hundred_who_press_twenty_times_a_second_few_presses_are_decoded(
    door: Door,
) -> None:
    verdicts: Counter[Verdict] = Counter()
    for _ in range(100):  # five seconds
        verdicts.update(door.judges(press(person)) for person in CROWD)
        door.time += 0.05
    assert verdicts[Verdict.TAKE] < 8 * len(CROWD)
    assert verdicts[Verdict.REFUSE] == len(CROWD)
    assert verdicts[Verdict.DROP] == door.floods.dropped[UpdateKind.PRESS]
    assert verdicts.total() == 100 * len(CROWD)


def test_whoever_asks_once_in_a_while_is_heard_through_any_flood(door: Door) -> None:
    ways: tuple[Callable[..., Json], ...] = (press, said, typed)
    for second in range(15):
        for _ in range(20):
            for person in CROWD:
                door.judges(press(person))
            door.time += 0.05
        if second % 2 == 0:
            for person, asks in enumerate(ways, QUIET):
                update = asks(person)
                if "message" in update:
                    update["message"]["date"] += second
                assert door.judges(update) is Verdict.TAKE


def test_one_account_that_presses_without_end_is_dropped_and_the_others_are_not(
    door: Door,
) -> None:
    verdicts = Counter(door.judges(press(101)) for _ in range(20_000))
    assert verdicts[Verdict.DROP] > 19_000
    assert door.judges(said(QUIET)) is Verdict.TAKE
    assert door.judges(press(QUIET)) is Verdict.TAKE


@pytest.mark.parametrize("update", [press(101), said(101), typed(101)])
def test_while_little_comes_nobody_is_dropped_however_fast_they_are(
    door: Door, update: Json
) -> None:
    for _ in range(1000):
        assert door.judges(update) is Verdict.TAKE
        door.time += 0.01


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_slow_machine_knows_a_flood_by_what_waits(is_slow: bool) -> None:
    floods = Floods(is_crowded=lambda: is_slow)
    raw = json.dumps({"update_id": 5} | press(101)).encode()
    assert (Verdict.DROP in {floods.judge(raw) for _ in range(100)}) is is_slow


@pytest.mark.parametrize("is_behind", [True, False])
def test_a_slow_machine_knows_a_flood_by_what_telegram_keeps(door: Door, is_behind: bool) -> None:
    raw = json.dumps({"update_id": 5} | press(101)).encode()
    door.floods.answer_begins(is_behind=is_behind)
    verdicts = {door.floods.judge(raw) for _ in range(100)}
    assert (Verdict.DROP in verdicts) is is_behind


def test_while_we_are_behind_few_are_told_at_once_that_they_send_too_much(door: Door) -> None:
    verdicts: Counter[Verdict] = Counter()
    for _ in range(20):
        door.floods.answer_begins(is_behind=True)
        verdicts.update(door.judges(press(person)) for person in CROWD)
    assert 0 < verdicts[Verdict.REFUSE] <= 20 * 3


def test_a_machine_too_slow_to_see_how_much_is_sent_still_gets_through_it(door: Door) -> None:
    """Each answer takes it most of a second, as long as it has to handle what is in it."""
    crowd, taken = itertools.cycle(CROWD), []
    for _ in range(60):
        door.floods.answer_begins(is_behind=True)
        verdicts = Counter(door.judges(press(next(crowd))) for _ in range(100))
        taken.append(verdicts[Verdict.TAKE])
        door.time += 0.02 + 0.008 * taken[-1]
    assert sum(taken[:20]) < 1000
    assert sum(taken[20:]) < 400


def test_whoever_stops_is_heard_again_within_seconds(door: Door) -> None:
    door.is_crowded()
    while door.judges(press(101)) is not Verdict.DROP:
        pass
    door.time += 4
    door.is_crowded()
    assert door.judges(press(101)) is Verdict.TAKE


def test_messages_that_gathered_while_nobody_fetched_them_are_no_flood(door: Door) -> None:
    door.is_crowded()
    hour = [said(101, date=DATE + 60 * minute) for minute in range(60)]
    assert {door.judges(update) for update in hour} == {Verdict.TAKE}


def test_messages_of_one_moment_are_a_flood_whenever_they_are_fetched(door: Door) -> None:
    door.is_crowded()
    verdicts = Counter(door.judges(said(101)) for _ in range(60))
    assert verdicts[Verdict.TAKE] == 10
    assert door.floods.dropped[UpdateKind.MESSAGE] == 49


def test_one_too_many_is_told_once_in_a_while(door: Door) -> None:
    verdicts = []
    for _ in range(2):
        door.is_crowded()
        verdicts += [door.judges(press(101)) for _ in range(30)]
        door.time += 40
    assert verdicts.count(Verdict.REFUSE) == 2


@pytest.mark.parametrize(
    "update",
    [
        {"my_chat_member": {"chat": chat_json(101), "from": person_json(101), "date": DATE}},
        said(101, chat=CLUB, migrate_to_chat_id=-1001),
        said(101, chat=CLUB, migrate_from_chat_id=-5),
        {"message": []},
        {"message": {"chat": {"id": "none"}}},
        {"callback_query": {"from": None}},
    ],
)
def test_what_becomes_of_a_chat_and_what_is_odd_is_never_dropped(door: Door, update: Json) -> None:
    door.is_crowded()
    assert {door.judges(update) for _ in range(500)} == {Verdict.TAKE}


def test_garbage_is_left_to_decoding(door: Door) -> None:
    assert door.floods.judge(b"[" * 100_000) is Verdict.TAKE
    assert door.floods.judge(b"\xff") is Verdict.TAKE


def test_only_who_wants_something_of_the_bot_counts_as_asking(door: Door) -> None:
    door.judges(said(101, "good morning", chat=CLUB))
    door.judges(typed(101))
    assert not door.heard
    door.judges(said(101, "/help", chat=CLUB))
    door.judges(said(101, "tea"))
    door.judges(press(101, chat=CLUB))
    assert door.heard == {101: 3, CLUB: 2}


def test_little_is_remembered_of_many_people(door: Door) -> None:
    for person in range(1, 20_001):
        door.judges(press(person))
        door.time += 0.01
    assert len(door.floods._sent[UpdateKind.PRESS]) < 10_000


# --- through the door ----------------------------------------------------------------------------


async def test_a_message_behind_thousands_of_presses_is_reached_with_few_of_them_decoded() -> None:
    outcomes: Counter[str] = Counter()
    taken: asyncio.Queue[Update] = asyncio.Queue()
    told: list[int] = []

    def refuse(update: Update) -> None:
        told.append(update.effective_user.id if update.effective_user else 0)

    async with BotApi() as api:
        for person in (101, 102, 103):
            for _ in range(2000):
                api.press(person, 1, "card|uk:1|")
        api.say(QUIET, "/help")
        bot = Bot(
            TOKEN, api.base_url, request=AiohttpRequest(), get_updates_request=AiohttpRequest()
        )
        receiver = Receiver(
            bot,
            AiohttpRequest(connections=1),
            taken.put,
            Reception(lambda outcome: outcomes.update([outcome])),
            ["message", "callback_query"],
            floods=Floods(refuse=refuse, monotonic=lambda: 1000.0),
        )
        async with bot, receiver.receiving():
            while (await asyncio.wait_for(taken.get(), 30)).message is None:
                pass
            await api.wait_for(lambda api: not api.messenger.updates)
    assert outcomes[Outcome.FLOOD] == 6000 - outcomes[Outcome.TAKEN] + 1
    assert outcomes[Outcome.TAKEN] < 200
    assert sorted(told) == [101, 102, 103]


async def test_a_flood_that_is_posted_is_taken_from_telegram_and_dropped_likewise() -> None:
    outcomes: Counter[str] = Counter()
    taken: list[Update] = []

    async def accept(update: Update) -> None:
        taken.append(update)

    floods = Floods(monotonic=lambda: 1000.0)
    hook = Webhook(
        Bot(TOKEN),
        TOKEN,
        lambda outcome: outcomes.update([outcome]),
        accept=accept,
        is_busy=lambda: False,
        reception=Reception(),
        floods=floods,
    )
    server, application = Loopback(), web.Application()
    application.add_routes(hook.routes())
    await server.start(application)
    headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret}
    updates = [*(press(101) for _ in range(2 * BUSY)), said(QUIET)]
    async with ClientSession(headers=headers) as session:
        for number, update in enumerate(updates):
            numbered = {"update_id": number + 1} | update
            async with session.post(server.url + hook.path, json=numbered) as answer:
                assert answer.status == 200
    await server.stop()
    assert taken[-1].message
    assert outcomes["flood"] == floods.dropped[UpdateKind.PRESS] + 1 == 2 * BUSY + 1 - len(taken)
    assert outcomes["flood"] >= BUSY


async def test_a_quiet_person_is_answered_while_another_floods_and_what_is_dropped_is_counted(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.ask("/help", "What I can do")
        for _ in range(5000):
            village.api.press(101, 1, "card|uk:1|")
        await village.reader.ask("/help", "What I can do")


# --- behind the door -----------------------------------------------------------------------------


async def test_who_asks_least_is_answered_first_though_all_were_answered_as_rarely() -> None:
    telegram = Telegram()
    for _ in range(20):
        for chat in range(1, 61):
            telegram.rate_limiter.heard(chat)
    await telegram.clock.run(*(telegram.send(chat, alert=False) for chat in range(1, 31)))
    telegram.clock.now += 1
    telegram.rate_limiter.heard(5000)
    crowd = [telegram.send(chat, alert=False) for chat in range(1, 61)]
    await telegram.clock.run(*crowd, telegram.send(5000, alert=False))
    # Some leave as they come, before anybody else is there.
    assert 5000 in {chat for _, chat in telegram.left[30:47]}


async def test_who_asks_every_two_seconds_is_quiet_beside_who_asks_twice_a_second() -> None:
    telegram = Telegram()
    waits = []

    async def asks(chat: int, every: float) -> None:
        for _ in range(int(90 / every)):
            await telegram.clock.sleep(every)
            telegram.rate_limiter.heard(chat)

    async def crowd(chat: int) -> None:
        while telegram.clock.now < telegram.began + 90:
            await telegram.send(chat, alert=False)

    async def quiet() -> None:
        for _ in range(45):
            await telegram.clock.sleep(2)
            telegram.rate_limiter.heard(QUIET)
            began = telegram.clock.now
            await telegram.send(QUIET, alert=False)
            waits.append(telegram.clock.now - began)

    talkers = range(101, 161)
    await telegram.clock.run(
        quiet(), *(asks(chat, 0.5) for chat in talkers), *(crowd(chat) for chat in talkers)
    )
    assert max(waits[2:]) < 1


async def test_who_asks_without_end_goes_behind_alerts_however_rarely_answered() -> None:
    telegram = Telegram()
    for _ in range(60):
        telegram.rate_limiter.heard(1)
    await telegram.clock.run(
        telegram.send(1, alert=False), *(telegram.send(chat) for chat in range(300, 360))
    )
    # It may leave before any alert has come to the queue.
    assert [chat for _, chat in telegram.left].index(1) in (0, 60)


async def test_who_asked_without_end_is_quiet_again_minutes_after() -> None:
    telegram = Telegram()
    for _ in range(6000):
        telegram.rate_limiter.heard(1)
    assert telegram.rate_limiter.clamour(1) > telegram.rate_limiter.clamour(2)
    telegram.clock.now += 90
    await telegram.clock.run(
        *(telegram.send(chat) for chat in range(300, 400)), telegram.send(1, alert=False)
    )
    assert telegram.when(1)[0] < telegram.when(399)[0] - 1


@pytest.mark.parametrize(("clamour", "second"), [(True, "quiet"), (False, "talker 0")])
async def test_a_place_that_is_free_is_given_to_who_asks_least(clamour: bool, second: str) -> None:
    begun: list[str] = []
    ends = asyncio.Queue[None]()

    async def handle(update: Update, _: bool) -> None:
        begun.append(update.effective_user.first_name if update.effective_user else "")
        await ends.get()

    async def nothing(*_: object) -> None:
        pass

    dispatcher = Dispatcher(
        handle,
        tickets(COMMANDS, all_handlers()),
        nothing,
        nothing,
        clamour=lambda who: float(who != QUIET) if clamour else 0.0,
    )
    names = [*((n, f"busy {n}") for n in range(1000, 1064))]
    names += [*((n, f"talker {n - 2000}") for n in range(2000, 2050)), (QUIET, "quiet")]
    for number, (person, name) in enumerate(names):
        update = said(person)
        update["message"]["from"]["first_name"] = name
        await dispatcher.accept(Update.de_json({"update_id": number} | update, None))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(begun) == 64
    ends.put_nowait(None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun[64:] == [second]
    await dispatcher.stop(patience=0)
