"""Floods: who sends far more than anybody needs, told from updates that are not decoded yet.

To decode and refuse an update costs hundreds of times what a glance at it does. While more comes
than can be handled, what is too much of one person is let go of after the glance, so that
whoever's message is behind it at Telegram is reached soon. An ordinary person never asks so much.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import Enum

import msgspec
from telegram import Update

from bot.telegram.dispatcher import Kind
from bot.telegram.fading import NEVER, counted, faded_to

BUSY = 150  # updates a second, of all people; fewer are all decoded
_BUSY_OVER = 1.0  # seconds
_LIMITS = {Kind.PRESS: 6, Kind.INLINE: 10, Kind.MESSAGE: 10}  # of one person, within the span
_SPAN = 4.0
_MOST = 2  # times the limit: who stops is heard again within seconds
_TOLD_EVERY = 30.0
_REMEMBERED = 4096


class Verdict(Enum):
    """What to do with an update."""

    TAKE = "take"
    REFUSE = "refuse"  # it is too much, and the first in a while: they are told
    DROP = "drop"


class _Named(msgspec.Struct):
    id: int
    type: str = ""


class _Said(msgspec.Struct):
    chat: _Named
    date: int
    by: _Named | None = msgspec.field(default=None, name="from")
    sender_chat: _Named | None = None
    text: str = ""
    migrate_to_chat_id: int = 0
    migrate_from_chat_id: int = 0


class _Shown(msgspec.Struct):
    chat: _Named | None = None


class _Asked(msgspec.Struct):
    by: _Named = msgspec.field(name="from")
    message: _Shown | None = None


class _Glance(msgspec.Struct):
    """What is read of an update before it is decoded: who sent it, and what it is."""

    message: _Said | None = None
    callback_query: _Asked | None = None
    inline_query: _Asked | None = None


_glance_at = msgspec.json.Decoder(_Glance).decode


class Floods:
    """Judges each update by how much its person has sent lately.

    `heard` is told of every person and chat that asks for something. `refuse` tells a person that
    it is too much; it is asked at most once in a while for each.
    """

    def __init__(
        self,
        *,
        heard: Callable[[int], None] = lambda _: None,
        refuse: Callable[[Update], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refuse = refuse
        self._heard = heard
        self._monotonic = monotonic
        self._all = NEVER
        self._sent: dict[Kind, dict[int, float]] = {kind: {} for kind in _LIMITS}
        self._sweep_at = _REMEMBERED
        self._told: OrderedDict[int, float] = OrderedDict()
        self._dropped = dict.fromkeys(Kind, 0)

    @property
    def dropped(self) -> Mapping[Kind, int]:
        """How many updates were let go of undecoded since the start, by what they were."""
        return self._dropped

    def judge(self, raw: bytes) -> Verdict:
        """Whether to take an update; asked once for each. What is odd of it decoding will say."""
        now = self._monotonic()
        self._all = counted(self._all, now, _BUSY_OVER, 10 * BUSY)
        try:
            seen = _glance_at(raw)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return Verdict.TAKE
        if seen.callback_query is not None:
            return self._judge_press(seen.callback_query, now)
        if seen.inline_query is not None:
            return self._verdict(Kind.INLINE, seen.inline_query.by.id, now, now)
        if seen.message is not None:
            return self._judge_said(seen.message, now)
        return Verdict.TAKE

    def _judge_press(self, press: _Asked, now: float) -> Verdict:
        chat = press.message.chat if press.message else None
        self._note(press.by.id, chat.id if chat else press.by.id)
        return self._verdict(Kind.PRESS, press.by.id, now, now)

    def _judge_said(self, said: _Said, now: float) -> Verdict:
        if said.migrate_to_chat_id or said.migrate_from_chat_id:
            return Verdict.TAKE
        person = (said.sender_chat or said.by or said.chat).id
        if said.chat.type == "private" or said.text.startswith("/"):
            self._note(person, said.chat.id)
        # By when it was said: what gathered at Telegram while we were away is no flood.
        return self._verdict(Kind.MESSAGE, person, float(said.date), now)

    def _note(self, person: int, chat: int) -> None:
        self._heard(person)
        if chat != person:
            self._heard(chat)

    def _verdict(self, kind: Kind, person: int, at: float, now: float) -> Verdict:
        sent, limit = self._sent[kind], _LIMITS[kind]
        if person not in sent and len(sent) >= self._sweep_at:
            sent = self._swept(kind, at)
        faded_at = sent[person] = counted(sent.get(person, NEVER), at, _SPAN, _MOST * limit)
        is_busy = faded_to(BUSY, self._all, _BUSY_OVER) > now
        if not is_busy or faded_to(limit, faded_at, _SPAN) <= at:
            return Verdict.TAKE
        if now - self._told.get(person, NEVER) >= _TOLD_EVERY:
            self._told[person] = now
            self._told.move_to_end(person)
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            return Verdict.REFUSE
        self._dropped[kind] += 1
        return Verdict.DROP

    def _swept(self, kind: Kind, at: float) -> dict[int, float]:
        """Who has sent some lately; all others are forgotten."""
        kept = {person: faded_at for person, faded_at in self._sent[kind].items() if faded_at > at}
        self._sent[kind] = kept
        self._sweep_at = max(_REMEMBERED, 2 * len(kept))
        return kept
