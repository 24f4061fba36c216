"""Shell: what a petitions site sends back, well or not."""

import asyncio
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from bot.demo.petition_bodies import encode, last_modified, unchanged_since
from bot.demo.petition_lists import Attributes

SHORT = "max-age=60, public, stale-while-revalidate=120, stale-if-error=300"
LONG = "max-age=120, public, stale-while-revalidate=240, stale-if-error=600"
EACH_TIME = "max-age=0, private, must-revalidate"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a request: another answer, none at all, or half of the true one.

    Without a `status` the true answer is what hangs or is cut short.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    hang: bool = False
    truncate: bool = False


def json_response(body: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        body=body, headers=headers, content_type="application/json", charset="utf-8"
    )


def dated(
    request: web.Request, body: bytes, attributes: Attributes, caching: str
) -> web.StreamResponse:
    modified = last_modified(attributes, step=1 if caching == LONG else 10)
    headers = {"Cache-Control": caching} | ({"Last-Modified": modified} if modified else {})
    if unchanged_since(request.headers.get("If-Modified-Since"), modified):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return json_response(body, headers)


def error_body(status: int) -> bytes:
    return encode({"status": int(status), "error": HTTPStatus(status).phrase})


def error(status: int, as_json: bool = True) -> web.Response:
    if as_json:
        return web.Response(status=status, body=error_body(status), content_type="application/json")
    return web.Response(status=status, content_type="text/html")


def page(title: str, text: str) -> web.Response:
    name, line = html.escape(title), html.escape(text)
    markup = (
        '<!doctype html><html lang="en-GB"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>body{{font:18px/1.5 system-ui;max-width:38em;margin:3em auto;"
        f"padding:0 1em}}</style><h1>{name}</h1><p>{line}</p>"
    )
    return web.Response(text=markup, content_type="text/html", headers={"Cache-Control": EACH_TIME})


def petition_page(attributes: Attributes) -> web.Response:
    count = attributes.get("signature_count", 0)
    return page(str(attributes.get("action", "")), f"{count:,} signatures")


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
