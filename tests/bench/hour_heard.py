"""What is heard in the faulty hour: how often, when, in which order and how loudly."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from hastened import Clocks
from telegram_stand_in import BotApi

from bot.demo.messenger import Change

HOUR_LONG = timedelta(hours=1)
# Two looks at one petition are further apart than this, in seconds.
ONE_LOOK = 1.0
# What only a calendar can tell: closing soon, waiting for long, a debate's day.
DATED = re.compile("to sign|left|Waiting|waiting|wait|debate|Debate|closes")

# How an alert or a summary's line begins that tells of each kind.
HEADLINES = {
    "milestone": re.compile(r"🔔 ([\d,]+) signatures\b"),
    "response": re.compile(r"💬 The Government has responded(?! again)"),
    "debate": re.compile(r"🏛 Debate (?:on |date added)"),
    "note": re.compile(r"📝 The Petitions Committee added a note"),
    "business": re.compile(r"📜 In Parliament: "),
    "closed": re.compile(r"🏁 Closed with "),
}
TITLE = re.compile(r"Tea for library number (\d+)")
HEADS = ("🌅", "📰", "⏰", "📬")
ANY_NEWS = re.compile("[🔔💬🏛📝📜🏁🚫📣⚠️↩️↘️⏳⌛📈🚀🔥📍]")


class Ears:
    """What every chat was told, as often as it was, and when first."""

    def __init__(
        self, clocks: Clocks, api: BotApi, is_silent: Callable[[int, str, int], bool]
    ) -> None:
        self._clocks = clocks
        self._api = api
        # Whether a chat wants a kind of news, with its number, without a sound.
        self._is_silent = is_silent
        # What each message told, by chat and petition.
        self.messages: dict[tuple[int, int], list[set[str]]] = defaultdict(list)
        self.misheard: list[str] = []
        self.heard: Counter[tuple[int, int, str]] = Counter()
        self.first: dict[tuple[int, int, str], float] = {}
        self.times: dict[tuple[int, int, str], list[float]] = defaultdict(list)
        self.odd: list[str] = []
        self.by_wrong_calendar: list[str] = []
        self.numbers: dict[tuple[int, int], int] = {}
        api.on_change(self._hear)

    def _hear(self, change: Change) -> None:
        payload = change.payload
        if change.kind != "message" or not payload.get("from", {}).get("is_bot"):
            return
        chat = int(change.chat_id or 0)
        odd: list[str] = []
        found = list(told_in(payload.get("text", ""), odd))
        self._note_loudness(chat, int(payload["message_id"]), found)
        for petition in dict.fromkeys(petition for petition, _, _ in found):
            self.messages[chat, petition].append({k for p, k, _ in found if p == petition})
        is_wrong = abs(self._clocks.wrong_by) > HOUR_LONG or self._clocks.was_wrong_lately
        for each in odd:
            (self.by_wrong_calendar if is_wrong and DATED.search(each) else self.odd).append(each)
        for petition, kind, number in found:
            key = (chat, petition, kind)
            self.heard[key] += 1
            self.first.setdefault(key, self._clocks.steady())
            self.times[key].append(self._clocks.steady())
            if number:
                self.numbers[chat, petition] = number

    def _note_loudness(
        self, chat: int, message: int, found: Sequence[tuple[int, str, int]]
    ) -> None:
        """A message is without a sound if all that it tells is wanted so, and only then."""
        if found:
            wanted = all(self._is_silent(chat, kind, number) for _, kind, number in found)
            if self._api.is_silent(chat, message) != wanted:
                told = ", ".join(f"{kind} of {petition}" for petition, kind, _ in found)
                self.misheard.append(f"{told} to {chat}, {'loud' if wanted else 'silent'}")

    def out_of_order(self, decided: Mapping[tuple[int, str], float]) -> list[str]:
        """What a chat heard in a later message than what was `decided`, at those times, after it.

        What one look brings has no order.
        """
        wrong: list[str] = []
        for (chat, petition), messages in self.messages.items():
            heard: dict[str, float] = {}
            for kinds in messages:
                fresh = {k: decided[petition, k] for k in kinds if (petition, k) in decided}
                wrong += [
                    f"{kind} of {petition} after {before} to {chat}, {then - at:.0f} s older"
                    for kind, at in fresh.items()
                    for before, then in heard.items()
                    if kind not in heard and at < then - ONE_LOOK
                ]
                heard |= fresh
        return wrong


def told_in(text: str, odd: list[str]) -> Iterator[tuple[int, str, int]]:
    """What a message tells: petition, kind and number of each thing; `odd` gets what is none."""
    rows = text.splitlines()
    if not rows or not TITLE.search(text):
        return
    if not rows[0].startswith(HEADS) and "petitions you follow have closed" not in rows[0]:
        petition = int(TITLE.search(text)[1])  # type: ignore[index]
        found = _told(rows[0])
        if found is None:
            odd.append(text)
        else:
            yield petition, *found
        return
    petition = 0
    for row in rows[1:]:
        if title := TITLE.search(row):
            petition = int(title[1])
        elif found := _told(row):
            yield petition, *found
        elif ANY_NEWS.search(row):
            odd.append(f"{petition}: {row}")


def _told(row: str) -> tuple[str, int] | None:
    for kind, pattern in HEADLINES.items():
        if found := pattern.search(row):
            number = found[1].replace(",", "") if kind == "milestone" else "0"
            return kind, int(number)
    return None
