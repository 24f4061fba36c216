"""The petitions sites of the demo in the tests' hand: what changes there, and what goes wrong."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from aiohttp import web

from bot.demo import petitions_site, sister_site
from bot.demo.loopback import Changes
from bot.demo.petition_bodies import timestamp
from bot.demo.petitions_site import Answer, Attributes, Source
from bot.demo.site_answers import error_body

Target = Literal["gathering-support", "moderation-info", "/"]


class Seen(NamedTuple):
    """A request as it came in."""

    method: str
    path_qs: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an answer: another one in its place, none at all, or half of the true one.

    Without a `status` the true answer is what hangs or is cut short.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    hang: bool = False
    truncate: bool = False


@dataclass(slots=True)
class _Planned:
    prefix: str
    fault: Fault
    times: int | None


class PetitionsSite(petitions_site.PetitionsSite):
    """A site whose petitions change when they are told to, and which fails likewise."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self._faults: list[_Planned] = []
        self._changes = Changes()
        self.requests: list[Seen] = []

    async def stop(self) -> None:
        self.heal()
        await super().stop()

    def edit(self, petition_id: int, **attributes: Any) -> None:
        """Changes attributes; `updated_at` moves to now unless given."""
        entry = self._entries[petition_id]
        entry.changes |= {"updated_at": timestamp(self._now())} | attributes

    def archive(self, petition_id: int, parliament: Mapping[str, Any]) -> None:
        """Moves a petition to the archive of a parliament, as happens after a dissolution."""
        self._entries[petition_id].archived_in = parliament

    def serve_body(self, petition_id: int, body: bytes) -> None:
        """Serves these bytes as the petition's page, verbatim."""
        entry = self._entries.setdefault(petition_id, petitions_site._Entry(_told(body)))
        entry.source, entry.changes = _told(body), {}
        entry.body, entry.place = body, "shown"

    def take_down(self, petition_id: int) -> None:
        self._entries[petition_id].place = "gone"

    def hide(self, petition_id: int) -> None:
        self._entries[petition_id].place = "hidden"

    def redirect(self, petition_id: int, target: Target) -> None:
        """Sends callers to a page for people, as for a petition that is not published."""
        self._entries[petition_id].place = target

    def restore(self, petition_id: int) -> None:
        """Undoes `take_down`, `hide`, `redirect` and `serve_body`."""
        entry = self._entries[petition_id]
        entry.place, entry.body = "shown", None

    # What goes wrong, and what was asked

    def fail(self, path_prefix: str, fault: Fault, times: int | None = None) -> None:
        """Requests whose path and query start with `path_prefix` meet `fault`.

        It goes away after `times` of them, or when healed.
        """
        self._faults.append(_Planned(path_prefix, fault, times))

    def heal(self) -> None:
        """Forgets every fault; whoever hangs gets an answer."""
        self._faults.clear()
        self._changes.note()

    def seen(self, path_prefix: str = "") -> list[Seen]:
        return [seen for seen in self.requests if seen.path_qs.startswith(path_prefix)]

    async def wait_for_requests(
        self, n: int, path_prefix: str = "", timeout: float = 10
    ) -> list[Seen]:
        """The requests under `path_prefix`, as soon as there are `n` of them since the start."""
        return await self._changes.until(
            lambda: seen if len(seen := self.seen(path_prefix)) >= n else None, timeout
        )

    @web.middleware
    async def _observe(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        self.requests.append(Seen(request.method, request.path_qs, dict(request.headers)))
        self._changes.note()
        fault = self._fault_for(request.path_qs)
        if fault is None:
            return await self._true_answer(request, handler)
        if fault.hang:
            await self._until_healed(fault)
        if fault.status is not None:
            response: web.StreamResponse = faulty(fault, fault.status)
        else:
            response = await self._true_answer(request, handler)
        if fault.truncate and isinstance(response, web.Response):
            return await cut_short(request, response)
        return response

    def _fault_for(self, path_qs: str) -> Fault | None:
        for planned in self._faults:
            if planned.times != 0 and path_qs.startswith(planned.prefix):
                if planned.times is not None:
                    planned.times -= 1
                return planned.fault
        return None

    async def _until_healed(self, fault: Fault) -> None:
        while any(planned.fault is fault for planned in self._faults):
            await self._changes.next()


class SisterSite(PetitionsSite, sister_site.SisterSite):
    """A sister site in the tests' hand."""


def _attributes_in(body: bytes) -> Attributes:
    """The attributes of a recorded body, or none when it is no petition."""
    try:
        attributes = json.loads(body)["data"]["attributes"]
    except (ValueError, KeyError, TypeError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _told(body: bytes) -> Source:
    attributes = _attributes_in(body)
    return lambda _: attributes


def faulty(fault: Fault, status: int) -> web.Response:
    body = error_body(status) if fault.body is None else fault.body
    return web.Response(
        status=status, body=body, headers=fault.headers, content_type=fault.content_type
    )


async def cut_short(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Announces the whole body, sends half of it and hangs up."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    half = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    raise asyncio.CancelledError
