"""Languages: catalogues as complete as the source, texts that are whole sentences, every figure."""

import asyncio
import re
import warnings
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from catalogues import NOT_REVIEWED, ROOT, MsgId, entries, read, renewed, source_texts
from petitions import petition
from texts import loose_in, loose_texts

from bot.charts import Charts
from bot.messages.buttons import card_buttons
from bot.messages.format import day, days, decimal, hours, number, percent, span, weekday
from bot.messages.i18n import (
    CATALOGUES,
    ENGLISH,
    LANGUAGES,
    catalogue,
    language,
    many,
    say,
    say_many,
    speak,
    speaking,
    tr,
)
from bot.messages.message import compose, link
from bot.messages.petition.card import card
from bot.subscriptions.subscription import Subscription

OTHERS = [name for name in LANGUAGES if name != ENGLISH]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UPDATE = "run: make catalogue"
UNFINISHED = "To be translated into"  # pyproject.toml has such warnings shown, and fail nothing

# The language itself and its languages' own names are no texts.
MODULES = sorted(
    path
    for folder in ("bot/messages", "handlers")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "i18n.py"
)


# --- catalogues ----------------------------------------------------------------------------------


def texts_of(message: Entry) -> tuple[str, ...]:
    """A text in its forms: one, or singular and plural."""
    return tuple(message.id) if isinstance(message.id, list | tuple) else (message.id,)


def strings_of(message: Entry) -> tuple[str, ...]:
    """Its translation in all its forms."""
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string,)


def unfinished(texts: Collection[MsgId], po: Catalog) -> dict[str, list[MsgId]]:
    """What a catalogue lacks or keeps in vain of the source's texts, by what is to be done."""
    known = {each[0] if len(each) == 1 else each: m for m in entries(po) for each in [texts_of(m)]}
    found = {
        "in no catalogue": [text for text in texts if text not in known],
        "not used any more": [text for text in known if text not in texts],
        "without a translation": [
            text
            for text, message in known.items()
            if not all(strings_of(message))
            or len(strings_of(message)) != (po.num_plurals if message.pluralizable else 1)
            or message.fuzzy
        ],
    }
    return {what: some for what, some in found.items() if some}


@pytest.mark.parametrize("name", OTHERS)
def test_what_a_language_lacks_is_reported_and_fails_nobody(name: str) -> None:
    for what, texts in unfinished(source_texts(), read(name)).items():
        warnings.warn(f"{UNFINISHED} {name}: {len(texts)} {what} ({UPDATE}): {texts}", stacklevel=1)


def test_a_sentence_somebody_adds_is_reported_and_so_is_one_that_went() -> None:
    po = Catalog(locale="cy")
    po.add("Closed", "Caewyd")
    po.add("Open", "")
    po.add(("{count} day", "{count} days"), ("{count} diwrnod", ""))
    new = "A sentence that nobody has translated."
    assert unfinished(["Open", new, ("{count} day", "{count} days")], po) == {
        "in no catalogue": [new],
        "not used any more": ["Closed"],
        "without a translation": ["Open", ("{count} day", "{count} days")],
    }
    complete = Catalog(locale="cy")
    complete.add("Closed", "Caewyd")
    assert unfinished(["Closed"], complete) == {}


def test_what_is_not_translated_is_said_in_english() -> None:
    with speaking("cy"):
        assert tr("Nobody has translated {this}.", this="tea") == "Nobody has translated tea."
        assert many("{count} untold cup", "{count} untold cups", 2) == "2 untold cups"
        assert compose(say("<b>{title}</b> is untold.", title="Tea")).text == "Tea is untold."


def test_no_text_is_counted_here_and_not_counted_there() -> None:
    texts = source_texts()
    assert not [text for text in texts if isinstance(text, tuple) and text[0] in texts]


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


def marks(text: str) -> list[str]:
    return sorted(re.findall(r"</?\w+>", text))


def faults(message: Entry) -> Iterator[str]:
    """What a translation lost or added besides the words."""
    first, *_ = texts = texts_of(message)
    allowed = {gap for text in texts for gap in gaps(text)}
    # A form for one single number may leave the number out.
    needed = set.intersection(*map(gaps, texts)) - ({"count"} if message.pluralizable else set())
    for string in filter(None, strings_of(message)):
        if not needed <= gaps(string) <= allowed:
            yield f"gaps: {string}"
        if marks(string) != marks(first):
            yield f"marks: {string}"
        if re.sub(r"\{\w+\}", "", string).count("{") or string.strip() != string:
            yield f"spaces or braces: {string}"
        if set(re.findall(r"/[a-z]+\b", re.sub(r"<.*?>", "", first))) - set(
            re.findall(r"/[a-z]+\b", string)
        ):
            yield f"commands: {string}"


@pytest.mark.parametrize("name", OTHERS)
def test_translations_keep_gaps_marks_and_commands(name: str) -> None:
    assert not [fault for message in entries(read(name)) for fault in faults(message)]


@pytest.mark.parametrize(
    ("text", "string"),
    [
        ("Closed on {day}", "Caewyd"),
        ("Closed on {day}", "Caewyd {dydd}"),
        ("Closed", "Caewyd {day}"),
        ("<b>Closed</b>", "Caewyd"),
        ("<b>Closed</b>", "<b>Caewyd<b>"),
        ("Closed", "Caewyd "),
        ("Try /help", "Rhowch gynnig ar /cymorth"),
        (("{count} day {left}", "{count} days {left}"), ("{count} diwrnod", "{left}")),
    ],
)
def test_a_translation_that_lost_something_is_noticed(text: MsgId, string: str) -> None:
    assert list(faults(Entry(text, string)))


@pytest.mark.parametrize("name", OTHERS)
def test_what_no_speaker_has_read_says_so(name: str) -> None:
    po = read(name)
    assert "have not been reviewed by a speaker" in po.header_comment
    unmarked = [m.id for m in entries(po) if m.user_comments not in ([NOT_REVIEWED], ["reviewed"])]
    assert not unmarked


@pytest.mark.parametrize("name", OTHERS)
def test_renewing_a_catalogue_keeps_its_translations(name: str) -> None:
    def told(message: Entry) -> tuple[object, ...]:
        return texts_of(message), strings_of(message), tuple(message.user_comments)

    before = {told(message) for message in entries(read(name))}
    after = {told(message) for message in entries(renewed(name))}
    known = {texts for texts, *_ in after}
    assert {each for each in before if each[0] in known} <= after


def test_catalogues_lie_beside_the_code_that_reads_them() -> None:
    assert {path.stem for path in CATALOGUES.glob("*.po")} == set(OTHERS)


# --- texts in the source -------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_for_people_is_whole_and_in_a_catalogue(path: Path) -> None:
    assert not loose_in(path)


@pytest.mark.parametrize(
    "source",
    [
        'compose("Closed")',
        'compose(f"Closed on {day}")',
        'bold("vacant")',
        'lines("", "muted")',
        'button("Mute", MUTE)',
        'button("mute", MUTE)',
        'x = "Nothing was deleted."',
        'x = f"{count} signatures"',
        "x = f\"{count} {'signature' if one else 'signatures'}\"",
        'tr(f"Closed on {day}")',
        'tr("Closed " + "on {day}", day=day)',
        'tr("Closed" if over else "Open")',
        'tr("{count} left", count="two days")',
        'x = tr("Closed") + tr("on")',
        'x = tr("Closed") + " on"',
        'x = "Closed on %s" % day',
        'x = "Closed on {}".format(day)',
        'def f() -> str:\n    return "muted"',
        'def f() -> str | None:\n    return f"{count} muted"',
        'bot.send_photo(chat, png, caption="curve")',
        'x = " and ".join(names)',
        'REASONS = {"foi": "It asks for information."}',
        'say("You follow {title}", title=bold("this"))',
        'x = "/forget erases everything."',
    ],
)
def test_a_text_outside_the_catalogues_is_noticed(source: str) -> None:
    assert loose_texts(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        'def f() -> str:\n    """What it gives."""\n    return tr("Closed")',
        'compose(tr("Closed on {day}", day=day(when)))',
        'compose(f"{tr(why)} · {number(count)}")',
        'x = f"/{command} 300239"',
        'link("300239", "https://petition.parliament.uk")',
        'raise ValueError("no such verb")',
        'log.info("card not refreshed", error=name)',
        'x = "not modified" in error.message',
        'REASONS = {"foi": marked("It asks for information.")}',
        'x = kinds["Revised response"]',
        'MUTE = "mute"',
        'x = re.compile("[A-Z]+ [a-z]+")',
        'many("{count} day", "{count} days", left)',
    ],
)
def test_what_nobody_reads_needs_no_catalogue(source: str) -> None:
    assert not loose_texts(source)


# --- speaking ------------------------------------------------------------------------------------


def test_a_language_nobody_has_is_english() -> None:
    with speaking("tlh"):
        assert language() == ENGLISH
        assert tr("Closed on {day}", day=day(NOW)) == "Closed on 1 March 2026"


async def test_each_task_speaks_its_own_language() -> None:
    async def spoken(name: str) -> str:
        speak(name)
        await asyncio.sleep(0)
        return day(NOW)

    told = await asyncio.gather(spoken("cy"), spoken("en"), spoken("cy"))
    assert told == ["1 Mawrth 2026", "1 March 2026", "1 Mawrth 2026"]
    assert language() == ENGLISH


def test_figures_are_written_as_the_language_does() -> None:
    def told() -> list[str]:
        figures = [number(131_625), decimal(1.95, 2), percent(0.0199, 2), weekday(NOW)]
        return [*figures, days(2), hours(11), span(timedelta(days=43))]

    assert told() == [
        "131,625",
        "1.95",
        "1.99%",
        "Sunday 1 March 2026",
        "2 days",
        "11 hours",
        "43 days",
    ]
    with speaking("cy"):
        assert told()[:4] == ["131,625", "1.95", "1.99%", "Dydd Sul 1 Mawrth 2026"]
        assert told()[4].startswith("2 ")


def test_counts_take_the_form_of_their_number() -> None:
    assert many("{count} signature", "{count} signatures", 1) == "1 signature"
    assert many("{count} signature", "{count} signatures", 12_000) == "12,000 signatures"
    assert many("{count} day", "{count} days", 2, count="two") == "two days"


@pytest.mark.parametrize("name", OTHERS)
def test_each_form_of_a_count_is_the_catalogues_own(name: str) -> None:
    entry = read(name).get("{count} day")
    assert entry is not None
    plural = catalogue(name).plural  # type: ignore[attr-defined]
    for count in range(12):
        if wanted := entry.string[plural(count)]:
            with speaking(name):
                assert days(count) == wanted.format(count=count)


def test_what_fills_a_gap_is_never_read_for_marks_or_gaps() -> None:
    hostile = "<b>{title}</b> </b> {0} <i>"
    message = compose(say("<b>{title}</b> is <code>{text}</code>.", title=hostile, text="{x}"))
    assert message.text == f"{hostile} is {{x}}."
    assert [span.style for span in message.spans] == ["bold", "code"]
    assert tr("Status: {state}", state=hostile) == f"Status: {hostile}"


def test_a_gap_may_be_formatted_itself() -> None:
    title = link("Tea", "https://example.org")
    message = compose(
        say_many("<b>{count} of {title}</b>", "<b>{count}s {title}</b>", 2, title=title)
    )
    assert message.text == "2s Tea"
    assert [span.style for span in message.spans] == ["bold", "text_link"]


def the_card() -> str:
    known = petition(signature_count=64_120, state="open", opened_at=NOW - timedelta(days=60))
    followed = Subscription(1, known.ref, NOW)
    message = card(known, NOW, NOW, subscription=followed)
    labels = [key.text for row in card_buttons(known, followed) for key in row]
    return "\n".join([message.text, *labels])


def test_the_same_card_in_english_and_in_welsh() -> None:
    english = the_card()
    with speaking("cy"):
        welsh = the_card()
    assert "31 December 2025" in english
    assert "31 Rhagfyr 2025" in welsh
    for text in ("✅ You're following this petition.", "Constituencies", "Unfollow"):
        assert text in english
        assert (catalogue("cy").gettext(text)) in welsh
    assert the_card() == english


async def test_a_picture_is_in_the_language_it_was_asked_for_in() -> None:
    known = petition(signature_count=64_120, opened_at=NOW - timedelta(days=60))
    async with Charts() as charts:
        english = await charts.curve(known, [], NOW)
        with speaking("cy"):
            welsh = await charts.curve(known, [], NOW)
        again = await charts.curve(known, [], NOW)
    assert english
    assert welsh
    assert "31 December 2025" in english.caption
    assert "31 Rhagfyr 2025" in welsh.caption
    assert welsh.png != english.png
    assert again == english
