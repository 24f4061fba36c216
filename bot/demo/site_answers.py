"""Shell: the answers that a petitions site sends back."""

import html
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from bot.demo.petition_bodies import encode, last_modified, unchanged_since
from bot.demo.petition_lists import Attributes

SHORT = "max-age=60, public, stale-while-revalidate=120, stale-if-error=300"
LONG = "max-age=120, public, stale-while-revalidate=240, stale-if-error=600"
EACH_TIME = "max-age=0, private, must-revalidate"


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
