"""What a plain message means at each limit: how long, how many, how near, and which goes first."""

import pytest

from bot.petitions.bare_request import bare, canonical, in_full
from bot.petitions.parliaments import DESCRIPTIONS, site_like
from bot.petitions.petition import PetitionRef
from bot.petitions.postcode import find_postcode, is_outward, is_postcode, without_postcodes
from bot.petitions.utterance import (
    Ask,
    Cancel,
    Each,
    Meaning,
    NoText,
    NoWords,
    OnPetition,
    OnPetitions,
    OnThat,
    OtherSite,
    Postcode,
    SharedRule,
    Thanks,
    Words,
    leaves_a_question,
    names_no_site,
    nearest_saying,
    other_host,
    read,
    said_of,
)

SITES = tuple(site_like(name, DESCRIPTIONS[name]) for name in ("uk", "scotland"))
REF, OTHER = PetitionRef("uk", 300_239), PetitionRef("uk", 300_240)
LINK = "https://petition.parliament.uk/petitions/300239"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", NoText()),
        (" \u200b ", NoText()),
        ("!?", NoWords("!?")),
        ("????", NoWords("????")),
        ("???", Ask("help")),
        ("👍 ❤️", Thanks()),
        ("thank you so much", Thanks()),
        ("thanks for nothing", Words("thanks for nothing")),
        ("hello there", Ask("start")),
        ("hi world", Words("hi world")),
        ("/Subscribe@bell_bot  300239\n now", Ask("subscribe", "300239 now")),
        ("/" + "a" * 32, Ask("a" * 32)),
        ("/" + "a" * 33, Words("/" + "a" * 33)),
        ("never mind", Cancel()),
        ("SW1A 1AA", Postcode("SW1A 1AA")),
        ("SW1A 1AA or SW1A 2AA", Words("SW1A 1AA or SW1A 2AA")),
        ("bbc.co.uk/news", OtherSite("bbc.co.uk")),
        ("t.me/bell?start=r_abc-1", SharedRule("abc-1")),
        (f"follow {LINK}", OnPetition("subscribe", REF)),
        (f"mute {LINK} for a week", OnPetition("snooze", REF, "a week")),
        ("300239", OnPetition("petition", REF)),
        ("300239 follow", OnPetition("subscribe", REF)),
        ("300239 300240", OnPetitions("petition", (REF, OTHER))),
        ("300239 300239", OnPetition("petition", REF)),
        ("unfollow 300239 and 300240", OnPetitions("unsubscribe", (REF, OTHER))),
        (
            "unfollow 200, 300",
            OnPetitions("unsubscribe", (PetitionRef("uk", 200), PetitionRef("uk", 300))),
        ),
        (
            "search 10000 trees",
            OnPetition("petition", PetitionRef("uk", 10_000), may_be_words=True),
        ),
        ("follow petitions that pass 10,000", Ask("subscribe", "passing: 10,000")),
        ("has it reached 100,000 yet", OnThat("petition")),
        ("tell me at 100,000", Ask("milestones", "at 100,000")),
        ("has 300239 reached 100,000 yet?", OnPetition("petition", REF, may_be_words=True)),
        (
            "unfollow PE 2234, 300",
            OnPetitions("unsubscribe", (PetitionRef("scotland", "PE2234"), PetitionRef("uk", 300))),
        ),
        ("10000 and 300239", OnPetition("petition", REF, may_be_words=True)),
        ("100000 and 300239", OnPetition("petition", REF, may_be_words=True)),
        ("stpo 300239", OnPetition("unsubscribe", REF)),
        ("no pings", Ask("unsubscribe")),
        ("cull 300239 badgers", OnPetition("petition", REF, may_be_words=True)),
        ("stop the cull 300239", OnPetition("unsubscribe", REF, may_be_words=True)),
        ("100000", OnPetition("petition", PetitionRef("uk", 100_000))),
        ("snooze 300239 for 2 days", OnPetition("snooze", REF, "2 days")),
        ("settings 300239 quiet", OnPetition("settings", REF, "quiet")),
        ("from 9 to 17", Words("from 9 to 17")),
        # That it shall stop, in up to twelve words of that kind, and no other.
        ("no messages for me", Ask("unsubscribe")),
        ("I do not want any of your messages now", Ask("unsubscribe")),
        ("no no", Words("no no")),
        ("messages messages", Words("messages messages")),
        ("stop" + " now" * 10 + " you", Ask("unsubscribe")),
        ("stop" + " now" * 11 + " you", Words("stop" + " now" * 11 + " you")),
        # With a slip of the pen, or in the digits of another alphabet.
        ("folow 300239", OnPetition("subscribe", REF)),
        ("chrat 300239", OnPetition("chart", REF)),
        ("unfollow300239", OnPetition("unsubscribe", REF)),
        ("tiger300239", Words("tiger300239")),
        ("٣٠٠٢٣٩", OnPetition("petition", REF)),
        ("follow ３００，２３９", OnPetition("subscribe", REF)),
        ("＃300239", OnPetition("petition", REF)),
        # Of a petition that goes without saying.
        ("follow it", OnThat("subscribe")),
        ("how is it doing", OnThat("petition")),
        ("when is the debate", OnThat("petition")),
        ("have they responded yet", OnThat("response")),
        ("like it", Words("like it")),
        ("it", Words("it")),
    ],
)
def test_a_message_means_this(text: str, meant: Meaning) -> None:
    assert read(text, SITES) == meant


@pytest.mark.parametrize(("length", "is_read"), [(199, True), (200, True), (201, False)])
def test_a_request_has_up_to_two_hundred_letters(length: int, is_read: bool) -> None:
    text = "please" + "," * (length - 191) + " please" * 25 + " follow it"
    assert len(text) == length
    assert (read(text, SITES) == OnThat("subscribe")) is is_read
    signs = "chart it" + "!" * (length - 8)
    assert (said_of(signs, REF, SITES) is not None) is is_read
    touching = "unfollow200000 " + "x " * 92
    touching += "y" * (length - len(touching))
    assert isinstance(read(touching, SITES), OnPetition) is is_read
    several = "follow 300239 " + "please " * 24 + "and mute 300240"
    several += "!" * (length - len(several))
    assert isinstance(read(several, SITES), Each) is is_read
    misspelt = "sttaus" + "!" * (length - 6)
    assert (nearest_saying(misspelt) == Ask("status")) is is_read


def test_two_to_four_requests_are_several_if_they_differ() -> None:
    parts = ["follow 300239", "mute 300240", "chart 300241", "share 300242", "map 300243"]
    for count in (2, 3, 4):
        several = read("; ".join(parts[:count]), SITES)
        assert isinstance(several, Each)
        assert len(several.requests) == count
    assert not isinstance(read("; ".join(parts), SITES), Each)
    assert read("follow 300239 and mute 300240", SITES) == Each(
        (OnPetition("subscribe", REF), OnPetition("mute", OTHER))
    )
    assert read("follow 300239, then chart it", SITES) == Each(
        (OnPetition("subscribe", REF), OnPetition("chart", REF))
    )
    both = OnPetitions("subscribe", (REF, OTHER))
    assert read("follow 300239 and follow 300240", SITES) == both
    assert read("help; status", SITES) == Words("help; status")


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("chart", "chart", ""),
        ("chart it", "chart", ""),
        ("it chart", "chart", ""),
        ("stop", "unsubscribe", ""),
        ("mute it for a week", "snooze", "a week"),
        ("milestones 5000", "milestones", "5000"),
        ("settings quiet", "settings", "quiet"),
        ("chart the tigers", "", ""),
        ("300239", "", ""),
        ("", "", ""),
        ("hello", "", ""),
        ("like it", "", ""),
        ("help", "", ""),
    ],
)
def test_an_answer_to_an_alert_is_about_its_petition_or_it_is_none(
    text: str, command: str, rest: str
) -> None:
    told = said_of(text, REF, SITES)
    assert (told and (told.command, told.petition, told.rest)) == (
        (command, REF, rest) if command else None
    )


@pytest.mark.parametrize(
    ("text", "no_site", "leaves"),
    [
        ("300239", True, False),
        ("#300239", True, True),
        ("uk:300239", False, True),
        (LINK, False, True),
        ("see 300239 and uk:300239", False, True),
        ("300240", True, False),
        ("PE 2234", True, False),
        ("PE2234", True, True),
        ("  /x", True, True),
        ("no", True, False),
    ],
)
def test_a_bare_number_names_no_site_and_may_be_an_answer(
    text: str, no_site: bool, leaves: bool
) -> None:
    assert names_no_site(text, REF, SITES) is no_site
    assert leaves_a_question(text, SITES) is leaves
    assert names_no_site("x", REF, SITES, [text]) is no_site
    assert leaves_a_question("x", SITES, [text]) is (leaves and "/x" not in text)


@pytest.mark.parametrize(
    ("text", "links", "host"),
    [
        ("see https://a.uk/x and www.b.uk", (), "a.uk"),
        ("x", ("https://c.uk", "https://d.uk"), "c.uk"),
        ("https://[bad www.b.uk", (), "www.b.uk"),
        ("x", ("d.uk/x",), "d.uk"),
        ("A.UK/x", (), "a.uk"),
        ("a.uk b", (), ""),
        ("a.u", (), ""),
        ("hi", (), ""),
    ],
)
def test_an_address_leads_to_its_host(text: str, links: tuple[str, ...], host: str) -> None:
    assert other_host(text, links) == host


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("seting", Ask("settings")),
        ("hlep", Ask("help")),
        ("unsubscirbe", Ask("unsubscribe")),
        ("trendng", Ask("trending")),
        ("setings quiet", Ask("settings", "quiet")),
        ("serch tiger", Ask("search", "tiger")),
        ("constituancy aldershot", Ask("constituency", "aldershot")),
        ("stop messges", Ask("unsubscribe")),
        ("stop the boats", None),
        ("help", None),
        ("sett", None),
        ("hlp", None),
    ],
)
def test_a_slip_of_the_pen_is_guessed_at_where_it_is_near_enough(
    text: str, meant: Ask | None
) -> None:
    assert nearest_saying(text) == meant


# --- what is said around a request ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "request_itself"),
    [
        ("Hi, can you follow it please?", "follow it"),
        ("follow it, thanks mate x", "follow it"),
        ("Please", "please"),
        ("please thanks", "please thanks"),
        ("follow please it", "follow please it"),
        ("  What’s  NEW?! ", "what's new"),
        ("", ""),
        ("a" * 70 + " thanks" * 11, "a" * 70),
        ("a" * 70 + " thanks" * 10 + " thank you", "a" * 70),
        ("a" * 70 + " thanks" * 12, "a" * 70 + " thanks"),
    ],
)
def test_a_request_is_bared_of_what_is_said_around_it(text: str, request_itself: str) -> None:
    assert bare(text) == request_itself


def test_what_is_typed_with_a_thumb_is_written_in_full_and_parts_of_words_are_not() -> None:
    assert in_full("LMK when u wanna") == "let me know when you want to"
    assert in_full("lmk-x u. it's/u") == "lmk-x u. it's/u"


@pytest.mark.parametrize(
    ("words", "canon"),
    [
        ("show me the notifications", "alerts"),
        ("show show messages", "show alerts"),
        ("are we following it", "am i following it"),
        ("edit our petitons", "my petitions"),
        ("show", "show"),
        ("erase these", "delete"),
    ],
)
def test_words_that_mean_the_same_are_the_same(words: str, canon: str) -> None:
    assert canonical(words) == canon


# --- postcodes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "whole", "outward"),
    [
        ("SW1A 1AA", True, False),
        (" m1 1ae\n", True, False),
        ("SW1A", False, True),
        (" sw1 ", False, True),
        ("SW1A 1A", False, False),
        ("SWA1 1AA", False, False),
        ("SW1A 1AAX", False, False),
        ("", False, False),
    ],
)
def test_a_postcode_is_whole_or_its_first_half(text: str, whole: bool, outward: bool) -> None:
    assert (is_postcode(text), is_outward(text)) == (whole, outward)


@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        ("I live at SW1A 1AA.", "SW1A 1AA", "I live at  ."),
        ("SW1A 1AA or M1 1AE", "", "  or  "),
        ("from SW1A 1", "", "from  "),
        ("SW1A 1AA, not M1 1", "SW1A 1AA", " , not  "),
        ("xSW1A 1AA", "", "xSW1A 1AA"),
        ("nothing", "", "nothing"),
    ],
)
def test_the_one_postcode_of_a_text_is_found_and_all_are_cut_out(
    text: str, found: str, rest: str
) -> None:
    assert find_postcode(text) == found
    assert without_postcodes(text) == rest
