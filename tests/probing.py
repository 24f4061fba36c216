"""The bot's own server, asked over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientSession
from bell import Village
from ports import free_port

from bot.app import running
from bot.config import Address, Config, WebConfig


def served(village: Village, mode: str = "webhook", **telegram: Any) -> Config:
    config, port = village.config(), free_port()
    return replace(
        config,
        telegram=replace(config.telegram, mode=mode, **telegram),
        web=WebConfig(Address("127.0.0.1", port), f"http://127.0.0.1:{port}/"),
    )


@asynccontextmanager
async def asking(config: Config) -> AsyncIterator[Any]:
    """The bot at work with its server, and a way to ask it for a path: status and text."""
    assert config.web.listen
    address = f"http://127.0.0.1:{config.web.listen.port}"
    async with running(config), ClientSession() as session:

        async def ask(path: str, method: str = "GET") -> tuple[int, str]:
            async with session.request(method, address + path) as answer:
                return answer.status, await answer.text()

        yield ask
