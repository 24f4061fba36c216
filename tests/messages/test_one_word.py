"""One thing has one word in all that is said to people: a follower follows, an alert is sent."""

import re

import pytest
from catalogues import source_texts

# What was once said, by what is said instead.
NEVER = {
    "follow": r"\bsubscri\w+|\bunsubscri\w+",
    "alert, tell": r"\bhears?\b|\bheard\b|\brings?\b|\bbells?\b",
    "threshold, milestone": r"\brungs?\b|\bladders?\b",
    "constituency": r"\bseats?\b",
    "silent, with sound": r"\bmuted?\b|\bunmute\b|\baloud\b|\bloud\b",
    "check": r"\bpolls?\b|\bpolled\b|\blooks? at it\b|\brounds?\b",
    "delete": r"\berased?\b|\berases\b",
    "most signatures": r"\bsigned most\b|\bmost signed\b",
    "due": r"\bhas to respond\b|\bmust respond\b",
    "waiting for": r"\bawaited\b|\blacks\b",
    "closed": r"\bsigning is over\b|\btime is up\b",
    "at the moment": r"\bjust now\b",
    "the petitions site": r"\bupstream\b",
    "a full stop, a colon": r"—|;|!|’",
}
# Commands that were typed once and still work, what is typed, and the bot's own name.
ALLOWED = re.compile(r"/(un)?subscri\w+|/(un)?mute|Choose loud, silent|Petition Bell")


def wrong_words(text: str) -> list[str]:
    """What is to be said instead of some of its words."""
    said = ALLOWED.sub("", re.sub(r"\{\w+\}", "", text))
    return [right for right, wrong in NEVER.items() if re.search(wrong, said, re.IGNORECASE)]


def test_each_thing_has_its_one_word() -> None:
    texts = [t for text in source_texts() for t in ([text] if isinstance(text, str) else text)]
    assert len(texts) > 900
    assert {text: wrong for text in texts if (wrong := wrong_words(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "You'll hear about {title}",
        "Subscribe to a petition",
        "Petitions that are signed most",
        "The Government has to respond at {number}.",
        "It is muted",
        "Erase everything",
        "The next rung is {number}",
        "This seat is vacant.",
        "I can't reach it just now.",
        "It closed; nothing is due.",
        "Its signing is over",
    ],
)
def test_another_word_for_it_is_noticed(text: str) -> None:
    assert wrong_words(text)


@pytest.mark.parametrize(
    "text", ["The old commands still work: /subscribe.", "Petition Bell {version}", "Following"]
)
def test_a_command_and_a_name_may_stay(text: str) -> None:
    assert not wrong_words(text)
