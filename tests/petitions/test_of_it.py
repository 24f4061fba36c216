"""Requests about a petition that goes without saying, about one kind of its news, about all."""

import pytest

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.utterance import Ask, Cancel, Each, OnPetition, OnThat, Words, read
from bot.subscriptions.subscription import Digest
from bot.subscriptions.typed_settings import typed

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)
REF = PetitionRef("uk", 300_239)

OF_IT: dict[str, str] = {
    "response": "what did they say | have they replied | has the government responded yet?"
    " | read me the response | has there been an answer from the government yet",
    "subscribe": "tell me when it's debated | let me know when they respond | yo follow that"
    " | let me know if the government replies | text me when they reply",
    "share": "can u send me the link | how do i share it with my mates",
    "petition": "has it been debated? | is my petition going to be debated? | is it at 10k yet"
    " | have we reached ten thousand | has it hit 100,000 yet | how far from 100,000?"
    " | how close is it to 100k | is it halfway yet | how many more | will it get there"
    " | any progress? | how are we doing"
    " | is it muted? | did you mute it | do I follow it | don't unfollow it | why did you stop it",
    "unmute": "don't mute it",
    "mute": "lol mute it | dear sir, would you kindly mute it",
    "unsubscribe": "unfollow the last one | please unfollow that one",
}

ASKED: dict[str, str] = {
    "subscriptions": "I've forgotten what I signed up to | what petitions have I got? "
    "| what did I sign up for",
    "settings everything": "no digest please | stop the summary | instant alerts"
    " | tell me immediately | send messages straight away not in a digest",
    "settings digest": "when do I get my digest | one message a fortnight",
    "settings urgent debate": "let debates through at night",
    "settings language en": "go back to English",
    "status": "why haven't I heard anything? | you didn't tell me | how late are you",
    "digest": "anything happen while I was asleep? | what did I miss this week | catch me up",
    "help": "what does silent mean | what is a rule?",
    "milestones at -every 5000": "stop telling me every 5000",
    "milestones at every thousand": "every thousand",
    "subscribe Bath": "follow anything in Bath",
    "privacy": "who else follows this? | forget my postcode",
    "subscriptions closing": "which of mine close soon | my petitions closing soon | deadlines "
    "| which of the petitions I follow end this month?",
    "subscriptions closing any": "petitions closing soon | closing soon | what's closing this week"
    " | which petitions end next | deisebau sy'n cau cyn bo hir",
    "subscribe every: response": "latest responses | any responses",
    "subscribe every: debate": "debates this week | any debates coming up",
    "subscribe passing: 100,000": "which petitions passed 100,000 today"
    " | petitions that have reached 100,000",
    "settings days": "only weekdays | not at weekends | no alerts on sundays | weekends off"
    " | monday to friday only | nothing on a Sunday thank you | digest on weekdays"
    " | don't text me on bank holidays",
    "settings digest digest on mondays": "digest on mondays",
    "settings quiet before 8": "wake me at 8 | please let me sleep until 8",
    "settings reset": "reset | default settings | switch back to normal | reset all my settings",
    "settings": "louder please | quieter",
    "settings closing the day": "could you remind me the day before it closes",
    "snooze": "mute all of them | mute both",
    "snooze till tomorrow": "stfu till tmrw | no messages till tomoz",
    "snooze for 2hrs": "turn off for 2hrs",
    "unsubscribe": "unfollow both of them | leave this group | stop posting in here"
    " | unfollow cats | stop telling me about cats | delete rule 1 | remove the rule about cats",
    "undo": "add it back | nvm undo",
    "constituency": "who's my member of parliament | what's on in my area"
    " | follow petitions from my area",
    "milestones at 100k": "@ me when it gets 100k",
}

ON_ONE: dict[str, tuple[str, str]] = {
    "don't tell me about milestones for 300239": ("settings", "milestone off"),
    "no more debate alerts for 300239": ("settings", "debate off"),
    "mute debates for 300239": ("settings", "debate silent"),
    "300239 milestones off": ("settings", "milestone off"),
    "only tell me when 300239 closes": ("settings", ""),
    "put 300239 in the digest": ("settings", "daily digest"),
    "300239 once a day": ("settings", "daily digest"),
    "send 300239 straight away": ("settings", "everything"),
    # a question changes nothing
    "is 300239 muted?": ("petition", ""),
    "do I still follow 300239?": ("petition", ""),
    "am I following 300239": ("petition", ""),
    "has 300239 been muted": ("petition", ""),
    "what happens if I mute 300239": ("petition", ""),
    "why did you unfollow 300239": ("petition", ""),
    "I muted 300239": ("petition", ""),
    # nor does what is refused
    "don't unfollow 300239": ("petition", ""),
    "please don't stop 300239": ("petition", ""),
    "don't mute 300239": ("unmute", ""),
    # and these are orders
    "can you mute 300239?": ("mute", ""),
    "could you please unfollow 300239?": ("unsubscribe", ""),
    "how do I mute 300239": ("mute", ""),
    "don't follow 300239": ("unsubscribe", ""),
    "why is 300239 silent": ("petition", ""),
    "put me down for 300239": ("subscribe", ""),
    "send me daily updates on 300239": ("subscribe", ""),
    "take me off 300239": ("unsubscribe", ""),
    "don't tell me about 300239": ("unsubscribe", ""),
    "growth of 300239": ("chart", ""),
    "how many sigs has 300239 got": ("petition", ""),
}

SUBJECTS = [
    "what did they say about brexit",
    "share it out fairly",
    "debates on television",
    "response times",
    "weekday bus services",
    "ban sunday trading",
    "post offices closing",
    "stop closing libraries",
    "reset password rights",
    "no summary executions",
    "instant noodles",
    "stop live exports",
    "urgent care",
    "stop cats",
    "what is a rule of law",
    "did you follow the money",
    "default settings for children",
    "leave this planet",
    "follow both sides",
    "halfway houses",
    "wake up to climate change",
    "petitions reach parliament",
]


@pytest.mark.parametrize(("command", "listed"), OF_IT.items())
def test_what_is_asked_of_a_petition_that_goes_without_saying(command: str, listed: str) -> None:
    for said in listed.split(" | "):
        assert read(said, SITES) == OnThat(command), said


@pytest.mark.parametrize(("asked", "listed"), ASKED.items())
def test_what_is_asked_of_the_bot_is_understood(asked: str, listed: str) -> None:
    command, _, rest = asked.partition(" ")
    for said in listed.split(" | "):
        assert read(said, SITES) == Ask(command, rest), said


@pytest.mark.parametrize(("said", "request_"), ON_ONE.items())
def test_one_kind_of_a_petitions_news_is_no_whole_petition(
    said: str, request_: tuple[str, str]
) -> None:
    command, rest = request_
    assert read(said, SITES) == OnPetition(command, REF, rest)
    if command == "settings" and rest:
        assert isinstance(typed(rest.split(), Digest()), str)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_that_begins_alike_is_searched_for(subject: str) -> None:
    meant = read(subject, SITES)
    assert isinstance(meant, Words) or meant == Ask("subscribe", "both sides")


@pytest.mark.parametrize(
    "said", ["don't unsubscribe me", "don't delete anything", "I don't want to stop", "don't leave"]
)
def test_who_wants_no_end_is_not_asked_what_to_end(said: str) -> None:
    assert read(said, SITES) == Cancel()


def test_to_be_shown_one_petition_and_to_follow_another_are_two_wishes() -> None:
    other = PetitionRef("uk", 300_240)
    assert read("show me 300240 and follow 300239", SITES) == Each(
        (OnPetition("petition", other), OnPetition("subscribe", REF))
    )
    assert read("show me 300239 and 300240", SITES) != Each(
        (OnPetition("petition", REF), OnPetition("petition", other))
    )


@pytest.mark.parametrize("said", ["text me at 8", "ring me at 8pm", "send me everything at noon"])
def test_an_hour_to_be_told_at_is_the_digests(said: str) -> None:
    meant = read(said, SITES)
    assert isinstance(meant, Each)
    assert meant.requests[0] == Ask("settings", "all digest")
    assert isinstance(typed(meant.requests[1].rest.split(), Digest()), str)
