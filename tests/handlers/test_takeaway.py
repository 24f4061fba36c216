"""The file of `/mydata`: everything in it, readable, and all of it back."""

import json
from datetime import timedelta

import pytest
from msgspec import structs
from petitions import NOW, REF

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions import data_file
from bot.subscriptions.data_file import FORMAT, read
from bot.subscriptions.rules import same_rule
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Rule, Subscription
from storage import ChatData

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
TERMS = Preferences(
    {"response": "digest", "surge": "off"},
    quiet=Quiet(22 * 60, 7 * 60),
    digest=Digest(540, 0),
    zone="America/New_York",
    urgent=("debate",),
)
FOLLOWED = Subscription(
    7,
    REF,
    NOW,
    thread_id=5,
    muted=True,
    card_id=9,
    preferences=Preferences(milestones=CustomMilestones((15_000,), 5_000)),
)
RULE = Rule(7, "uk", NOW, ("response",), number=2, words=("school meals",), without=("uniform",))
DATA = ChatData(
    Chat(7, created_at=NOW, consented_at=NOW, language="cy", preferences=TERMS),
    (FOLLOWED,),
    3,
    (RULE,),
)


def written(data: ChatData, sites: dict[str, Site]) -> bytes:
    return data_file.written(data.chat, data.subscriptions, data.rules, data.waiting, sites)


def test_everything_that_is_kept_is_in_the_file_in_words() -> None:
    document = json.loads(written(DATA, {"uk": UK}))
    assert document["format"] == FORMAT
    assert document["alerts_waiting"] == 3
    assert document["settings"]["loudness"] == {"response": "digest", "surge": "off"}
    (petition,) = document["subscriptions"]
    assert petition["link"] == "https://petition.parliament.uk/petitions/700000"
    assert petition["settings"]["milestones"] == {"numbers": [15_000], "every": 5_000}
    assert document["rules"][0]["words"] == ["school meals"]


def test_the_file_brings_back_what_it_holds() -> None:
    takeaway = read(written(DATA, {"uk": UK}), 7, NOW)
    assert takeaway is not None
    assert (takeaway.language, takeaway.preferences) == ("cy", TERMS)
    assert takeaway.subscriptions == (structs.replace(FOLLOWED, card_id=None),)
    assert same_rule(takeaway.rules[0], RULE)


def test_what_is_managed_from_a_chat_and_whether_it_is_reached_are_in_its_file() -> None:
    chat = structs.replace(DATA.chat, resting="blocked")
    file = data_file.written(chat, (), (), 0, {}, managing="Tea club")
    document = json.loads(file)
    assert (document["managing"], document["unreachable"]) == ("Tea club", "blocked")
    assert read(file, 7, NOW) is not None
    document = json.loads(data_file.written(DATA.chat, (), (), 0, {}))
    assert (document["managing"], document["unreachable"]) == ("", "")


def test_in_another_chat_the_topics_are_left_behind() -> None:
    takeaway = read(written(DATA, {}), 8, NOW)
    assert takeaway is not None
    (followed,) = takeaway.subscriptions
    assert (followed.chat_id, followed.thread_id) == (8, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format": "another/1"}',
        b'{"format": "petition-bell/1\xff"}',
    ],
)
def test_a_file_of_somebody_else_is_none_of_ours(content: bytes) -> None:
    assert read(content, 7, NOW) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"subscriptions": [{"petition": "not a petition"}]},
        {"subscriptions": [{"petition": "uk:1", "settings": {"loudness": {"response": "shrill"}}}]},
        {"settings": {"quiet": {"start": -1, "end": 5_000}}},
        {"settings": {"digest": {"weekday": 9}}},
        {"settings": {"pigeon": True}},
        {"settings": {"quiet": {"start": 0, "end": 60, "days": [6]}}},
        {"rules": [{"site": "uk", "kinds": ["response"], "settings": {"pigeon": True}}]},
        {"rules": [{"site": "uk", "kinds": ["response"], "hashtags": ["tea"]}]},
        {"rules": [{"site": "uk", "kinds": ["pigeons"]}]},
        {"subscriptions": [{"petition": "uk:1", "colour": "red"}]},
        {"pigeons": 3},
        {"subscriptions": [{"petition": "uk:1", "settings": {"milestones": {"numbers": [0]}}}]},
        {"rules": [{"site": "uk", "kinds": []}]},
        {"rules": [{"site": "uk", "kinds": ["response"], "words": ["x" * 1_000]}]},
        {"rules": "all of them"},
        {"rules": [{"site": "uk", "kinds": ["response"], "words": ["!?"]}]},
        {"rules": [{"site": "uk", "kinds": ["response"], "words": list("abcdefghijk")}]},
        {"rules": [{"site": "uk", "kinds": ["response"], "department": "!?"}]},
        {"subscriptions": [{"petition": "uk:" + "9" * 5_000}]},
        {"subscriptions": [{"petition": "uk:1", "topic": 2**70}]},
    ],
)
def test_a_file_changed_beyond_sense_is_refused_whole(changed: dict[str, object]) -> None:
    document = {**json.loads(written(DATA, {})), **changed}
    with pytest.raises(ValueError, match=r"\S"):
        read(json.dumps(document).encode(), 7, NOW)


def test_times_without_a_zone_are_as_good_as_none() -> None:
    document = json.loads(written(DATA, {}))
    document["subscriptions"][0]["since"] = "2025-03-01T12:00:00"
    takeaway = read(json.dumps(document).encode(), 7, NOW + timedelta(days=1))
    assert takeaway is not None
    assert takeaway.subscriptions[0].created_at == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "until", ["2030-01-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_snooze_that_nobody_can_choose_is_not_brought_back(until: str) -> None:
    snoozed = {"snoozed_until": until}
    document = json.loads(written(DATA, {})) | {"settings": snoozed}
    document["subscriptions"][0]["settings"] = document["rules"][0]["settings"] = snoozed
    takeaway = read(json.dumps(document).encode(), 7, NOW)
    assert takeaway is not None
    subscription, rule = takeaway.subscriptions[0], takeaway.rules[0]
    assert takeaway.preferences == subscription.preferences == rule.preferences == Preferences()


def test_a_snooze_under_way_is_brought_back() -> None:
    preferences = Preferences(snoozed_until=NOW + timedelta(days=7))
    data = structs.replace(DATA, chat=structs.replace(DATA.chat, preferences=preferences))
    takeaway = read(written(data, {}), 7, NOW)
    assert takeaway is not None
    assert takeaway.preferences == preferences


def test_what_could_not_have_been_chosen_is_left_out() -> None:
    settings = {
        "zone": "Moon/Tranquillity",
        "closing": [5, 24, 24, 72],
        "urgent": ["debate", "debate", "opened"],
        "milestones": {"numbers": [5, 10**30, *range(20_000, 20_050)], "every": 1},
    }
    document = json.loads(written(DATA, {})) | {"settings": settings}
    takeaway = read(json.dumps(document).encode(), 7, NOW)
    assert takeaway is not None
    assert takeaway.preferences == Preferences(
        closing=(72, 24),
        urgent=("debate",),
        milestones=CustomMilestones(tuple(range(20_000, 20_020))),
    )


def test_nothing_was_followed_before_there_was_a_bot_or_later_than_now() -> None:
    for since in ("0001-01-01T00:00:00+14:00", "2999-01-01T00:00:00Z"):
        document = json.loads(written(DATA, {}))
        document["rules"][0]["since"] = since
        takeaway = read(json.dumps(document).encode(), 7, NOW)
        assert takeaway is not None
        assert takeaway.rules[0].created_at == NOW


def test_a_file_too_deep_to_be_read_is_none_of_ours() -> None:
    assert read(b'{"format":"petition-bell/1","rules":' + b"[" * 100_000, 7, NOW) is None


def test_rules_come_back_as_far_as_buttons_can_make_them() -> None:
    document = json.loads(written(DATA, {}))
    document["rules"][0]["kinds"] = ["top_ten", "response", "custom_milestone", "response"]
    takeaway = read(json.dumps(document).encode(), 7, NOW)
    assert takeaway is not None
    assert takeaway.rules[0].kinds == ("response",)
    document["rules"][0]["kinds"] = ["top_ten"]
    with pytest.raises(ValueError, match="no button makes this rule"):
        read(json.dumps(document).encode(), 7, NOW)


def test_a_petition_of_another_site_keeps_its_name() -> None:
    followed = structs.replace(FOLLOWED, petition=PetitionRef("senedd", 245))
    document = json.loads(written(structs.replace(DATA, subscriptions=(followed,)), {"uk": UK}))
    assert document["subscriptions"][0]["petition"] == "senedd:245"
