"""Shows what was said in a conversation as a page that is read from top to bottom."""

import html
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from telegram_stand_in import BotApi

from bot.demo.messenger import Change, Json, buttons_of

_TAGS: Mapping[str, tuple[str, str]] = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "code": ("<code>", "</code>"),
    "bot_command": ("<u>", "</u>"),
    "blockquote": ("<q>", "</q>"),
    "expandable_blockquote": ("<q class=folded>", "</q>"),
}
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
article { white-space: pre-wrap; border-radius: .8rem; padding: .5rem .8rem; margin: .5rem 0 }
article { background: #eef1f4; color: #111; max-width: 31rem }
.person { background: #d5f0cd; margin-left: auto; width: fit-content }
.note { background: none; color: #555; font-style: italic; padding: 0 }
.keys { display: flex; gap: .3rem; margin-top: .3rem }
.keys span { flex: 1; text-align: center; background: #cfd8e0; border-radius: .4rem }
q { display: block; border-left: 3px solid #7a8; padding-left: .5rem; quotes: none }
.folded { color: #555 }
"""


class Line(NamedTuple):
    """Something that whoever has the chat open would see, and in which chat."""

    kind: str
    chat_id: int | None
    what: Json


class Transcript:
    """Takes down what is said, pressed and changed from now on."""

    def __init__(self, title: str, api: BotApi) -> None:
        self.title = title
        self.lines: list[Line] = []
        self._bot = api.messenger.bot
        api.on_change(self._note)

    def pressed(self, chat_id: int, label: str) -> None:
        """Somebody presses a button."""
        self.lines.append(Line("press", chat_id, {"text": label}))

    def _note(self, change: Change) -> None:
        # As it is now: the messenger may go on to change the same object.
        self.lines.append(Line(change.kind, change.chat_id, dict(change.payload)))

    def as_html(self) -> str:
        """One section of a page."""
        told = "\n".join(filter(None, map(self._line, self.lines)))
        return f"<section><h2>{html.escape(self.title)}</h2>\n{told}\n</section>"

    def _line(self, line: Line) -> str:
        match line.kind:
            case "press":
                return f"<article class=person>[{html.escape(line.what['text'])}]</article>"
            case "message" if line.what.get("from") != self._bot:
                return f"<article class=person>{_text(line.what)}</article>"
            case "message" | "edit":
                changed = "<i class=note>now reads</i>\n" if line.kind == "edit" else ""
                where = _where(line.what)
                return f"<article>{where}{changed}{_text(line.what)}{_keys(line.what)}</article>"
            case "answer" if line.what.get("text"):
                return f"<article class=note>{html.escape(line.what['text'])}</article>"
            case _:
                return ""


def _where(message: Json) -> str:
    thread = message.get("message_thread_id")
    return f"<i class=note>in topic {thread}</i>\n" if thread else ""


def _text(message: Json) -> str:
    """The words with their styles, or what is shown in place of words."""
    what = "photo" if "photo" in message else message.get("document", {}).get("file_name", "")
    shown = f"({html.escape(what)}) " if what else ""
    words = message.get("text") or message.get("caption") or ""
    entities = message.get("entities") or message.get("caption_entities") or ()
    raw = words.encode("utf-16-le")
    cuts = {0, len(raw)}
    for each in entities:
        cuts |= {2 * each["offset"], 2 * (each["offset"] + each["length"])}
    for start, end in pairwise(sorted(cuts)):
        tags = list(_around(entities, start))
        shown += "".join(opens for opens, _ in tags)
        shown += html.escape(raw[start:end].decode("utf-16-le"))
        shown += "".join(closes for _, closes in reversed(tags))
    return shown


def _around(entities: Iterable[Mapping[str, Any]], at: int) -> Iterator[tuple[str, str]]:
    """The tags of the styles that cover this place."""
    for each in entities:
        if 2 * each["offset"] <= at < 2 * (each["offset"] + each["length"]):
            if url := each.get("url"):
                yield f'<a href="{html.escape(url)}">', "</a>"
            elif tags := _TAGS.get(each["type"]):
                yield tags


def _keys(message: Json) -> str:
    if not buttons_of(message):
        return ""
    rows: list[list[Json]] = message["reply_markup"]["inline_keyboard"]
    shown = ([f"<span>{html.escape(key['text'])}</span>" for key in row] for row in rows)
    return "".join(f"<div class=keys>{''.join(row)}</div>" for row in shown)


def write_page(path: Path, transcripts: Iterable[Transcript]) -> None:
    """Write them below one another."""
    sections = "\n".join(each.as_html() for each in transcripts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Conversations with Petition Bell</title><style>{_STYLE}</style>"
        f"<h1>Conversations with Petition Bell</h1>{sections}\n"
    )
