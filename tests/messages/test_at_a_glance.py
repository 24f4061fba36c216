"""A list is read without scrolling, however long its titles; a short one cuts none of them."""

import pytest
from msgspec import structs
from petitions import NOW, REF, petition

from bot.messages.buttons import Button
from bot.messages.chat.conversation import several
from bot.messages.following.constituency import constituency
from bot.messages.following.search_results import Busiest, results, trending
from bot.messages.following.subscriptions import PAGE_SIZE, Followed, Names, listing
from bot.messages.i18n import speaking
from bot.messages.message import Message
from bot.petitions.parse import Trending
from bot.petitions.parse_places import Constituency, Local
from bot.subscriptions.subscription import Subscription

LONG = "Require every public library in the country to serve tea with milk, and biscuits, at four"
SCREEN = 600
REFS = [structs.replace(REF, id=300_000 + number) for number in range(30)]
PETITIONS = [structs.replace(petition(action=LONG, signature_count=131_625), ref=r) for r in REFS]
FOLLOWED = [
    Followed(Subscription(-1, each.ref, NOW, topic, muted=topic == 7), each)
    for each, topic in zip(PETITIONS, [None, 7, 11] * 10, strict=True)
]
TOPICS = {7: "Petitions that we have talked about at the last meeting of the club"}
SEAT = Constituency("Holborn and St Pancras", "E14001290", "Rt Hon Sir Tess Tube MP", "Tea Party")


def rule(number: int) -> tuple[str, Button]:
    what = f"🔔 petitions mentioning school meals and breakfast clubs and tea number {number}"
    return what, Button(what, press=f"rule||{number}")


def lists() -> dict[str, Message]:
    found = [(each.ref, each) for each in PETITIONS[:10]]
    signed = [Local(each, LONG, "open", 1_204, 9_000) for each in REFS[:10]]
    busy = [Trending(each, LONG, 1_204) for each in REFS[:10]]
    return {
        "search": results("tea", PETITIONS, has_more=True)[0],
        "several": several("chart", found)[0],
        "trending": trending([Busiest(busy)])[0],
        "constituency": constituency(SEAT, signed)[0],
    }


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("what", ["search", "several", "trending", "constituency"])
def test_ten_petitions_with_long_titles_fit_a_screen(what: str, language: str) -> None:
    with speaking(language):
        message = lists()[what]
    assert len(message.text) <= SCREEN
    assert message.text.count("Require every") == 10


@pytest.mark.parametrize("language", ["en", "cy"])
@pytest.mark.parametrize("rules", [0, 3, 10, 14])
def test_each_page_of_a_long_list_fits_one_and_shows_ten(rules: int, language: str) -> None:
    kept = [rule(number) for number in range(rules)]
    pages, met = -(-(30 + rules) // PAGE_SIZE), list[str]()
    for page in range(pages):
        with speaking(language):
            message, rows = listing(FOLLOWED, page, NOW, kept, Names(TOPICS))
        assert len(message.text) <= SCREEN
        pressed = [
            key.press for row in rows or () for key in row if not key.press.startswith("page")
        ]
        assert len(pressed) == min(PAGE_SIZE, 30 + rules - page * PAGE_SIZE)
        met += pressed
    assert len(set(met)) == len(met) == 30 + rules


def test_a_short_list_cuts_no_title_that_a_line_can_hold() -> None:
    title = LONG[:60].rsplit(" ", 1)[0]
    short = structs.replace(PETITIONS[0], action=title)
    text = listing([Followed(Subscription(1, REF, NOW), short)], 0, NOW)[0].text
    assert text.splitlines()[-1] == f"131,625 signatures · 162 days left  {title}"


def test_what_is_told_in_a_topic_stands_beneath_its_name() -> None:
    lines = listing(FOLLOWED[:6], 0, NOW, (), Names(TOPICS))[0].text.splitlines()
    assert lines.index("In Petitions that we…:") == 4
    assert lines.index("In a topic:") == 7
    assert "silent" in lines[5]
    private = [Followed(Subscription(1, REF, NOW), PETITIONS[0])]
    assert "In " not in listing(private, 0, NOW)[0].text


def test_what_is_not_published_has_no_signatures_to_tell() -> None:
    waiting, open_ = petition(state="moderation", signature_count=0), petition()
    text = several("chart", [(REF, waiting), (REF, open_)])[0].text
    assert text.splitlines()[-2:] == [
        "not open yet  Free tea in every library",
        "84 signatures  Free tea in every library",
    ]


def test_how_each_petition_stands_is_said_in_a_few_words() -> None:
    told = {
        "162 days left": petition(),
        "closes tonight": petition(closing_date=NOW.date()),
        "closed": petition(state="closed", closed_at=NOW),
        "rejected": petition(state="rejected"),
        "not open yet": petition(state="moderation"),
    }
    for words, each in told.items():
        text = listing([Followed(Subscription(1, REF, NOW), each)], 0, NOW)[0].text
        assert f"{words}  Free tea" in text
    assert "84" not in text  # a petition that nobody can sign yet has no signatures to tell
