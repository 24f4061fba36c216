"""Drops updates of people who send far more than anybody needs, before they are decoded.

To decode and refuse an update costs hundreds of times what a glance at it does. While more comes
than can be handled, what is too much of one person is let go of after the glance, so that whoever's
message is behind it at Telegram is reached soon. An ordinary person never asks so much.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import Enum

import msgspec
from telegram import Update

from bot.telegram.dispatcher import UpdateKind
from bot.telegram.fading import NEVER, counted, faded_to

BUSY = 150  # updates a second, of all people; fewer are all decoded
_BUSY_OVER = 1.0  # seconds
_LIMITS = {
    UpdateKind.PRESS: 5,
    UpdateKind.INLINE: 10,
    UpdateKind.MESSAGE: 10,
}  # of one person, within the span
_SPAN = 4.0
_MOST = 2  # times the limit: who stops is heard again within seconds
_LEAST = 1.5  # of one person, when even that is too much of all
_FEW = 10  # updates of an answer that are taken in their stride
_TOLD_AT_ONCE = 3  # people, while we are behind
_TOLD_EVERY = 30.0
_REMEMBERED = 4096


class Verdict(Enum):
    """The verdict on an update that has come."""

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
    """The parts of an update that are read before it is decoded: who sent it, and what it is."""

    message: _Said | None = None
    callback_query: _Asked | None = None
    inline_query: _Asked | None = None


_glance_at = msgspec.json.Decoder(_Glance).decode


class Floods:
    """The judge of each update, by how much its person has sent lately.

    `heard` is called with every person and chat that asks for something. `refuse` tells a person
    that it is too much; it is called at most once in a while for each. `is_crowded` says whether
    what was taken waits for long.
    """

    def __init__(
        self,
        *,
        heard: Callable[[int], None] = lambda _: None,
        refuse: Callable[[Update], None] = lambda _: None,
        is_crowded: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refuse = refuse
        self._heard = heard
        self._is_crowded = is_crowded
        self._taken = self._telling = 0  # of this answer
        self._limited = 1.0  # to this part of what a person may send
        self._is_behind = False
        self._monotonic = monotonic
        self._all = NEVER
        self._sent: dict[UpdateKind, dict[int, float]] = {kind: {} for kind in _LIMITS}
        self._sweep_at = _REMEMBERED
        self._told: OrderedDict[int, float] = OrderedDict()
        self._dropped = dict.fromkeys(UpdateKind, 0)

    @property
    def dropped(self) -> Mapping[UpdateKind, int]:
        """The numbers of updates dropped undecoded since the start, by what they were."""
        return self._dropped

    def answer_begins(self, *, is_behind: bool) -> None:
        """Begin an answer's updates; `is_behind` if it and the last were as full as can be.

        On a slow machine few come within a second, however many are sent. So a person may send less
        as long as we are behind and take most of what comes, which is what keeps us behind.
        """
        is_too_much = is_behind and self._taken > _FEW
        self._limited = min(1.0, max(0.1, self._limited * (0.5 if is_too_much else 1.2)))
        self._is_behind, self._taken, self._telling = is_behind, 0, 0

    def judge(self, raw: bytes) -> Verdict:
        """Judge an update, to be called once for each; what is odd of it decoding will say."""
        verdict = self._judged(raw)
        self._taken += verdict is Verdict.TAKE
        return verdict

    def _judged(self, raw: bytes) -> Verdict:
        now = self._monotonic()
        self._all = counted(self._all, now, _BUSY_OVER, 10 * BUSY)
        try:
            seen = _glance_at(raw)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return Verdict.TAKE
        if seen.callback_query is not None:
            chat = seen.callback_query.message.chat if seen.callback_query.message else None
            self._note(seen.callback_query.by.id, chat.id if chat else seen.callback_query.by.id)
            return self._verdict(UpdateKind.PRESS, seen.callback_query.by.id, now, now)
        if seen.inline_query is not None:
            return self._verdict(UpdateKind.INLINE, seen.inline_query.by.id, now, now)
        if seen.message is not None:
            return self._judge_said(seen.message, now)
        return Verdict.TAKE

    def _judge_said(self, said: _Said, now: float) -> Verdict:
        if said.migrate_to_chat_id or said.migrate_from_chat_id:
            return Verdict.TAKE
        person = (said.sender_chat or said.by or said.chat).id
        if said.chat.type == "private" or said.text.startswith("/"):
            self._note(person, said.chat.id)
        # By when it was said: what gathered at Telegram while we were away is no flood.
        return self._verdict(UpdateKind.MESSAGE, person, float(said.date), now)

    def _note(self, person: int, chat: int) -> None:
        self._heard(person)
        if chat != person:
            self._heard(chat)

    def _verdict(self, kind: UpdateKind, person: int, at: float, now: float) -> Verdict:
        sent, limit = self._sent[kind], _LIMITS[kind]
        if person not in sent and len(sent) >= self._sweep_at:
            sent = self._swept(kind, at)
        faded_at = sent[person] = counted(sent.get(person, NEVER), at, _SPAN, _MOST * limit)
        least = max(limit * self._limited, _LEAST)
        if faded_to(least, faded_at, _SPAN) <= at or not self._is_busy(now):
            return Verdict.TAKE
        has_time = not self._is_behind or self._telling < _TOLD_AT_ONCE
        if has_time and now - self._told.get(person, NEVER) >= _TOLD_EVERY:
            self._telling += 1
            self._told[person] = now
            self._told.move_to_end(person)
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            return Verdict.REFUSE
        self._dropped[kind] += 1
        return Verdict.DROP

    def _is_busy(self, now: float) -> bool:
        """Return whether more comes than can be handled; a slow machine tells by its backlog."""
        comes_fast = faded_to(BUSY, self._all, _BUSY_OVER) > now
        return comes_fast or self._is_behind or self._is_crowded()

    def _swept(self, kind: UpdateKind, at: float) -> dict[int, float]:
        """Forget people who have sent nothing lately; return the others with their counts."""
        kept = {person: faded_at for person, faded_at in self._sent[kind].items() if faded_at > at}
        self._sent[kind] = kept
        self._sweep_at = max(_REMEMBERED, 2 * len(kept))
        return kept
