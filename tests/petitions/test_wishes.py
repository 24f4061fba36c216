"""What people wish to be told of, and when, in words of their own; and subjects like it."""

import pytest

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.utterance import Ask, Each, Meaning, OnPetition, OnThat, Words, read
from bot.subscriptions.subscription import Digest
from bot.subscriptions.typed_settings import find_zone, read_digest, read_hour, read_quiet, typed

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)
REF = PetitionRef("uk", 300_239)
DIGEST = Ask("settings", "all digest")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("petitions over 100,000", Ask("subscribe", "passing: 100,000")),
        ("everything over 100k", Ask("subscribe", "passing: 100k")),
        ("petitions with more than 10,000 signatures", Ask("subscribe", "passing: 10,000")),
        ("tell me when petitions reach 100,000", Ask("subscribe", "passing: 100,000")),
        ("every government response", Ask("subscribe", "every: response")),
        ("tell me about all debates", Ask("subscribe", "every: debate")),
        ("tell me about new petitions", Ask("subscribe", "every: new")),
        ("alert me when a new petition about schools opens", Ask("subscribe", "schools")),
        ("notify me of new petitions in Leeds", Ask("subscribe", "Leeds")),
        ("topic health", Ask("subscribe", "topic: health")),
        ("how many signatures does a petition need", Ask("milestones", "official")),
        ("how many signatures for a debate?", Ask("milestones", "official")),
        ("what happens at 100,000", Ask("milestones", "official")),
        ("remind me a week before it closes", Ask("settings", "closing a week")),
        ("remind me a day before 300239 closes", OnPetition("settings", REF, "closing a day")),
        ("remind me before 300239 closes", OnPetition("subscribe", REF)),
        ("follow 300239 quietly", OnPetition("subscribe", REF, "mute")),
        ("quietly follow 300239", OnPetition("subscribe", REF, "mute")),
        (
            "only once a week on sunday evening",
            Each((DIGEST, Ask("settings", "digest weekly on sunday evening"))),
        ),
        ("i only want to know about the debate", Ask("settings", "loud")),
        ("at night", Ask("settings", "quiet")),
        ("22:00-07:00", Ask("settings", "quiet 22:00-07:00")),
        ("when does it close?", OnThat("petition")),
        ("when is the debate", OnThat("petition")),
        ("which petitions am I following", Ask("subscriptions")),
        ("beth ydw i'n ei ddilyn", Ask("subscriptions")),
        ("friday digest", Ask("settings", "digest friday digest")),
        ("digest weekly", Ask("settings", "digest weekly")),
        ("stop alerts at weekends", Ask("settings", "days")),
        ("find me a petition to sign", Ask("trending")),
        ("my local petitions", Ask("constituency")),
        ("dim rhagor o negeseuon", Ask("unsubscribe")),
        ("why did I get this", Ask("subscriptions")),
        ("how often do you check", Ask("status")),
        ("I just signed a petition", Ask("subscribe")),
        ("unsubscribe me from everything", Ask("unsubscribe")),
    ],
)
def test_a_wish_in_ones_own_words_is_understood(said: str, meant: Meaning) -> None:
    assert read(said, SITES) == meant


@pytest.mark.parametrize(
    "subject",
    [
        "over 100k homes",
        "every response counts",
        "all debates on tv",
        "at night shelters",
        "10am school start",
        "weekly bin collections on sunday",
        "when is the debate on fireworks",
        "the topic of conversation",
        "how many signatures were forged in Leeds",
        "how many signatures for a dog park",
        "reminders for dog owners",
        "what happens at sea",
        "stop noise at night",
        "friday prayers",
        "local petitions office",
        "why are these trees cut",
    ],
)
def test_a_subject_that_only_begins_like_one_is_searched_for(subject: str) -> None:
    assert read(subject, SITES) == Words(subject)


def test_a_count_for_one_petition_is_not_about_all() -> None:
    assert read("tell me when it reaches 100,000", SITES) == Ask("milestones", "at 100,000")
    assert read("follow 300239 and tell me of the debate", SITES) == OnPetition("subscribe", REF)


def test_hours_are_read_as_people_say_them() -> None:
    assert read_hour("half past eight") == 8 * 60 + 30
    assert read_hour("half past") is None
    assert read_quiet("half past ten to seven") == f"{22 * 60 + 30}-{7 * 60}"
    assert read_quiet("ten to seven") == f"{22 * 60}-{7 * 60}"
    assert read_digest(["half", "past", "eight"], Digest()) == f"{8 * 60 + 30}."
    assert typed(["closing", "a", "week"], None) == "closing.168"


def test_a_country_is_a_time_zone_and_a_made_up_one_is_none() -> None:
    assert find_zone("Spain") == "Europe/Madrid"
    assert find_zone("I'm in Germany") == "Europe/Berlin"
    assert not isinstance(find_zone("Narnia"), str)
