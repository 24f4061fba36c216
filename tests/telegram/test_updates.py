"""Receiving: one bad update harms only itself, and nothing that Telegram answers ends it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple, cast

import pytest
from aiohttp import ClientSession, web
from bell import READER, Village
from structlog.testing import capture_logs
from telegram import Bot, Update

from bot.app import running, utc_now
from bot.config import Address, Config, WebConfig
from bot.delivery.deliverer import DeliveryCounts
from bot.demo.bot_api import TWO_POLLERS, WEBHOOK_SET
from bot.demo.loopback import Changes, Loopback
from bot.operations.health import Health
from bot.operations.http_server import Webhook
from bot.operations.metrics import Metrics
from bot.telegram.decoding import Cause, Undecodable, decode, failure_of, read_answer
from bot.telegram.reception import Reception
from bot.telegram.request import AiohttpRequest
from bot.telegram.updates import Receiver
from handlers.permissions import Permissions

TOKEN = "123456:TEST-token"
ADMIN = 77
PERSON = {"id": READER, "is_bot": False, "first_name": "R"}
ME = {"id": 123456, "is_bot": True, "first_name": "Bell", "username": "BellBot"}
GROUP = {"id": -100, "type": "supergroup", "title": "Tea"}

Json = dict[str, Any]


def change(new: Json) -> Json:
    """The bot's place in a group changes."""
    old = {"user": ME, "status": "member"}
    parts = {"chat": GROUP, "from": PERSON, "date": 1_700_000_000}
    return {"my_chat_member": parts | {"old_chat_member": old, "new_chat_member": new}}


def said(text: str = "/help") -> Json:
    entity = {"type": "bot_command", "offset": 0, "length": len(text)}
    chat = {"id": READER, "type": "private", "first_name": "R"}
    message = {"message_id": 1, "date": 1_700_000_000, "chat": chat, "from": PERSON, "text": text}
    return {"message": message | {"entities": [entity]}}


RESTRICTED = {"user": ME, "status": "restricted", "is_member": True, "until_date": 0}
ADMINISTRATOR = {"user": ME, "status": "administrator", "can_be_edited": False}
BROKEN = {
    "restricted without can_react_to_messages": change(RESTRICTED),
    "administrator without the stories rights": change(ADMINISTRATOR),
    "a message without its chat": {"message": {"message_id": 1, "date": 1}},
    "a message that is a text": {"message": "tea"},
    "a press that is a list": {"callback_query": [1]},
    "a date out of this world": {"message": said()["message"] | {"date": 10**30}},
}


class Telegram:
    """A server that answers getUpdates as a test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.server = Loopback()
        self.asked: list[dict[str, str]] = []
        self.webhooks_taken_down = 0
        self.answers: list[Callable[[], web.Response] | web.Response | Any] = []
        self.closing = asyncio.Event()
        self.changes = Changes()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        match request.match_info["method"]:
            case "getMe":
                return web.json_response({"ok": True, "result": ME})
            case "deleteWebhook":
                self.webhooks_taken_down += 1
                return web.json_response({"ok": True, "result": True})
        self.asked.append(dict(request.query))
        self.changes.note()
        if not self.answers:
            await self.closing.wait()
        answer = self.answers.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, list):
            return web.json_response({"ok": True, "result": answer})
        assert isinstance(answer, web.Response)
        return answer

    async def __aenter__(self) -> "Telegram":
        application = web.Application()
        application.router.add_route("*", "/bot{token}/{method}", self._answer)
        await self.server.start(application)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closing.set()
        await self.server.stop()


def refused(code: int, description: str, **parameters: int) -> web.Response:
    body: Json = {"ok": False, "error_code": code, "description": description}
    return web.json_response(body | {"parameters": parameters}, status=code)


class Ear:
    """A receiver before a scripted Telegram: what it took, and how long it waited in between."""

    def __init__(self, telegram: Telegram, bot: Bot) -> None:
        self.telegram = telegram
        self.now = 1000.0
        self.counted: list[str] = []
        self.taken: list[int] = []
        self.waits: list[float] = []
        self.room = asyncio.Event()
        self.room.set()
        self.reception = Reception(self.counted.append, monotonic=lambda: self.now)
        self.receiver = Receiver(
            bot,
            AiohttpRequest(connections=1),
            self._accept,
            self.reception,
            ["message"],
            poll=0.2,
            margin=0.3,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0.001)

    async def _accept(self, update: Update) -> None:
        await self.room.wait()
        self.taken.append(update.update_id)

    async def hears(self, *answers: Any) -> None:
        """Have these answered one after another, until a question is left open."""
        self.telegram.answers = [*self.telegram.answers, *answers]
        wanted = len(answers) + 1
        async with self.receiver.receiving():
            async with asyncio.timeout(10):
                await self.telegram.changes.until(lambda: len(self.telegram.asked) >= wanted, None)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    async with Telegram() as telegram:
        bot = Bot(
            TOKEN,
            f"{telegram.server.url}/bot",
            request=AiohttpRequest(),
            get_updates_request=AiohttpRequest(),
        )
        async with bot:
            yield Ear(telegram, bot)


# --- an update that cannot be decoded ------------------------------------------------------------


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_an_update_that_cannot_be_decoded_is_stepped_over(ear: Ear, broken: Json) -> None:
    with capture_logs() as lines:
        await ear.hears([{"update_id": 5} | broken, {"update_id": 6} | said("/tea")])
    assert ear.taken == [6]
    assert ear.counted == ["undecodable", "taken"]
    assert ear.telegram.asked[-1]["offset"] == "7"
    (line,) = [line for line in lines if "decoded" in line["event"]]
    assert str(READER) not in str(line)
    assert "1 update couldn't be read" in ear.reception.stepped_over()


async def test_updates_that_can_be_decoded_are_all_handed_on(ear: Ear) -> None:
    await ear.hears([{"update_id": 5} | said(), {"update_id": 6} | said()])
    assert ear.taken == [5, 6]
    assert ear.counted == ["taken", "taken"]
    assert ear.reception.stepped_over() == ear.reception.problem() == ""


async def test_a_number_or_a_depth_that_json_cannot_hold_costs_only_its_update(ear: Ear) -> None:
    def raw(*updates: str) -> web.Response:
        body = f'{{"ok": true, "result": [{", ".join(updates)}]}}'
        return web.Response(text=body, content_type="application/json")

    long = f'{{"update_id": 5, "message": {"9" * 5000}}}'
    infinite = '{"update_id": 6, "message": {"message_id": 1, "date": 1e400}}'
    deep = f'{{"update_id": 8, "message": {"[" * 100_000}{"]" * 100_000}}}'
    fine = json.dumps({"update_id": 7} | said())
    await ear.hears(raw(long, infinite, fine), raw(deep), [])
    assert ear.taken == [7]
    assert ear.counted.count("undecodable") == 3
    assert ear.telegram.asked[-1]["offset"] == "9"


async def test_an_answer_that_is_cut_off_again_and_again_costs_only_its_first_update(
    ear: Ear,
) -> None:
    def cut() -> web.Response:
        body = '{"ok": true, "result": [{"update_id": 8, "message": {'
        return web.Response(text=body, content_type="application/json")

    await ear.hears(*[cut() for _ in range(4)], [{"update_id": 9} | said()], [])
    assert ear.taken == [9]
    assert ear.telegram.asked[-3]["offset"] == "9"
    assert ear.telegram.asked[-4]["limit"] == "1"


async def test_many_bad_updates_are_a_line_a_minute_and_one_trouble(ear: Ear) -> None:
    batches = [[{"update_id": n} | BROKEN["a message that is a text"]] for n in range(1, 50)]
    with capture_logs() as lines:
        await ear.hears(*batches)
    assert len([line for line in lines if "decoded" in line["event"]]) == 1
    assert "49 updates" in ear.reception.stepped_over()
    ear.now += 600
    assert ear.reception.stepped_over() == ""


async def test_an_update_that_comes_again_is_handled_once(ear: Ear) -> None:
    await ear.hears([{"update_id": 5} | said()], [{"update_id": 5} | said()], [])
    assert ear.taken == [5]
    assert ear.waits  # and the same again and again is not asked for at once


async def test_updates_without_a_number_are_not_asked_for_in_a_busy_loop(ear: Ear) -> None:
    await ear.hears(*[[{"update_id": "x"} | said()] for _ in range(6)])
    assert ear.taken == []
    assert ear.waits[:5] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("number", [-1, True, None, "5", 2**63, 10**30, 1.5])
def test_what_is_no_number_of_an_update_is_none(number: Any) -> None:
    update = decode(json.dumps({"update_id": number} | said()).encode(), Bot(TOKEN))
    assert isinstance(update, Undecodable)
    assert update.number is None


# --- what Telegram answers instead ---------------------------------------------------------------

TROUBLES = [
    (lambda: refused(401, "Unauthorized"), Cause.TOKEN),
    (lambda: refused(404, "Not Found"), Cause.TOKEN),
    (lambda: refused(409, TWO_POLLERS), Cause.OTHER_PROGRAM),
    (lambda: refused(409, WEBHOOK_SET), Cause.WEBHOOK),
    (lambda: refused(500, "Internal Server Error"), Cause.UNREACHABLE),
    (lambda: web.Response(status=502, text="<html>"), Cause.UNREACHABLE),
    (lambda: None, Cause.UNREACHABLE),
    (lambda: web.Response(text="<html>Sign in to the wireless"), Cause.STRANGE),
    (lambda: web.json_response({"ok": True, "result": {"a": 1}}), Cause.STRANGE),
    (lambda: web.json_response({"ok": True}), Cause.STRANGE),
    (lambda: web.json_response([1]), Cause.STRANGE),
    (lambda: web.json_response({"ok": False, "parameters": 7}, status=403), Cause.UNREACHABLE),
]


@pytest.mark.parametrize(("answer", "cause"), TROUBLES)
async def test_whatever_telegram_answers_it_is_asked_again_more_and_more_slowly(
    ear: Ear, answer: Callable[[], Any], cause: Cause
) -> None:
    told: list[str] = []
    # What is told while it lasts is looked at whenever the receiver waits.
    sleep = ear._sleep

    async def looked(seconds: float) -> None:
        told.append(ear.reception.problem())
        await sleep(seconds)

    ear.receiver._sleep = looked
    with capture_logs() as lines:
        await ear.hears(*[answer() for _ in range(9)], [{"update_id": 5} | said()])
    assert ear.waits[:9] == [1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert ear.taken == [5]
    assert told[0] == ""
    assert cause in told[8]
    assert len([line for line in lines if line["event"] == "no updates are arriving"]) == 3
    assert [line for line in lines if line["event"] == "no updates are arriving: over"]


async def test_a_good_answer_ends_the_trouble_and_hurries_again(ear: Ear) -> None:
    answers = [refused(401, "Unauthorized"), [{"update_id": 5} | said()], refused(500, "x")]
    await ear.hears(*answers, [{"update_id": 6} | said()])
    assert ear.waits == [1, 1]
    assert ear.taken == [5, 6]


async def test_a_webhook_of_others_is_taken_down_and_it_goes_on(ear: Ear) -> None:
    await ear.hears(refused(409, WEBHOOK_SET), [{"update_id": 5} | said()])
    assert ear.telegram.webhooks_taken_down == 2
    assert ear.taken == [5]


async def test_a_second_poller_is_no_reason_to_take_a_webhook_down(ear: Ear) -> None:
    await ear.hears(refused(409, TWO_POLLERS), [{"update_id": 5} | said()])
    assert ear.telegram.webhooks_taken_down == 1


async def test_a_wait_that_telegram_names_is_kept(ear: Ear) -> None:
    await ear.hears(refused(429, "Too Many Requests", retry_after=77), [])
    assert ear.waits[0] == 77


@pytest.mark.parametrize("wait", ["7", -5, True, None, [1], 10**400])
def test_a_wait_that_makes_no_sense_is_none_or_an_hour(wait: Any) -> None:
    failure = read_answer(429, json.dumps({"parameters": {"retry_after": wait}}).encode())
    assert not isinstance(failure, list)
    assert failure.retry_after in {0, 3600}


async def test_an_answer_that_never_comes_is_given_up(ear: Ear) -> None:
    async with ear.receiver.receiving(), asyncio.timeout(10):
        await ear.telegram.changes.until(lambda: len(ear.telegram.asked) >= 3, None)
    assert ear.waits[:2] == [1, 2]


async def test_empty_answers_that_come_at_once_are_not_asked_for_at_once(ear: Ear) -> None:
    await ear.hears([], [], [])
    assert len(ear.waits) == 3
    assert all(0.5 < wait <= 1 for wait in ear.waits)
    assert ear.reception.problem() == ""


def test_what_nobody_foresaw_is_no_answer_of_telegrams() -> None:
    assert failure_of(KeyError("x")).cause is Cause.STRANGE


# --- it is known ---------------------------------------------------------------------------------


def test_silence_is_a_trouble_after_a_minute_and_none_after_an_answer() -> None:
    now = 0.0
    reception = Reception(monotonic=lambda: now)
    assert reception.problem() == ""
    reception.begins()
    now = 60
    assert reception.problem() == ""
    now = 61
    assert "Telegram can't be reached" in reception.problem()
    reception.answered()
    assert reception.problem() == ""


async def test_a_receiver_that_is_told_to_stop_while_deaf_stops(ear: Ear) -> None:
    ear.telegram.answers = [refused(401, "Unauthorized") for _ in range(3)]
    async with asyncio.timeout(5), ear.receiver.receiving():
        await ear.telegram.changes.until(lambda: len(ear.telegram.asked) >= 3, None)
    assert ear.reception.problem() == ""


# --- back-pressure -------------------------------------------------------------------------------


async def test_what_is_not_accepted_is_neither_confirmed_nor_asked_past(ear: Ear) -> None:
    ear.room.clear()
    ear.telegram.answers = [[{"update_id": n} | said() for n in range(5, 105)]]
    async with ear.receiver.receiving():
        await asyncio.sleep(0.1)
        assert len(ear.telegram.asked) == 1
        ear.now += 61
        assert "more is waiting than the bot can handle" in ear.reception.problem()
    assert ear.taken == []
    assert len(ear.telegram.asked) == 1


async def test_what_was_accepted_is_confirmed_when_it_stops(ear: Ear) -> None:
    await ear.hears([{"update_id": 5} | said()])
    ear.telegram.answers = [[], []]
    last = len(ear.telegram.asked)
    await ear.hears()
    assert last >= 2
    assert any(asked.get("offset") == "6" for asked in ear.telegram.asked)


# --- the whole bot -------------------------------------------------------------------------------


def served(village: Village, port: int, mode: str = "polling", **telegram: Any) -> Config:
    config = village.config()
    return replace(
        config,
        telegram=replace(config.telegram, mode=mode, admins=(ADMIN,), **telegram),
        web=WebConfig(Address("127.0.0.1", port), f"http://127.0.0.1:{port}/"),
    )


@asynccontextmanager
async def at_work(config: Config, village: Village) -> AsyncIterator[Callable[[str], Any]]:
    assert config.web.listen
    address = f"http://127.0.0.1:{config.web.listen.port}"
    village.api.add_chat(ADMIN)
    async with running(config), ClientSession() as session:

        async def ask(path: str) -> tuple[int, str]:
            async with session.get(address + path) as answer:
                assert "Server" not in answer.headers
                return answer.status, await answer.text()

        yield ask


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_the_bot_hears_on_after_a_bad_update_and_the_admin_is_told_once(
    village: Village, unused_tcp_port: int, mode: str
) -> None:
    async with at_work(served(village, unused_tcp_port, mode), village) as ask:
        await village.reader.ask("/help", "What I can do")
        for broken in BROKEN.values():
            village.api.emit_raw(broken)
        await village.reader.ask("/help", "What I can do")
        await village.chat(ADMIN).hears("couldn't be read and w")
        village.api.emit_raw(BROKEN["a message that is a text"])
        await village.reader.ask("/help", "What I can do")
        status, text = await ask("/readyz")
        _, figures = await ask("/metrics")
    assert status == 200
    assert "couldn't be read and w" in text
    assert 'petition_bell_updates_total{outcome="undecodable"} 7.0' in figures
    told = [m["text"] for m in village.api.messages(ADMIN)]
    assert len([text for text in told if "couldn't be read and w" in text]) == 1


async def test_a_token_that_is_refused_at_start_makes_it_unready_and_a_pardon_lets_it_run(
    village: Village, unused_tcp_port: int
) -> None:
    village.api.refuse(None, 401, "Unauthorized", times=2, method="getMe")
    config = served(village, unused_tcp_port)
    starting = asyncio.ensure_future(_answers_help(config, village))
    async with ClientSession() as session, asyncio.timeout(10):
        while True:
            with_nobody = f"http://127.0.0.1:{unused_tcp_port}/readyz"
            try:
                async with session.get(with_nobody) as answer:
                    text = await answer.text()
            except OSError:
                text = ""
            if "Telegram rejected the token" in text:
                assert answer.status == 503
                break
            await asyncio.sleep(0.01)
        await starting


async def _answers_help(config: Config, village: Village) -> None:
    async with running(config):
        await village.reader.ask("/help", "What I can do")


async def test_a_token_that_is_refused_for_a_moment_costs_only_that_moment(
    village: Village,
) -> None:
    async with village.bell():
        village.api.refuse(None, 401, "Unauthorized", times=1, method="getUpdates")
        await village.reader.ask("/help", "What I can do")
        await village.reader.ask("/help", "What I can do")


# --- rights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "is_admin"), [(ADMINISTRATOR, True), (RESTRICTED, False), ({"user": ME}, None)]
)
async def test_a_member_that_an_older_server_describes_is_still_known(
    village: Village, member: Json, is_admin: bool | None
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": member})

    server, application = Loopback(), web.Application()
    application.router.add_route("*", "/{path:.+}", answer)
    await server.start(application)
    request = AiohttpRequest()
    await request.initialize()
    bot = Bot(TOKEN, f"{server.url}/bot", request=request, get_updates_request=AiohttpRequest())
    try:
        assert await Permissions().is_admin(bot, -100, READER, utc_now()) is is_admin
    finally:
        await request.shutdown()
        await server.stop()


# --- the webhook's door --------------------------------------------------------------------------


async def test_a_full_bot_keeps_the_webhook_waiting_and_loses_nothing(ear: Ear) -> None:
    is_full = iter([True, False, False, False, False])
    outcomes: list[str] = []
    hook = Webhook(
        ear.receiver._bot,
        TOKEN,
        outcomes.append,
        accept=ear._accept,
        is_busy=lambda: next(is_full),
        reception=ear.reception,
    )
    server, application = Loopback(), web.Application()
    application.add_routes(hook.routes())
    await server.start(application)
    headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret}
    statuses = []
    async with ClientSession() as session:
        for _ in range(3):
            update = {"update_id": 5} | said()
            async with session.post(server.url + hook.path, json=update, headers=headers) as answer:
                statuses.append(answer.status)
    await server.stop()
    assert statuses == [503, 200, 200]
    assert outcomes == ["busy", "taken", "replay"]
    assert ear.taken == [5]


class _Info(NamedTuple):
    """What a Bot API server tells of a webhook, as far as health reads it."""

    url: str
    pending_update_count: int
    last_error_message: str | None = None


@pytest.mark.parametrize(
    ("pending", "silent_for", "is_trouble"),
    [((3, 3), 61, True), ((3, 9), 61, True), ((9, 3), 61, False), ((3, 3), 5, False)],
)
async def test_updates_that_cannot_be_posted_are_a_trouble_once_they_pile_up(
    village: Village, pending: tuple[int, int], silent_for: float, is_trouble: bool
) -> None:
    now = 1000.0
    reception = Reception(monotonic=lambda: now)
    infos = [_Info("https://x/", each, "Connection refused") for each in pending]

    class Told:
        async def get_webhook_info(self, **_: Any) -> _Info:
            return infos.pop(0)

    health = Health(
        Metrics(),
        DeliveryCounts(),
        storage=cast(Any, None),
        bot=cast(Any, Told()),
        report=cast(Any, None),
        now=utc_now,
        interval=timedelta(minutes=1),
        is_running=lambda: True,
        webhook="https://x/",
        reception=reception,
    )
    assert await health._probe_telegram() == ""
    now += silent_for
    assert ("Connection refused" in await health._probe_telegram()) is is_trouble


async def test_a_caller_who_never_says_what_they_want_is_hung_up_on(
    village: Village, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.operations.http_server.HEADERS_WITHIN", 0.2)
    async with at_work(served(village, unused_tcp_port), village) as ask:
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        try:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        except ConnectionResetError:
            pass
        writer.close()
        assert (await ask("/healthz"))[0] == 200
        await asyncio.sleep(0.3)
        assert (await ask("/healthz"))[0] == 200  # and who did say so is not
