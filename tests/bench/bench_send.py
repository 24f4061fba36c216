"""What a message costs to send: ours against PTB's default request, aiogram and bare aiohttp.

All send the same alert to the same server, which answers from another process, taking turns in one
run; what counts is this process's CPU time. `PYTHONPATH=.:tests python tests/bench/bench_send.py`.
"""

import asyncio
import json
import logging
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from statistics import median
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web
from petitions import NOW, REF, petition
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.delivery.rate_limiter import RateLimiter
from bot.demo.bot_api import TOKEN
from bot.demo.loopback import Loopback
from bot.messages.alert import alert
from bot.messages.buttons import Keyboard
from bot.messages.message import Message
from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.history import PetitionHistory
from bot.telegram import render
from bot.telegram.request import AiohttpRequest

Send: TypeAlias = Callable[[int], Awaitable[object]]

MESSAGES = 400
ROUNDS = 5
AT_ONCE = (1, 8, 32)
ANSWER = {
    "ok": True,
    "result": {
        "message_id": 1,
        "date": 1_700_000_000,
        "chat": {"id": 1, "type": "private", "first_name": "Reader"},
        "text": "x" * 200,
    },
}


def serve(line: Connection) -> None:
    """A Bot API that accepts everything, in a process of its own."""

    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response(ANSWER)

    async def run() -> None:
        server, site = Loopback(), web.Application()
        site.router.add_post("/{path:.*}", accept)
        await server.start(site)
        line.send(f"{server.url}/bot")
        await asyncio.Event().wait()

    asyncio.run(run())


def an_alert() -> tuple[Message, Keyboard]:
    event = MilestoneReached(10_000, 10_002, "response")
    known = PetitionHistory(petition(signature_count=10_002), NOW)
    return alert(known, [Occurrence(f"{REF}:{event.key}", REF, NOW, event)], NOW, muted=False)


def _rows(buttons: Keyboard) -> dict[str, Any]:
    markup = render.keyboard(buttons)
    return markup.to_dict() if markup else {}


@asynccontextmanager
async def ptb(base_url: str, request: Any, rate_limiter: RateLimiter | None) -> AsyncIterator[Send]:
    message, buttons = an_alert()
    bot: ExtBot[Any] = ExtBot(TOKEN, base_url, request=request, rate_limiter=rate_limiter)
    await request.initialize()

    async def send(chat: int) -> object:
        return await bot.send_message(
            chat,
            message.text,
            entities=render.entities(message),
            reply_markup=render.keyboard(buttons),
            link_preview_options=render.NO_PREVIEW,
        )

    yield send
    await request.shutdown()


class Unhurried(RateLimiter):
    """Does a rate limiter's work and lets all pass: its clock is hours ahead each time."""

    def __init__(self) -> None:
        self._ticks = 0.0
        super().__init__(now=self._tick)

    def _tick(self) -> float:
        self._ticks += 100.0
        return self._ticks


@asynccontextmanager
async def bare(base_url: str) -> AsyncIterator[Send]:
    """What sending costs when nobody looks at anything: the form posted, the answer decoded."""
    message, buttons = an_alert()
    form = {
        "text": message.text,
        "entities": json.dumps([entity.to_dict() for entity in render.entities(message)]),
        "reply_markup": json.dumps(_rows(buttons)),
        "link_preview_options": '{"is_disabled": true}',
    }
    async with aiohttp.ClientSession() as session:

        async def send(chat: int) -> object:
            url = f"{base_url}{TOKEN}/sendMessage"
            async with session.post(url, data={"chat_id": str(chat), **form}) as response:
                return json.loads(await response.read())

        yield send


@asynccontextmanager
async def aiogram(base_url: str) -> AsyncIterator[Send]:
    library, api = import_module("aiogram"), import_module("aiogram.client.telegram")
    sessions, types = import_module("aiogram.client.session.aiohttp"), library.types
    message, buttons = an_alert()
    root = base_url.removesuffix("/bot")
    session = sessions.AiohttpSession(api=api.TelegramAPIServer.from_base(root))
    bot = library.Bot(TOKEN, session=session)
    entities = [types.MessageEntity(**entity.to_dict()) for entity in render.entities(message)]
    keyboard = types.InlineKeyboardMarkup(**_rows(buttons))

    async def send(chat: int) -> object:
        return await bot.send_message(
            chat,
            message.text,
            entities=entities,
            reply_markup=keyboard,
            link_preview_options=types.LinkPreviewOptions(is_disabled=True),
        )

    yield send
    await bot.session.close()


async def per_cpu_second(send: Send, at_once: int) -> float:
    """Messages for each second of this process's CPU time."""
    chats = iter(range(1, MESSAGES + 1))

    async def sender() -> None:
        for chat in chats:
            await send(chat)

    began = time.process_time()
    await asyncio.gather(*(sender() for _ in range(at_once)))
    return MESSAGES / (time.process_time() - began)


async def measure(base_url: str) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        senders: dict[str, Send] = {
            "ours": await enter(ptb(base_url, AiohttpRequest(), None)),
            "ours, paced": await enter(ptb(base_url, AiohttpRequest(), Unhurried())),
            "PTB's default": await enter(ptb(base_url, HTTPXRequest(), None)),
            "bare aiohttp": await enter(bare(base_url)),
        }
        try:
            senders["aiogram"] = await enter(aiogram(base_url))
        except ImportError:
            print("aiogram is not installed: no figure for it")
        for at_once in AT_ONCE:
            await compare(senders, at_once)


async def compare(senders: dict[str, Send], at_once: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in senders}
    for _ in range(ROUNDS):
        for name, send in senders.items():
            rates[name].append(await per_cpu_second(send, at_once))
    print(f"messages per CPU second, {at_once} at once (median of {ROUNDS} rounds):")
    ours = median(rates["ours"])
    for name, found in rates.items():
        print(f"  {name:14} {median(found):7.0f}   ours is {ours / median(found):.2f} x that")


def main() -> None:
    logging.disable(logging.CRITICAL)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(here.recv()))
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
