"""The file of `/mydata` to the letter, and what of a file comes back: up to the last that may."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs
from petitions import NOW, REF

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.data_file import FILE, FORMAT, LARGEST, DataFile, read, written
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Rule, Subscription

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
TICK = timedelta(microseconds=1)
SINCE = NOW - timedelta(days=9)
FULL = Preferences(
    {"response": "off"},
    (72,),
    NOW + timedelta(days=1),
    "Europe/Paris",
    Quiet(60, 120),
    Digest(540, 0),
    ("debate",),
    CustomMilestones((15_000,), 5_000, (50,)),
)
CHAT = Chat(7, "private", SINCE + TICK, SINCE + 2 * TICK, language="cy", preferences=FULL)
FOLLOWED = Subscription(7, REF, SINCE + TICK, 5, muted=True, card_id=9, preferences=FULL)
RULE = Rule(
    7,
    "uk",
    SINCE + TICK,
    ("threshold", "response"),
    2,
    ("câr", "free meals"),
    ("uniform",),
    ("health",),
    "DfE",
    "",
    ("debate",),
    5,
    FULL,
)
SEAT = Rule(7, "uk", SINCE, ("top_ten",), constituency="E1", constituency_name="Ynys Môn")
SETTINGS = {
    "loudness": {"response": "off"},
    "closing": [72],
    "snoozed_until": "2025-03-02T12:00:00Z",
    "zone": "Europe/Paris",
    "quiet": {"start": 60, "end": 120},
    "digest": {"minute": 540, "weekday": 0},
    "urgent": ["debate"],
    "milestones": {"numbers": [15_000], "every": 5_000, "percents": [50]},
}


def taken(changes: dict[str, Any], chat_id: int = 7, now: datetime = NOW) -> DataFile:
    """What a file brings back that has these parts besides those it must have."""
    document = {"format": FORMAT, "chat": 7, **changes}
    found = read(json.dumps(document).encode(), chat_id, now)
    assert found is not None
    return found


def followed(**more: Any) -> dict[str, Any]:
    return {"subscriptions": [{"petition": "uk:1", **more}]}


def ruled(**more: Any) -> dict[str, Any]:
    return {"rules": [{"site": "uk", "kinds": ["response"], **more}]}


# --- what is written


def test_the_file_holds_everything_in_words_for_people() -> None:
    file = written(CHAT, [FOLLOWED], [RULE, SEAT], 3, {"uk": UK}, managing="Tŷ Te")
    assert json.loads(file) == {
        "format": "petition-bell/1",
        "chat": 7,
        "known_since": "2025-02-20T12:00:00Z",
        "consented_at": "2025-02-20T12:00:00Z",
        "language": "cy",
        "announcements": True,
        "settings": SETTINGS,
        "subscriptions": [
            {
                "petition": "uk:700000",
                "link": "https://petition.parliament.uk/petitions/700000",
                "since": "2025-02-20T12:00:00Z",
                "muted": True,
                "topic": 5,
                "card_message": 9,
                "settings": SETTINGS,
            }
        ],
        "rules": [
            {
                "site": "uk",
                "kinds": ["threshold", "response"],
                "since": "2025-02-20T12:00:00Z",
                "words": ["câr", "free meals"],
                "without": ["uniform"],
                "topics": ["health"],
                "department": "DfE",
                "thresholds": ["debate"],
                "topic": 5,
                "settings": SETTINGS,
            },
            {
                "site": "uk",
                "kinds": ["top_ten"],
                "since": "2025-02-20T12:00:00Z",
                "constituency": "E1",
                "constituency_name": "Ynys Môn",
                "settings": {},
            },
        ],
        "alerts_waiting": 3,
        "unreachable": "",
        "managing": "Tŷ Te",
    }
    assert file.startswith(b'{\n  "format": "petition-bell/1",\n  "chat": 7,\n')
    assert "Ynys Môn".encode() in file


def test_the_file_of_a_chat_that_chose_nothing_says_no_more_than_that() -> None:
    plain = Subscription(7, REF, NOW)
    assert json.loads(written(Chat(7, announcements=False), [plain], [], 0, {})) == {
        "format": "petition-bell/1",
        "chat": 7,
        "known_since": None,
        "consented_at": None,
        "language": "",
        "announcements": False,
        "settings": {},
        "subscriptions": [
            {"petition": "uk:700000", "since": "2025-03-01T12:00:00Z", "settings": {}}
        ],
        "rules": [],
        "alerts_waiting": 0,
        "unreachable": "",
        "managing": "",
    }


@pytest.mark.parametrize(
    ("resting", "refused", "unreachable"),
    [("", "", ""), ("blocked", "", "blocked"), ("", "a topic", "a topic"), ("left", "x", "left")],
)
def test_the_file_says_why_a_chat_is_not_reached(
    resting: str, refused: str, unreachable: str
) -> None:
    chat = Chat(7, resting=resting, refused=refused)
    assert json.loads(written(chat, [], [], 0, {}))["unreachable"] == unreachable


def test_a_file_has_a_name_and_is_no_larger_than_two_million_bytes() -> None:
    assert (FILE, LARGEST) == ("petition-bell-data.json", 2_000_000)


# --- what comes back


@pytest.mark.parametrize("chat_id", [6, 7, 8])
def test_all_comes_back_but_cards_and_in_another_chat_topics(chat_id: int) -> None:
    file = written(CHAT, [FOLLOWED], [RULE, SEAT], 3, {"uk": UK})
    topic = 5 if chat_id == 7 else None
    rule = structs.replace(RULE, chat_id=chat_id, created_at=SINCE, number=0, thread_id=topic)
    assert read(file, chat_id, NOW) == DataFile(
        "cy",
        announcements=True,
        preferences=FULL,
        subscriptions=(Subscription(chat_id, REF, SINCE, topic, muted=True, preferences=FULL),),
        rules=(rule, structs.replace(SEAT, chat_id=chat_id)),
    )


def test_what_a_file_leaves_out_is_as_usual() -> None:
    assert taken({}) == DataFile(
        "", announcements=True, preferences=Preferences(), subscriptions=(), rules=()
    )
    found = taken({"announcements": False, **followed(), **ruled()})
    assert not found.announcements
    assert found.subscriptions == (Subscription(7, PetitionRef("uk", 1), NOW),)
    assert found.rules == (Rule(7, "uk", NOW, ("response",)),)


@pytest.mark.parametrize(
    "changes",
    [
        followed(topic=1),
        followed(topic=2**31 - 1),
        followed(petition="uk:9999999999"),
        followed(petition="a" + "1" * 31 + ":1"),
        followed(petition="scotland:PE123456789"),
        ruled(department="x" * 100),
        ruled(topics=["x" * 100] * 20),
        ruled(kinds=["response"] * 20),
        {"managing": "x" * 300},
        {"rules": [{"site": "uk", "kinds": ["response"]}] * 1_000},
        {"subscriptions": [{"petition": "uk:1"}] * 10_000},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_a_file_may_hold_so_much(changes: dict[str, Any]) -> None:
    taken(changes)


@pytest.mark.parametrize(
    "changes",
    [
        followed(topic=0),
        followed(topic=2**31),
        followed(petition="uk:99999999990"),
        followed(petition="uk:0"),
        followed(petition="a" + "1" * 32 + ":1"),
        followed(petition="scotland:PE1234567890"),
        ruled(department="x" * 101),
        ruled(topics=["x"] * 21),
        ruled(topic=0),
        ruled(kinds=["response"] * 21),
        ruled(kinds=[]),
        {"managing": "x" * 301},
        {"rules": [{"site": "uk", "kinds": ["response"]}] * 1_001},
        {"subscriptions": [{"petition": "uk:1"}] * 10_001},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_a_file_that_holds_more_makes_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        taken(changes)


@pytest.mark.parametrize("of", ["chat", "subscription", "rule"])
@pytest.mark.parametrize(
    "settings",
    [
        {"bee": 1, "ant": 2},
        {"zone": "", "ant": 2},
        {"quiet": {"start": 1, "end": 2, "bee": 1, "ant": 1}},
        {"digest": {"ant": 1}},
        {"milestones": {"numbers": [500], "ant": 1}},
    ],
)
def test_a_setting_of_another_version_is_named(settings: dict[str, Any], of: str) -> None:
    places = {
        "chat": {"settings": settings},
        "subscription": followed(settings=settings),
        "rule": ruled(settings=settings),
    }
    with pytest.raises(ValueError, match="there is no setting `ant`"):
        taken(places[of])


@pytest.mark.parametrize("part", ["quiet", "digest", "milestones", "urgent", "closing"])
def test_a_setting_that_is_none_is_none(part: str) -> None:
    assert taken({"settings": {part: None}}).preferences == Preferences()


def test_what_was_chosen_to_be_nothing_stays_so() -> None:
    found = taken({"settings": {"closing": [], "urgent": []}}).preferences
    assert found == Preferences(closing=(), urgent=())


@pytest.mark.parametrize(
    ("until", "is_kept"),
    [
        (NOW - TICK, False),
        (NOW, False),
        (NOW + TICK, True),
        (NOW + timedelta(days=366), True),
        (NOW + timedelta(days=366) + TICK, False),
    ],
)
def test_a_snooze_comes_back_that_somebody_can_have_chosen(until: datetime, is_kept: bool) -> None:
    found = taken({"settings": {"snoozed_until": until.isoformat()}})
    assert found.preferences.snoozed_until == (until if is_kept else None)


@pytest.mark.parametrize(
    ("since", "begun"),
    [
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)),
        (datetime(2000, 1, 1, tzinfo=UTC) - TICK, NOW),
        (datetime(2000, 1, 2, tzinfo=UTC), datetime(2000, 1, 2, tzinfo=UTC)),
        (NOW - TICK, NOW - TICK),
        (NOW, NOW),
        (NOW + TICK, NOW),
        (datetime(2010, 1, 1), NOW),  # noqa: DTZ001 - of no zone
    ],
)
def test_what_was_followed_since_a_moment_that_can_be_comes_back_since_then(
    since: datetime, begun: datetime
) -> None:
    found = taken(followed(since=since.isoformat()) | ruled(since=since.isoformat()))
    assert found.subscriptions[0].created_at == found.rules[0].created_at == begun
