"""Every button of every message: pressed, answered, and doing what it says."""

import ast
import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest
from bell import HASTY, READER, TEA, Conversation, Json, Village, a_response, open_petition, stamp
from msgspec import Struct
from petitions import petition
from presses import (
    BOT,
    CALENDAR,
    CLUB,
    HOLBORN,
    MUST_BE_MET,
    PATIENCE,
    ROOT,
    VERBS,
    Begin,
    Walker,
    after,
    keys_of,
    shape,
)
from site_stand_in import Fault
from telegram.ext import CallbackQueryHandler

import handlers
from bot.app import running, utc_now
from bot.demo.world import PostcodesApi
from bot.messages import buttons
from bot.messages.alert import alert
from bot.messages.buttons import Press
from bot.messages.chat.conversation import PRESSES
from bot.messages.following.rules import topics, words_button
from bot.petitions.events import Event, Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef

# --- the messages to begin from -------------------------------------------------------------------


class Scene(NamedTuple):
    """A conversation brought to its first message, and which of its buttons to press."""

    begin: Begin
    only: str = ""


def asking(*texts: str, follows: bool = True) -> Begin:
    """Says these things, as a follower of the first petition if so; the last answer."""

    async def begin(_: Village, chat: Conversation) -> Json:
        if follows:
            await chat.subscribes()
        for text in texts[:-1]:
            await chat.ask(text)
        return await chat.ask(texts[-1])

    return begin


def hearing(number: int, *edits: Mapping[str, Any]) -> Begin:
    """The alert about the last of the things that happen to a petition."""

    async def begin(village: Village, chat: Conversation) -> Json:
        await chat.subscribes(number)
        for changes in edits:
            village.site.edit(number, **changes)
            message = await chat.hears()
        return message

    return begin


async def summarised(village: Village, chat: Conversation) -> Json:
    """A digest."""
    await chat.subscribes(DIGESTED)
    await chat.ask("/settings milestone digest")
    village.site.edit(DIGESTED, signature_count=1_002)
    await village.looked(2, DIGESTED)  # that is, until the first look is done with
    return await chat.ask("/digest", "1,00")


async def by_rule(village: Village, chat: Conversation) -> Json:
    """What a rule brings about a petition that the chat does not follow."""
    draft = await after("Follow these words", asking("/subscribe kettle", follows=False))(
        village, chat
    )
    chat.tap(draft, "Save")
    chat.tap(await chat.sees_edit(draft, "I need to keep"), "Follow it")
    await chat.sees_edit(draft, "now following")
    await village.chat(chat.chat_id + 500).subscribes(RULED)  # has it looked at often
    village.site.edit(RULED, **a_response())
    return await chat.hears("From your rule")


async def with_pages(_: Village, chat: Conversation) -> Json:
    """A list of more than a page, with a rule before it."""
    for number in range(TEA, TEA + 10):
        await chat.subscribes(number)
    draft = await after("All responses", asking("/subscribe", follows=False))(_, chat)
    chat.tap(draft, "Save")
    await chat.sees_edit(draft, "now following")
    return await chat.ask("/subscriptions", "1 rule")


async def from_a_file(village: Village, chat: Conversation) -> Json:
    """The question before a file of somebody's data is taken up."""
    other = village.chat(chat.chat_id + 500)
    await other.subscribes()
    other.say("/mydata")
    sent = await village.api.next_message(other.chat_id, after=other.read)
    file = village.api.file(sent["document"]["file_id"])
    assert file is not None
    village.api.send_file(chat.chat_id, "data.json", file.content)
    return await chat.hears("I need to keep")


CLOSED, REJECTED, DEBATED, RESPONDED = (TEA + n for n in range(1, 5))
RUNG, ANSWERED, PLANNED, DIGESTED, RULED, ENDED = (TEA + 20 + n for n in range(6))
YESTERDAY = (utc_now() - timedelta(days=1)).date().isoformat()
NOON = "2026-01-20T12:00:00.000Z"

SCENES: dict[str, Scene] = {
    "consent": Scene(asking(f"/subscribe {TEA}", follows=False)),
    "start": Scene(asking("/start", follows=False)),
    "consent to settings": Scene(asking("/settings", follows=False)),
    "consent to a rule": Scene(
        after(
            "Save",
            after("Follow these words", asking("/subscribe free tea", follows=False)),
            "I need to keep",
        )
    ),
    "more about a rule": Scene(
        after(
            "Save",
            after("Follow these words", asking("/subscribe free tea", follows=False)),
            "I need to keep",
        ),
        r"draft\|\|privacy",
    ),
    "consent to a file": Scene(from_a_file),
    "subscribed": Scene(asking(f"/subscribe {TEA + 5}")),
    "again": Scene(asking(f"/subscribe {TEA}")),
    "unsubscribed": Scene(asking(f"/unsubscribe {TEA}")),
    "what is followed": Scene(asking("/unsubscribe")),
    "pages": Scene(with_pages),
    "own card": Scene(asking(f"/petition {TEA}")),
    "card": Scene(asking(f"/petition {TEA + 5}")),
    "closed card": Scene(asking(f"/petition {CLOSED}")),
    "rejected card": Scene(asking(f"/petition {REJECTED}")),
    "debated card": Scene(asking(f"/petition {DEBATED}")),
    "responded card": Scene(asking(f"/petition {RESPONDED}")),
    "milestone": Scene(hearing(RUNG, {"signature_count": 1_002})),
    "responses": Scene(
        hearing(ANSWERED, a_response(), a_response("We love tea.", "All of it, and milk."))
    ),
    "debate": Scene(hearing(PLANNED, {"scheduled_debate_date": "2027-02-01"})),
    "closing": Scene(
        hearing(ENDED, {"state": "closed", "closed_at": f"{YESTERDAY}T22:59:59.999Z"})
    ),
    "rule": Scene(by_rule),
    "summary": Scene(summarised),
    "search": Scene(asking("/search tea")),
    "typed": Scene(asking("tea and biscuits with every meal")),
    "trending": Scene(asking("/trending")),
    "constituency": Scene(asking("/constituency Holborn")),
    "misspelt constituency": Scene(asking("/constituency Holbron and St Pancras")),
    "constituencies": Scene(asking(f"/constituencies {TEA}")),
    "own constituency": Scene(asking(f"/constituencies {TEA} Seat 3")),
    "settings": Scene(asking("/settings quiet 22-7", "/settings")),
    "misspelt zone": Scene(asking("/settings zone Kathmandoo")),
    "one's settings": Scene(asking(f"/settings {TEA} response silent", f"/settings {TEA}")),
    "snooze": Scene(asking("/snooze")),
    "snooze one": Scene(asking(f"/snooze {TEA}")),
    "milestones": Scene(asking(f"/milestones {TEA} 500", f"/milestones {TEA}")),
    "milestones of others": Scene(asking(f"/milestones {TEA + 5}")),
    "not followed": Scene(asking(f"/settings {TEA + 5}")),
    "what to follow": Scene(asking("/subscribe")),
    "words": Scene(asking("/subscribe free tea")),
    "draft": Scene(after("All debates", asking("/subscribe"))),
    "dropped draft": Scene(after("All debates", asking("/subscribe")), r"draft\|\|cancel"),
    "not forgotten": Scene(asking("/forget"), r"forget\|\|no"),
    "forgotten": Scene(asking("/forget"), r"forget\|\|yes"),
    "all to stop": Scene(asking(f"/follow {TEA + 6}", "/stop"), r"stop\|\|all"),
    "all stopped": Scene(
        after("Unfollow all", asking(f"/follow {TEA + 6}", "/stop"), "Unfollow all 2"),
        r"stop\|\|yes",
    ),
    "which petition": Scene(asking("/response")),
    **{
        f"misspelt {typed}": Scene(asking(f"/{typed} {TEA}"))
        for typed in ("subscrib", "unsubscrib", "setings")
    },
}


@pytest.fixture
async def postcodes(village: Village) -> AsyncIterator[PostcodesApi]:
    """The site with petitions of every kind, and who knows postcodes."""
    site, now = village.site, utc_now()
    seats = [
        {"name": f"Seat {n}", "ons_code": f"E1400{n:04}", "mp": None, "signature_count": 200 - n}
        for n in range(1, 60)
    ]
    seats.append(
        {"name": "Holborn and St Pancras", "ons_code": HOLBORN, "mp": None, "signature_count": 12}
    )
    regions = [
        {"name": name, "ons_code": code, "signature_count": 900}
        for name, code in (("London", "E12000007"), ("Wales", "W92000004"))
    ]
    site.put(
        TEA,
        open_petition(
            signature_count=11_900,
            signatures_by_constituency=seats,
            signatures_by_region=regions,
            response_threshold_reached_at=stamp(now - timedelta(days=9)),
            departments=[{"acronym": "HO", "name": "Home Office", "url": "https://x.example"}],
        ),
    )
    for number in (*range(TEA + 5, TEA + 12), RUNG, ANSWERED, PLANNED, DIGESTED, RULED, ENDED):
        what = "A kettle for all" if number == RULED else f"Free tea in every place {number}"
        ends = {"closing_date": YESTERDAY} if number == ENDED else {}
        site.put(number, open_petition(action=what, **ends))
    closed = {"state": "closed", "closed_at": stamp(now - timedelta(days=3))}
    site.put(CLOSED, open_petition(action="Tea at night", **closed))
    rejection = {"code": "duplicate", "details": "There is one."}
    site.put(
        REJECTED,
        open_petition(
            action="More tea",
            state="rejected",
            rejected_at=NOON,
            opened_at=None,
            rejection=rejection,
        ),
    )
    debate = {
        "debated_on": "2026-01-20",
        "transcript_url": "https://hansard.parliament.uk/x",
        "video_url": "https://parliamentlive.tv/x",
        "debate_pack_url": None,
        "public_engagement_url": None,
        "debate_summary_url": None,
        "overview": "Tea was debated.",
    }
    site.put(
        DEBATED,
        open_petition(action="Tea first", **a_response(), debate=debate, debate_outcome_at=NOON),
    )
    site.put(RESPONDED, open_petition(action="Tea again", **a_response()))
    site.topics = {f"topic-{n}": f"Topic {n}" for n in range(25)} | {"very-long" * 9: "Longest"}
    site.constituencies = {
        HOLBORN: {
            "constituency": "Holborn and St Pancras",
            "ons_code": HOLBORN,
            "mp": "Tess Tube MP",
            "party": "Tea Party",
        }
    }
    site.hourly = lambda: {TEA: 40, TEA + 5: 3}
    async with PostcodesApi({"SW1A 1AA": HOLBORN}) as api:
        yield api


async def play_all(
    village: Village,
    play: Callable[[str, Scene, Conversation], Awaitable[None]],
    names: Sequence[str],
) -> None:
    """Play the scenes side by side, each in a chat of its own; the first that fails is told."""
    chats = [village.chat(5_000 + n) for n in range(len(names))]
    for chat in chats:
        chat.patience = PATIENCE  # with so many at once
    told = await asyncio.gather(
        *(play(name, SCENES[name], chat) for name, chat in zip(names, chats, strict=True)),
        return_exceptions=True,
    )
    for name, problem in zip(names, told, strict=True):
        if problem:
            problem.add_note(f"in the scene {name!r}")
            raise problem


def unhurried(village: Village, postcodes: PostcodesApi) -> AbstractAsyncContextManager[None]:
    """The bot at work, asking the site seldom enough to leave time for those who press."""
    config = village.config(interval=2.0)
    return running(config, postcodes_api=postcodes.url, rate_limiter=HASTY)


@pytest.fixture(autouse=True)
def _a_site_in_good_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a site takes longer than people wait for it; here that says nothing."""
    monkeypatch.setattr("bot.polling.lookup._KNOWN", 30.0)
    monkeypatch.setattr("bot.polling.lookup._UNKNOWN", 30.0)
    monkeypatch.setattr("handlers.command.PATIENCE", 30.0)


@pytest.mark.timeout(180)
async def test_every_button_of_every_message_does_what_it_says(
    village: Village, postcodes: PostcodesApi
) -> None:
    walker = Walker(village.api)

    async def play(_: str, scene: Scene, chat: Conversation) -> None:
        message = await scene.begin(village, chat)
        assert keys_of(message), message
        await walker.walk(chat, message, scene.only)

    async with unhurried(village, postcodes):
        await play_all(village, play, list(SCENES))
    assert MUST_BE_MET - walker.met == set()
    assert village.api.refusals == []


# Scenes as they are for whoever manages a group from their own chat.
MANAGED = (
    "subscribed",
    "unsubscribed",
    "pages",
    "own card",
    "search",
    "typed",
    "constituency",
    "constituencies",
    "settings",
    "one's settings",
    "snooze",
    "milestones",
    "what to follow",
    "words",
    "draft",
    "dropped draft",
    "misspelt subscrib",
)


@pytest.mark.timeout(180)
async def test_every_button_made_for_another_chat_is_about_that_chat(
    village: Village, postcodes: PostcodesApi
) -> None:
    met: set[str] = set()
    pages: set[str] = set()
    drawn: Counter[str] = Counter()

    async def play(name: str, scene: Scene, chat: Conversation) -> None:
        club = CLUB - chat.chat_id
        village.api.add_chat(club, type="supergroup", title=name)
        village.api.add_member(club, chat.chat_id, "administrator")
        village.api.add_member(club, BOT, "member")
        managing = await manages(village, chat, club)
        message = await scene.begin(village, chat)
        walker = Walker(village.api, met, f"For {name}:", pages, depth=2, drawn=drawn)
        await walker.walk(chat, message, scene.only)
        await walker.walk(chat, managing)
        await chat.ask("/mydata", "I don't keep anything")

    async with unhurried(village, postcodes):
        await play_all(village, play, MANAGED)
    assert {"done||", "unsub|P|", "undo|P|", "set||undo", "draft||save", "rule||0.delete"} <= met
    assert not any(each.startswith("full") for each in met)


async def manages(village: Village, person: Conversation, chat_id: int) -> Json:
    """Choose a group to manage; the message that says so."""
    await person.ask("/about")
    village.api.press(person.chat_id, person.read, "else||")
    await person.hears("Which group or channel")
    village.api.share_chat(person.chat_id, "Choose a group", chat_id)
    await person.hears("Chosen.")
    return await person.hears("now apply to that chat")


# --- what the walks found -------------------------------------------------------------------------


async def test_an_undone_unsubscription_is_heard_on_its_own_terms_again(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await reader.ask(f"/settings {TEA} response silent")
        await reader.ask(f"/settings {TEA} closing 24h")
        await reader.ask(f"/milestones {TEA} 500 every 200 50%")
        was = await reader.ask(f"/settings {TEA}", "Silent: government response")
        ended = await reader.ask(f"/unsubscribe {TEA}", "You've unfollowed")
        await reader.sees_note(reader.tap(ended, "Undo"))
        now = await reader.ask(f"/settings {TEA}")
    assert "500, every 200 and 50%" in now["text"]
    assert now["text"] == was["text"]


async def test_save_pressed_twice_keeps_one_rule(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await reader.ask("/subscribe")
        reader.tap(village.api.messages(READER)[-1], "All debates")
        draft = await reader.hears("Follow all debates?")
        twice = [reader.tap(draft, "Save") for _ in range(2)]
        assert [await reader.sees_note(each) for each in twice] == ["", ""]
        listed = await reader.ask("/subscriptions", "1 rule")
        ended = await reader.sees_edit(draft, "You're now following all debates")
        reader.tap(ended, "Delete")
        gone = await reader.sees_edit(draft, "You've unfollowed")
        for each in [reader.tap(gone, "Undo") for _ in range(2)]:
            assert await reader.sees_note(each) == ""
        assert (await reader.ask("/subscriptions"))["text"] == listed["text"]


async def test_words_that_look_like_another_chat_are_searched_for(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        found = await reader.ask("tea|~tea", "tea|~tea")
        reader.tap(found, "Follow these words")
        await reader.hears("Follow petitions mentioning tea")


async def test_a_button_without_room_for_its_chat_says_so(village: Village) -> None:
    async with village.bell():
        message = await village.reader.ask("/about")
        note = await village.reader.sees_note(
            village.api.press(READER, message["message_id"], f"{buttons.FULL}||")
        )
    assert "Use a command instead" in note


async def test_a_topic_with_a_long_code_can_be_followed_for_another_chat(
    village: Village, postcodes: PostcodesApi
) -> None:
    async with village.bell():
        keyboard = topics(village.site.topics)[1]
        assert keyboard is not None
        keys = {key.text: key.press for row in keyboard for key in row}
        data = f"{keys['Longest']}|~{'z' * 13}"
        assert len(data) <= 64
        message = await village.reader.ask("/about")
        village.api.press(READER, message["message_id"], keys["Longest"])
        await village.reader.hears("Follow petitions on Longest?")


async def test_a_press_is_answered_in_time_however_long_the_site_takes(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.command.PATIENCE", 0.05)
    reader = village.reader
    village.site.edit(TEA, **a_response())
    async with village.bell():
        card = await reader.ask(f"/petition {TEA}")
        village.site.fail(f"/petitions/{TEA}", Fault(hang=True))
        assert await reader.sees_note(reader.tap(card, "Response")) == ""
        assert reader.unread() == []
        village.site.heal()
        await reader.hears("We like tea.")
        village.site.put(TEA + 1, open_petition())
        await reader.subscribes(TEA + 1)
        ended = await reader.ask(f"/unsubscribe {TEA + 1}")
        village.site.fail(f"/petitions/{TEA + 1}", Fault(hang=True))
        assert await reader.sees_note(reader.tap(ended, "Undo")) == ""
        village.site.heal()
        await reader.hears("You're following it again")


# --- what can be read from the source -------------------------------------------------------------


def patterns() -> list[re.Pattern[str]]:
    """What each handler of presses listens to; the last resort listens to all."""
    found = [each for each in handlers.all_handlers() if isinstance(each, CallbackQueryHandler)]
    return [each.pattern for each in found if isinstance(each.pattern, re.Pattern)]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_one_handler(verb: str) -> None:
    ref = PetitionRef("uk", TEA)
    for press in (
        Press(verb),
        Press(verb, ref),
        Press(verb, ref, "every 5.-_%"),
        Press(verb, None, "“é” ~x"),
    ):
        for data in (press.data, f"{press.data}|~1abc"):
            assert sum(bool(each.match(data)) for each in patterns()) == 1, data


@cache
def calls() -> tuple[tuple[Path, str, ast.Call], ...]:
    """Every call of a function, with its name, in what the bot consists of."""
    return tuple(
        (path, node.func.id, node)
        for path in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )


def test_every_button_presses_a_verb() -> None:
    verbs = {ast.unparse(call.args[1]) for _, name, call in calls() if name == "button"}
    constants = {name for name in vars(buttons) if name.isupper()} - {"ROOM"}
    # One is handed down to where both of its values stand, others are looked up among commands.
    looked_up = {"PRESSES[nearest.name]", "PRESSES.get(command, CARD)"}
    assert verbs - constants == {"verb", *looked_up}
    assert set(PRESSES.values()) <= VERBS


def test_nothing_else_makes_buttons_that_are_pressed() -> None:
    by_hand = {
        path.relative_to(ROOT).as_posix()
        for path, name, call in calls()
        if name == "Button"
        and (len(call.args) > 1 or any(given.arg == "press" for given in call.keywords))
    }
    assert by_hand == {
        "bot/messages/buttons.py",
        "bot/messages/chat/groups.py",
        "bot/telegram/render.py",  # reads back what they made
    }


def sample(kind: Any) -> Any:
    """Some value of that type."""
    plain: dict[Any, Any] = {
        int: 100,
        float: 0.5,
        str: "x",
        bool: False,
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        date: date(2026, 1, 1),
    }
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        types = get_type_hints(kind)
        return kind(**{name: sample(types[name]) for name in kind.__struct_fields__})
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return () if get_origin(kind) is tuple else None


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("followed", [True, False])
def test_under_every_kind_of_alert_there_are_buttons_that_were_pressed(
    kind: type, followed: bool
) -> None:
    event = sample(kind)
    known = PetitionHistory(petition(), utc_now())
    occurrence = Occurrence("key", known.petition.ref, utc_now(), event)
    _, keyboard = alert(known, [occurrence], utc_now(), muted=False, followed=followed)
    keys = [key for row in keyboard for key in row]
    assert {shape(key.press) for key in keys if key.press} <= (MUST_BE_MET | CALENDAR)
    assert any(key.url == known.petition.url for key in keys)


def test_a_button_that_follows_words_leaves_room_for_another_chat() -> None:
    for typed in ("tea " * 10, "é" * 18, "~" * 36):
        data = str((key := words_button(typed)) and key.press)
        assert len(f"{data}|~{'z' * 13}".encode()) <= 64
