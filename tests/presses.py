"""Lists every button there is, and what a press of it has to bring."""

import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from bell import Conversation, Json, Village
from hypothesis import settings
from telegram_stand_in import BotApi

from bot.demo.messenger import buttons_of
from bot.messages import buttons
from bot.messages.buttons import Press
from bot.messages.chat import groups

Begin: TypeAlias = Callable[[Village, Conversation], Awaitable[Json]]

ROOT = Path(__file__).parents[1]
OLD = "no longer works"
TROUBLE = ("something went wrong", "couldn't save")
CLUB = -1_009_876_543_210
BOT = 123456
HOLBORN = "E14001290"

VERBS = {
    value
    for name, value in vars(buttons).items()
    if name.isupper() and isinstance(value, str) and not name.startswith("_")
}


# By the shape of what a button carries: its verb, whether it names a petition, and the rest with
# its numbers made alike. The first pattern that fits says what is seen after the press.
EXPECTED: tuple[tuple[str, str], ...] = (
    (r"sub\|P\|", "now following|been following this petition since|I need to keep"),
    (r"unsub\|P\|", "You've unfollowed"),
    (r"undo\|P\|", "now following"),
    (r"mute\|P\|", "will arrive silently"),
    (r"unmute\|P\|", "Sound is on again for"),
    (r"resp\|P\|", "esponse|responded"),
    (r"where\|P\|csv", r"\.csv"),
    (r"where\|P\|bars", r"\[photo\]"),
    (r"where\|P\|", "onstituencies with most signatures|constituenc|doesn't say where"),
    (r"chart\|P\|", r"\[photo\]"),
    (r"map\|P\|", r"\[photo\]|doesn't say which regions"),
    (r"miles\|P\|", "Milestones|has no milestones"),
    (r"wish\|P\|", "Milestones"),
    (r"ask\|P?\|snooze", "How long do you want to snooze"),
    (r"ask\|P\|milestones", "At how many signatures"),
    (r"ask\|\|search", "What are you looking for"),
    (r"ask\|\|quiet", "Quiet hours from when to when"),
    (r"ask\|\|digest", "When should your digest come"),
    (r"ask\|\|zone", "Which time zone"),
    (r"talk\|\|cancel", "Cancelled"),
    (r"talk\|\|help", "What you can send"),
    (
        r"talk\|\|list",
        "You're following|You have|This chat (follows|has)|(not|n't) following anything",
    ),
    (r"stop\|\|forget", "Delete everything"),
    (r"stop\|\|all", "Unfollow all|(not|n't) following anything"),
    (r"stop\|\|undo", "You're following|You have|This chat (follows|has)"),
    (r"stop\|\|yes", "You've unfollowed|(not|n't) following anything"),
    (r"set\|P?\|snooze", "[Ss]nooze"),
    (r"set\|P\|", "Settings for one petition"),
    (r"set\|\|quiet", "Quiet hours: "),
    (r"set\|\|urgent", "Sent even in quiet hours"),
    (r"set\|\|digest", "Digest: "),
    (r"set\|\|zone", "Time zone: "),
    (r"set\|\|closing", "Closing reminders: "),
    (r"set\|\|lang", "Language: |Iaith: "),
    (r"set\|\|(links|news)", "Settings"),
    (r"set\|\|loud", "Tap a kind of news to change it"),
    (r"set\|\|(reset|undo|preset)?$", "Settings"),
    (r"snooze\|", "[Ss]nooze"),
    (r"card\|P\|", r"Figures from \d\d:\d\d|Here it is|Nothing new since"),
    (r"page\|", "You're following|You have|This chat (follows|has)|(not|n't) following anything"),
    (r"consent\|P?\|no", "Nothing is kept|You agreed earlier"),
    (r"consent\|P\|", "now following|been following this petition since"),
    (r"consent\|\|set", "Settings"),
    (r"consent\|\|", "Thanks. You can now follow"),
    (r"forget\|\|yes", "Deleted"),
    (r"forget\|\|no", "Nothing was deleted"),
    (r"privacy\|", "Privacy"),
    (r"ics\|P\|", r"\.ics"),
    (r"eg\|", r"Figures from \d\d:\d\d"),
    (r"more\|\|all", "What should I look for"),
    (r"share\|P\|", "📤 Share"),
    (r"else\|", "Which group or channel"),
    (r"done\|", "apply to this chat again"),
    (r"words\|\|", "Follow petitions mentioning"),
    (r"more\|\|words", "Which words"),
    (r"more\|\|topics", "Choose a topic"),
    (r"more\|\|departments", "Choose a department"),
    (r"more\|\|seat", "Which constituency"),
    (r"more\|\|topic\.", "Follow petitions on"),
    (r"more\|\|dept\.", "Follow petitions for"),
    (r"more\|\|", "Follow (all|new petitions|petitions that pass)"),
    (r"draft\|\|cancel", "Nothing was saved"),
    (r"draft\|\|(save|agree|undo)", "now following|I need to keep"),
    (r"draft\|\|privacy", "Privacy.*To alert you about"),
    (r"draft\|\|", "Follow .*|Keep at least one on"),
    (r"rule\|\|0\.delete", "You've unfollowed"),
    (r"rule\|\|", "be told about: |Keep at least one on"),
    (r"seat\|\|show", "📍"),
    (r"seat\|\|", "Follow "),
)

# Every shape that some message has to lead to; a button that is gone is missed here.
# Pressed under alerts of their own in `test_calendar_file.py`.
CALENDAR = {"ics|P|closing", "ics|P|debate"}

MUST_BE_MET = {
    *("sub|P|", "unsub|P|", "undo|P|", "mute|P|", "unmute|P|", "resp|P|", "resp|P|0"),
    *("where|P|", "where|P|csv", "where|P|bars.", "where|P|0.", "chart|P|", "map|P|"),
    *("miles|P|", "wish|P|", "wish|P|0", "wish|P|-0", "wish|P|off", "wish|P|every 0"),
    *("set|P|", "set|P|loud", "set|P|reset", "set|P|undo", "set||", "set||undo"),
    *("set|P|preset", "set||preset"),
    *("snooze||0d", "snooze||end", "snooze|P|0d", "snooze|P|end", "card|P|", "page||0"),
    *("consent|P|", "consent||set", "consent||", "forget||yes", "forget||no", "privacy|P|"),
    *("consent|P|no", "consent||no", "eg||", "more||all", "ask||search"),
    *("privacy||set", "share|P|", "else||", "words||*", "more||words", "more||seat"),
    *("more||topics", "more||topics.0", "more||departments", "more||topic.*", "more||dept.*"),
    *("more||pass.response", "more||response", "more||debate", "more||opened", "draft||save"),
    *("draft||cancel", "draft||agree", "draft||undo", "draft||privacy", "draft||response"),
    *("rule||0", "rule||0.delete", "rule||0.silent", "rule||0.opened", "seat||E0"),
    *("seat||show.E0", "ask||quiet", "ask||digest", "ask||zone", "ask||snooze", "ask|P|snooze"),
    *("ask|P|milestones", "talk||cancel", "talk||help", "talk||list", "stop||all", "stop||yes"),
    "stop||undo",
    *("stop||forget",),
}


def shape(data: str) -> str:
    """The verb, whether there is a petition, and the rest without what is one message's own."""
    verb, name, extra = groups.pressed_for(data)[0].split("|")
    match verb:
        case "words":
            extra = "*"
        case "set":
            extra = extra.partition(".")[0]
        case "undo":
            extra = ""
        case "more" if extra.startswith(("topic.", "dept.")):
            extra = extra.partition(".")[0] + ".*"
        case _:
            extra = re.sub(r"\d+", "0", extra)
    return f"{verb}|{'P' if name else ''}|{extra}"


def expected(of: str) -> str:
    return next(after for pattern, after in EXPECTED if re.match(pattern, of))


PICTURES = 3  # of each kind, in the quick profile: to draw one costs more than ten other presses
DRAWS = r"(chart|map)\|"
PATIENCE = 40.0  # seconds: many chats press at once
DEPTH = 5  # presses from the first page to the last
# After which little of what was met can still be done, or read.
ENDS = ("forget||yes", "stop||yes", "set||lang.cy")


def is_thorough() -> bool:
    """Return whether the tests run by `--hypothesis-profile=thorough`."""
    return settings.default.max_examples > 100


def words_of(message: Json) -> str:
    photo = "[photo] " if "photo" in message else ""
    document = message.get("document", {}).get("file_name", "")
    return f"{photo}{document} {message.get('text') or message.get('caption') or ''}"


class Key(NamedTuple):
    """A button that can be pressed: whose it is, what it carries, what is written on it."""

    where: Json
    data: str
    label: str


def keys_of(message: Json) -> list[Key]:
    return [
        Key(message, key["callback_data"], key["text"])
        for key in buttons_of(message)
        if "callback_data" in key
    ]


def data_of(message: Json) -> set[str]:
    return {key.data for key in keys_of(message)}


def is_sound(message: Json) -> bool:
    """Return whether a message says something; fail if a button beneath it cannot be pressed."""
    for key in buttons_of(message):
        assert key["text"].strip(), message
        if data := key.get("callback_data"):
            assert len(data.encode()) <= 64, data
            assert Press.read(groups.pressed_for(data)[0]).verb in VERBS, data
        elif "copy_text" in key:
            assert key["copy_text"]["text"].startswith("http"), key
        elif "switch_inline_query_chosen_chat" not in key:
            assert re.match(r"https?://", key["url"]), key
    words = words_of(message)
    return bool(words.strip()) and not re.search(r"\{\w*\}", words)


def kind_of(page: Json) -> str:
    """Return a message's beginning and its buttons' data, without titles, names and numbers."""
    head = re.split(r"[:\n“]", re.sub(r"^For .*:\n", "", _untitled(page)))[0]
    return " ".join([_bare(head), *sorted({shape(data) for data in data_of(page)})])


def says_the_same(page: Json, other: Json) -> bool:
    """Return whether two messages read the same and have the same buttons."""
    shown = ("text", "caption", "photo", "document", "reply_markup")
    return all(page.get(name) == other.get(name) for name in shown)


def _untitled(page: Json) -> str:
    """The words of a page without those that lead elsewhere."""
    words = (page.get("text") or page.get("caption") or "").encode("utf-16-le")
    links = [each for each in page.get("entities", []) if each["type"] == "text_link"]
    for each in sorted(links, key=lambda link: -link["offset"]):
        end = each["offset"] + each["length"]
        words = words[: 2 * each["offset"]] + words[2 * end :]
    return words.decode("utf-16-le")


def _bare(words: str) -> str:
    return re.sub(r"[\W\d]", "", words)


SCREEN = 600  # characters that are read without unfolding or scrolling
# What somebody asks to see the whole of: cards, responses, the milestones of their own making, and
# what is kept together with the question whether it may be.
_WHOLE = re.compile(
    r"Figures from \d|\APrivacy\n.*To alert you about|\A(?:For .*:\n)?(?:🪜|💬|[^\n]*[Rr]espon)",
    re.DOTALL,
)


def is_short(message: Json) -> bool:
    """Return whether a message is read at a glance, or is one of the few that need not be."""
    text = message.get("text") or ""
    kind = "expandable_blockquote"
    folded = sum(e["length"] for e in message.get("entities", []) if e["type"] == kind)
    return len(text) - folded <= SCREEN or bool(_WHOLE.search(text))


@dataclass
class Walker:
    """Presses every button of every page that can be reached."""

    api: BotApi
    met: set[str] = field(default_factory=set)
    head: str = ""  # how every answer begins
    pages: set[str] = field(default_factory=set)
    depth: int = DEPTH
    drawn: Counter[str] = field(default_factory=Counter)  # pictures asked for, by shape

    def shown(self, chat: Conversation, message: Json) -> Json:
        return next(
            each
            for each in self.api.messages(chat.chat_id)
            if each["message_id"] == message["message_id"]
        )

    def _shows(self, chat: Conversation, message: Json, before: Json, last: int) -> bool | None:
        is_new = any(each["message_id"] > last for each in self.api.messages(chat.chat_id))
        return is_new or self.shown(chat, message) != before or None

    async def press(self, chat: Conversation, pressed: Key) -> list[Json]:
        """Press a button; the messages that came of it, the pressed one last."""
        message, data, label = pressed
        before = self.shown(chat, message)
        last = max(each["message_id"] for each in self.api.messages(chat.chat_id))
        query = self.api.press(chat.chat_id, message["message_id"], data)
        note = await chat.sees_note(query, PATIENCE)
        if not note and not label.startswith(("✓", "‹")):
            # What takes longer than a press may wait for follows it.
            with suppress(TimeoutError):
                await self.api.wait_for(
                    lambda _: self._shows(chat, message, before, last), PATIENCE
                )
        after = self.shown(chat, message)
        new = [each for each in self.api.messages(chat.chat_id) if each["message_id"] > last]
        told = "\n".join((*map(words_of, new), words_of(after), note))
        turns = data.startswith((buttons.MUTE, buttons.UNMUTE)) and data in data_of(before)
        assert OLD not in note, (label, data)
        assert not any(problem in told for problem in TROUBLE), (label, data, told)
        assert all(map(is_sound, (*new, after))), (label, data, told)
        assert all(map(is_short, (*new, after))), (label, data, told)
        # What is chosen already stays as it is; any other press has to show something.
        assert new or note or after != before or label.startswith(("✓", "‹")), (label, data)
        assert data_of(after) != data_of(before) or not turns, (label, data)
        assert not any(says_the_same(each, before) for each in new), (label, data, told)
        assert re.search(expected(shape(data)), told, re.DOTALL), (label, data, told)
        if self.head and data.split("|")[0] not in ("done", "else"):
            texts = [each["text"] for each in (*new, after) if "text" in each]
            assert all(text.startswith(self.head) for text in texts), (label, data, texts)
        chat.read = max(each["message_id"] for each in (*new, after, {"message_id": chat.read}))
        return [*new, after]

    async def walk(self, chat: Conversation, message: Json, only: str = "") -> None:
        """Press every button of the message, then those of every page they lead to: breadth first,
        to a depth of five. Of buttons that differ by a number alone one is pressed, and of pages
        that are alike, here or in another chat, one is gone through.

        What ends all that is followed is pressed last, an Undo at once.
        """
        self.pages.add(kind_of(message))
        pages, ends = deque([(message, 1)]), deque[tuple[Json, int]]()
        while pages or ends:
            is_end = not pages
            page, depth = (ends if is_end else pages).popleft()
            alike = {self._alike(key): key for key in keys_of(page)}
            for key in alike.values():
                if depth == 1 and not re.match(only, key.data):
                    continue
                if not is_thorough() and self.drawn[shape(key.data)] >= PICTURES:
                    continue
                if key.data.startswith(ENDS) and not is_end:
                    ends.append((page, depth))
                elif key.data.startswith(ENDS) or not is_end:
                    pages += await self._lead(chat, self._again(chat, key), depth)

    def _alike(self, key: Key) -> tuple[str, ...]:
        """Of keys that are alike in this, one is pressed: in their shape and words, or in the quick
        profile in their shape and mark (✓ for what is chosen, ‹ for the way back).
        """
        mark = key.label[:1] if key.label[:1] in "✓‹" else ""
        return shape(key.data), _bare(key.label) if is_thorough() else mark

    def _again(self, chat: Conversation, key: Key) -> Key:
        """The same button on the page that it was met on, sent anew if it was rewritten since."""
        if self.shown(chat, key.where) == key.where:
            return key
        apart = ("message_id", "chat", "date", "edit_date")
        content = {name: value for name, value in key.where.items() if name not in apart}
        messenger = self.api.messenger
        anew = messenger.store(messenger.chat(chat.chat_id), content, ours=True)
        return key._replace(where=anew)

    async def _lead(self, chat: Conversation, key: Key, depth: int) -> list[tuple[Json, int]]:
        """The pages that a press leads to and whose buttons are still to be pressed."""
        self.met.add(shape(key.data))
        if re.match(DRAWS, key.data):
            self.drawn[shape(key.data)] += 1
        found = await self.press(chat, key)
        for each in list(found):
            undo = next((key for key in keys_of(each) if key.label == "Undo"), None)
            if undo and undo.data != key.data:
                self.met.add(shape(undo.data))
                found.remove(each)  # what can be undone once is done with
                found += await self.press(chat, undo)
        leads = []
        for each in found if depth < self.depth else ():
            if (kind := kind_of(each)) not in self.pages:
                self.pages.add(kind)
                leads.append((each, depth + 1))
        return leads


def after(label: str, begin: Begin, edits: str = "") -> Begin:
    """Begin by a press of a message's button; the answer is an edit that has `edits`, if given."""

    async def then(village: Village, chat: Conversation) -> Json:
        message = await begin(village, chat)
        chat.tap(message, label)
        return await chat.sees_edit(message, edits) if edits else await chat.hears()

    return then
