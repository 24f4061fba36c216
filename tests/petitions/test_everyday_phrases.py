"""Requests in whole phrases, by their kinds; and subjects of petitions that begin alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.petitions.bare_request import in_full
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.utterance import (
    Ask,
    Each,
    Meaning,
    OnPetition,
    OnThat,
    Words,
    nearest_saying,
    read,
    said_of,
)

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)
REF, OTHER = PetitionRef("uk", 300_239), PetitionRef("uk", 300_240)
LINK = "https://petition.parliament.uk/petitions/300239"

# The command that a phrase comes down to, with what stands behind it.
ASKED: dict[str, str] = {
    "settings quiet after 10pm": "no messages after 10pm | please don't text me after 10pm",
    "settings quiet after nine": "no pings after nine",
    "settings quiet before 8am": "dont message me before 8am | no alerts before 8am please",
    "settings quiet 11pm to 6am": "no notifications from 11pm to 6am | I sleep 11pm to 6am",
    "settings quiet between 10 and 7": "quiet between 10 and 7",
    "settings quiet only between 8 and 22": "only message me between 8 and 22",
    "settings quiet": "no alerts at night | don't wake me up | no messages while I'm asleep",
    "settings quiet after 10": "I go to bed at 10",
    "settings quiet 22:00-06:30": "set quiet to 22:00-06:30",
    "settings zone": "change timezone",
    "settings quiet off": "quiet hours off | turn off quiet hours | no quiet hours",
    "settings all digest": "only once a day | once a day please | one message a day "
    "| all in one message | batch everything daily | put it all in the digest | digest mode",
    "settings digest at 6pm": "summary at 6pm | send me a digest at 6pm",
    "settings big moments": "I only want important alerts | pethau pwysig yn unig | only"
    " important | just the big news | only the important ones, please",
    "settings everything": "all alerts | send me everything | every single update",
    "settings": "less messages | fewer alerts please | too many notifications | notifications",
    "settings milestone off": "no milestone alerts | turn off milestones "
    "| don't tell me about milestones",
    "settings response silent": "set responses to silent | responses silent",
    "settings milestone digest": "put milestones in the digest",
    "settings loud": "only tell me about debates | just debates and responses",
    "settings digest at 7": "make the digest come at 7",
    "settings zone Paris": "my time zone is Paris | set timezone to Paris | time zone Paris",
    "settings language": "do you speak Polish? | français",
    "settings language cy": "in Welsh please | switch to Welsh | siaradwch Gymraeg",
    "snooze for 2 hours": "quiet for 2 hours | no messages for 2 hours | stop for 2 hours",
    "snooze tonight": "not tonight | no messages tonight",
    "snooze until tomorrow morning": "be quiet until tomorrow morning",
    "snooze until september": "snooze until september",
    "snooze for 2 days": "pause notifications for 2 days | sshh for 2 days",
    "snooze until 12 August": "I'm on holiday until 12 August | no alerts until 12 August",
    "snooze off": "turn notifications back on | alerts on | start again",
    "milestones at 50k": "tell me at 50k | 50k | when it hits 50k | notify me when it reaches 50k",
    "milestones at 15,000 and 18,000": "alert at 15,000 and 18,000 | lmk at 15,000 and 18,000",
    "milestones at 30000": "milestone 30000 | set a milestone at 30000",
    "milestones at -12000": "remove milestone 12000",
    "milestones": "what are my milestones | how do I set a milestone",
    "milestones at every 10k": "tell me every 10k",
    "milestones at 99,999": "tell me when it's at 99,999 | give me a heads up at 99,999",
    "milestones at 5000": "notify at 5000 | let me know at 5000 signatures",
    "milestones at half a million": "half a million | ping me at half a million",
    "search gŵn": "deiseb am gŵn | deisebau am gŵn",
    "subscribe addysg": "rhowch wybod i mi am ddeisebau am addysg",
    "undo": "undo | undo that | oops | I changed my mind | put it back | dadwneud",
    "unsubscribe": "stop telling me things | i don't want any more messages "
    "| take me off your list | fuck off | how do I unsubscribe? | not interested any more "
    "| unsubscribe from all emails | delete all my petitions | how do I turn this off? "
    "| stop bitte | por favor para | arrêtez s'il vous plaît | enough already",
    "unsubscribe ": "omg stop | STOP STOP STOP | stop sending me these messages immediately "
    "| please remove me from your mailing list | je veux arrêter | bitte keine Nachrichten mehr "
    "| quiero parar | non voglio più messaggi | chcę zrezygnować | хочу отписаться "
    "| больше не пишите | vreau să mă dezabonez | mesaj istemiyorum | قف من فضلك "
    "| dw i ddim eisiau mwy o negeseuon | peidiwch ag anfon negeseuon",
    "start": "Hi Petition Bell | hello there bot | how are you?",
    "forget": "erase all my data | forget everything about me | wipe everything you know about me",
    "mydata": "send me a copy of my data | what do you have on me?",
    "privacy": "what do you do with my data? | who can see what I follow?",
    "about": "is this free? | how much does it cost | can you sign it for me | is this a scam",
    "status": "is it down? | is the site working? | are you still there",
    "help": "what does this bot do? | how to",
    "subscriptions": "what do we follow? | hey, what are we following? "
    "| show me my list | show my subscriptions | any news?",
    "subscribe climate": "tell me when there's a petition on climate "
    "| let me know about new petitions on climate | notify me of anything about climate "
    "| follow anything about climate | keep an eye out for climate petitions",
    "subscribe trains": "alerts for trains | let me know when new petitions about trains",
    "subscribe topic: education": "follow the topic education",
    "search dogs": "anything about dogs | I'm looking for a petition about dogs | dogs petitions "
    "| that one about dogs | do you have any petitions on dogs? "
    "| what petitions are there about dogs",
    "search hedgehogs": "has anyone started a petition about hedgehogs? | I care about hedgehogs",
    "constituency Colne Valley": "who represents Colne Valley? | my constituency is Colne Valley "
    "| MP for Colne Valley",
    "petition": "how many signatures?",
}

ONE_PETITION: dict[str, tuple[str, str]] = {
    "#300,239": ("petition", ""),
    "# 300 239": ("petition", ""),
    "e-petition 300239": ("petition", ""),
    "３００２３９": ("petition", ""),
    "300239 signatures?": ("petition", ""),
    "how is 300239 doing?": ("petition", ""),
    "sign 300239": ("petition", ""),
    "when is the debate on 300239": ("petition", ""),
    "follow300239": ("subscribe", ""),
    "let me know what happens with 300239": ("subscribe", ""),
    "add 300239 to my list": ("subscribe", ""),
    "stop telling me about 300239": ("unsubscribe", ""),
    "no more 300239": ("unsubscribe", ""),
    "take 300239 off my list": ("unsubscribe", ""),
    "I'm not interested in 300239 any more": ("unsubscribe", ""),
    "turn off sound for 300239": ("mute", ""),
    "tewi 300239": ("mute", ""),
    "mute 300239 until friday": ("snooze", "until friday"),
    "what did the government say about 300239?": ("response", ""),
    "has the government replied to 300239": ("response", ""),
    "who signed 300239 by constituency": ("constituencies", ""),
    "tell me when 300239 hits 50k": ("milestones", "50k"),
    f"{LINK} when it hits 50k": ("milestones", "50k"),
    "rhowch wybod pan fydd 300239 yn cyrraedd 10,000": ("milestones", "10,000"),
    "when 300239 passes 50k tell me": ("milestones", "50k"),
    "300239 milestone 25000": ("milestones", "25000"),
    "every 5000 for 300239": ("milestones", "every 5000"),
    "please stop sending me rubbish about 300239": ("unsubscribe", ""),
    "start following 300239": ("subscribe", ""),
    "300239 off": ("unsubscribe", ""),
    "stpo 300239": ("unsubscribe", ""),
    "chrat 300239": ("chart", ""),
    "has 300239 reached 100,000 yet?": ("petition", ""),
    "milestone 300239": ("milestones", ""),
    "signatures over time 300239": ("chart", ""),
    "notify me when 300239 reaches 20,000": ("milestones", "20,000"),
    "tell me at half a million for 300239": ("milestones", "half a million"),
    "300239 at 5000": ("milestones", "5000"),
    f"No more plastic {LINK}": ("petition", ""),  # a title is no request
    f"Sign and share: {LINK}": ("petition", ""),
}

# What the next petition might be about.
SUBJECTS = """
    stop and search | stop texting while driving | stop spam calls | no fireworks after 10pm
    no flights at night | no more new roads | quiet streets at night | how is this legal
    only one bin collection a week
    once a week bin collections | remove the two child cap | leave it to the market
    end this madness
    delete criminal records after ten years | cancel HS2 | stop HS2 | stop Brexit | MP pay rise
    settings on social media for children | pause the cost of living rises | pause AI
    share the road
    undo brexit | restore nature | bring back hanging | half a million homes | 1 million trees
    votes at 16 | at 16 vote | tell the truth about climate | everything must change
    too many cars
    English bank holiday | Welsh water | who owns our water | is the BBC free | holiday fines
    switch off social media at night | my area needs a hospital | sign language in schools
    reverse the winter fuel cut | help disabled people | menu labelling
    limit immigration | change the clocks | daily worship in schools | evening classes for adults
    group homes | stop sending sewage | remove the mailing list fee | leave messages for the dead
    no more text books | end the list system
    no messages in schools | set a speed limit of 20 | I already signed it"""


def said(listed: str) -> list[str]:
    return [each.strip() for each in listed.replace("\n", "|").split("|") if each.strip()]


@pytest.mark.parametrize(("meant", "words"), [(m, w) for m, s in ASKED.items() for w in said(s)])
def test_a_phrase_comes_down_to_a_command(meant: str, words: str) -> None:
    command, _, rest = meant.partition(" ")
    assert read(words, SITES) == Ask(command, rest)


@pytest.mark.parametrize("words", ONE_PETITION)
def test_what_is_said_around_a_number_says_what_to_do(words: str) -> None:
    command, rest = ONE_PETITION[words]
    meaning = read(words, SITES)
    assert isinstance(meaning, OnPetition)
    assert (meaning.command, meaning.petition, meaning.rest) == (command, REF, rest)


@pytest.mark.parametrize("words", said(SUBJECTS))
def test_a_subject_that_begins_like_a_phrase_is_searched_for(words: str) -> None:
    assert read(words, SITES) == Words(words)
    assert nearest_saying(words) is None


@pytest.mark.parametrize(
    ("words", "requests"),
    [
        (
            "follow 300239 and unfollow 300240",
            (OnPetition("subscribe", REF), OnPetition("unsubscribe", OTHER)),
        ),
        (
            "follow 300239, then mute it",
            (OnPetition("subscribe", REF), OnPetition("mute", REF)),
        ),
        (
            "follow 300239 and tell me at 50k",
            (OnPetition("subscribe", REF), OnPetition("milestones", REF, "50k")),
        ),
        (
            "unfollow 300239, mute 300240",
            (OnPetition("unsubscribe", REF), OnPetition("mute", OTHER)),
        ),
        (
            "unfollow 300239, 300240, mute 300241",
            (
                OnPetition("unsubscribe", REF),
                OnPetition("unsubscribe", OTHER),
                OnPetition("mute", PetitionRef("uk", 300_241)),
            ),
        ),
        (
            "follow 300239, tell me at 50k",
            (OnPetition("subscribe", REF), OnPetition("milestones", REF, "50k")),
        ),
        (
            "quiet at night and only once a day",
            (Ask("settings", "quiet"), Ask("settings", "all digest")),
        ),
        (
            "send me everything in the evening",
            (Ask("settings", "all digest"), Ask("settings", "digest daily in the evening")),
        ),
    ],
)
def test_two_requests_are_two(words: str, requests: tuple[OnPetition | Ask, ...]) -> None:
    assert read(words, SITES) == Each(requests)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("follow it", OnThat("subscribe")),
        ("mute this petition", OnThat("mute")),
        ("how is it doing?", OnThat("petition")),
        ("snooze it for 3 days", OnThat("snooze", "3 days")),
        ("tell me when it closes", OnThat("subscribe")),
        ("stop it", Ask("unsubscribe")),
        ("is it true?", Words("is it true?")),
    ],
)
def test_it_is_a_petition_that_goes_without_saying(words: str, meant: Meaning) -> None:
    assert read(words, SITES) == meant


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        ("stop", "unsubscribe", ""),
        ("mute", "mute", ""),
        ("chart please", "chart", ""),
        ("at 50k", "milestones", "50k"),
        ("snooze for 3 days", "snooze", "3 days"),
    ],
)
def test_a_verb_alone_is_about_what_it_answers_to(words: str, command: str, rest: str) -> None:
    meaning = said_of(words, REF, SITES)
    assert meaning is not None
    assert (meaning.command, meaning.petition, meaning.rest) == (command, REF, rest)


@pytest.mark.parametrize("words", ["thanks", "stop the cull", "300240", "help", "nice", "dogs"])
def test_anything_else_is_not(words: str) -> None:
    assert said_of(words, REF, SITES) is None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("snoze till monday", Ask("snooze", "till monday")),
        ("serch for dogs", Ask("search", "dogs")),
        ("unsubcribe", Ask("unsubscribe")),
        ("no mesages after 10pm", Ask("settings", "quiet after 10pm")),
    ],
)
def test_a_slip_of_the_pen_in_a_phrase_is_read_over(words: str, meant: Meaning) -> None:
    assert nearest_saying(words) == meant


@given(
    st.lists(
        st.sampled_from(["the", "no", "message", "after", "10pm", "#", "it", ",", "300239", "and"])
    )
)
def test_every_request_has_a_meaning(words: list[str]) -> None:
    text = " ".join(words)
    read(text, SITES)
    said_of(text, REF, SITES)
    nearest_saying(text)


@pytest.mark.parametrize("words", ["mſgs please", "gımme tea", "notıfs"])
def test_letters_that_only_look_like_ours_abbreviate_nothing(words: str) -> None:
    assert in_full(words) == words
