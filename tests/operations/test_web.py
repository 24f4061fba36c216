"""The bot's own server: who may post updates, what probes are told, which way updates come."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession
from bell import READER, Village
from probing import asking, served
from site_stand_in import Fault

from bot.app import running
from bot.config import Address
from bot.config_reader import load_config
from bot.errors import ConfigError
from bot.operations.http_server import LARGEST_UPDATE, SECRET_HEADER


class Door(NamedTuple):
    """A running bot with a webhook, seen from whoever posts to it."""

    village: Village
    session: ClientSession
    url: str
    secret: str

    async def post(self, body: Any, **headers: str) -> int:
        given = {SECRET_HEADER: self.secret, "Content-Type": "application/json"} | headers
        data = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.session.post(self.url, data=data, headers=given) as answer:
            return answer.status


@pytest.fixture
async def door(village: Village) -> AsyncIterator[Door]:
    async with running(served(village)), ClientSession() as session:
        village.api.add_chat(READER)
        (call,) = village.api.calls_to("setWebhook")
        yield Door(village, session, call["url"], call["secret_token"])


def an_update(number: int, text: str = "/help") -> dict[str, Any]:
    person = {"id": READER, "is_bot": False, "first_name": "R"}
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_700_000_000,
            "chat": {"id": READER, "type": "private", "first_name": "R"},
            "from": person,
            "text": text,
            "entities": [{"type": "bot_command", "offset": 0, "length": len(text)}],
        },
    }


async def test_a_conversation_works_by_webhook_as_it_does_by_polling(door: Door) -> None:
    await door.village.reader.subscribes()
    await door.village.reader.ask("/help", "What I can do")
    assert not door.village.api.calls_to("getUpdates")


async def test_the_address_and_the_secret_tell_nothing_of_the_token(door: Door) -> None:
    token = door.village.api.token
    for shown in (door.url, door.secret):
        assert token not in shown
        assert token.partition(":")[2] not in shown
    assert len(door.url.rpartition("/")[2]) == 64
    assert door.secret not in door.url


@pytest.mark.parametrize("secret", ["", "wrong", "é", "x" * 5000])
async def test_without_the_secret_nothing_gets_in(door: Door, secret: str) -> None:
    assert await door.post(an_update(900), **{SECRET_HEADER: secret}) == 403
    await door.village.reader.ask("/status", "Status")
    assert door.village.reader.unread() == []


async def test_an_update_posted_twice_is_handled_once(door: Door) -> None:
    reader = door.village.reader
    for _ in range(3):
        assert await door.post(an_update(900)) == 200
    await reader.hears("What I can do")
    await reader.ask("/status", "Status")
    assert reader.unread() == []


async def test_two_updates_are_both_handled(door: Door) -> None:
    assert await door.post(an_update(900)) == 200
    assert await door.post(an_update(901)) == 200
    await door.village.reader.hears("What I can do")
    await door.village.reader.hears("What I can do")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff", {}, {"update_id": "1"}, b"[" * 100_000],
    ids=str,
)
async def test_what_is_no_update_is_refused_and_does_no_harm(door: Door, body: Any) -> None:
    assert await door.post(body) == 400
    await door.village.reader.ask("/help", "What I can do")


async def test_too_large_a_body_is_refused(door: Door) -> None:
    assert await door.post(b" " * (LARGEST_UPDATE + 1)) == 413
    await door.village.reader.ask("/help", "What I can do")


async def test_only_json_and_only_post_are_taken(door: Door) -> None:
    assert await door.post(an_update(900), **{"Content-Type": "text/plain"}) == 415
    for method in ("GET", "PUT", "DELETE"):
        async with door.session.request(method, door.url) as answer:
            assert answer.status == 405
    async with door.session.post(door.url[:-1] + "x") as answer:
        assert answer.status == 404


async def test_nothing_that_was_posted_is_logged(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await door.post(an_update(900, "/rumpelstilzchen"), **{SECRET_HEADER: "rumpel"})
    await door.post(b'{"update_id": "rumpel')
    await door.post(b"rumpel" * LARGEST_UPDATE)
    assert "rumpel" not in caplog.text
    assert door.secret not in caplog.text


async def test_switching_between_the_two_ways_leaves_no_stale_webhook(village: Village) -> None:
    for mode in ("webhook", "polling", "webhook"):
        async with running(served(village, mode)):
            await village.reader.ask("/help", "What I can do")
            asked = village.api.calls_to("setWebhook" if mode == "webhook" else "getUpdates")
            assert set(asked[-1]["allowed_updates"]) == {
                "message",
                "edited_message",
                "callback_query",
                "channel_post",
                "my_chat_member",
                "chat_member",
                "inline_query",
                "guest_message",
            }


async def test_what_was_said_while_the_bot_was_away_is_answered_when_it_is_back(
    village: Village,
) -> None:
    config = served(village)
    async with running(config):
        pass
    village.reader.say("/help")
    async with running(config):
        await village.reader.hears("What I can do")


async def test_an_address_that_telegram_refuses_is_told_in_a_line(village: Village) -> None:
    village.api.refuse(None, 400, "Bad Request: bad webhook", method="setWebhook")
    with pytest.raises(ConfigError, match="web.public_url: Telegram says"):
        async with running(served(village)):
            pass


async def test_a_port_that_is_taken_is_told_in_a_line(village: Village) -> None:
    config = served(village, "polling")
    with socket.socket() as taken:
        taken.bind(config.web.listen or ("", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="web.listen: can't use 127.0.0.1"):
            async with running(config):
                pass


@pytest.mark.parametrize("left_out", ["LISTEN", "PUBLIC_URL"])
def test_a_webhook_needs_to_know_where_it_is(left_out: str) -> None:
    environment = {
        "TELEGRAM_TOKEN": "1:x",
        "PETITION_BELL_TELEGRAM__MODE": "webhook",
        "PETITION_BELL_WEB__LISTEN": "[::1]:8443",
        "PETITION_BELL_WEB__PUBLIC_URL": "https://bell.example.org",
    }
    assert load_config(None, environment).web.listen == Address("::1", 8443)
    del environment[f"PETITION_BELL_WEB__{left_out}"]
    with pytest.raises(
        ConfigError, match=f"web.{left_out.lower()}: is required when telegram.mode"
    ):
        load_config(None, environment)


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", "127.0.0.1:99999", "http://x:80", "a b:1"])
def test_what_is_no_address_to_listen_at_is_refused(listen: str) -> None:
    with pytest.raises(ConfigError, match="web.listen: must be an address"):
        load_config(None, {"TELEGRAM_TOKEN": "1:x", "PETITION_BELL_WEB__LISTEN": listen})


async def test_systemd_hears_that_the_bot_is_ready_lives_and_stops(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(village.folder / "notify")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        async with village.bell():
            assert await loop.sock_recv(systemd, 100) == b"READY=1"
            assert await loop.sock_recv(systemd, 100) == b"WATCHDOG=1"
        heard = b""
        while heard != b"STOPPING=1":
            heard = await loop.sock_recv(systemd, 100)


async def test_a_well_bot_is_alive_and_ready(village: Village) -> None:
    async with asking(served(village, "polling")) as ask:
        assert await ask("/healthz") == (200, "ok\n")
        status, text = await ask("/readyz")
        assert (status, json.loads(text)) == (200, {"ready": True, "problems": []})
        assert (await ask("/readyz", "POST"))[0] == 405
        assert (await ask("/telegram/x", "POST"))[0] == 404


async def test_a_site_that_stays_away_makes_it_unready_until_it_is_back(village: Village) -> None:
    async with asking(served(village, "polling")) as ask:
        await village.reader.subscribes()
        village.site.fail("/petitions", Fault(500))
        for _ in range(100):
            await village.looked(1)
            status, text = await ask("/readyz")
            if status == 503:
                break
        assert "UK Parliament: not answering since" in text
        assert (await ask("/healthz"))[0] == 200


async def test_a_second_program_that_takes_the_updates_makes_it_unready(village: Village) -> None:
    taking = f"{village.api.base_url}{village.api.token}/deleteWebhook"
    async with (
        asking(served(village)) as ask,
        ClientSession() as session,
        session.post(taking),
    ):
        status, text = await ask("/readyz")
    assert status == 503
    assert "Another program" in text


async def test_metrics_count_without_naming_anybody(village: Village) -> None:
    async with asking(served(village, "polling")) as ask:
        await village.reader.subscribes()
        village.site.edit(700000, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        await village.looked(2)
        _, text = await ask("/metrics")
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    assert float(figures['petition_bell_events_total{kind="milestone"}']) >= 1
    assert figures['petition_bell_deliveries_total{outcome="sent"}'] == "1.0"
    assert figures["petition_bell_subscriptions"] == "1.0"
    assert figures["petition_bell_queue_depth"] == "0.0"
    assert float(figures["petition_bell_store_bytes"]) > 0
    assert float(figures['petition_bell_polls_total{outcome="done"}']) > 0
    assert float(figures['petition_bell_storage_seconds_count{use_case="commit_poll"}']) >= 2
    assert "petition_bell_telegram_requests_total" in text
    labels = "".join(line.rpartition(" ")[0] for line in text.splitlines())
    assert str(READER) not in labels
    assert "700000" not in labels
    assert village.api.token not in text
