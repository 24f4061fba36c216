"""What strangers say of their own accord: other languages, slips of the pen, everyday questions."""

import pytest

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.utterance import Ask, Meaning, OnPetition, Thanks, Words, read

SITES = (Site("uk", "UK Parliament", "https://petition.parliament.uk"),)
REF = PetitionRef("uk", 300_239)

MEANT: dict[str, str] = {
    "unsubscribe": """
        stop all of it | can you stop | I want out | turn it off | Turn off notifications. | disable
        STOPALL | cancel all | don't message me! | dw i eisiau stopio | rhowch y gorau iddi
        peidiwch â danfon negeseuon | abbestellen | bitte stopp | désinscrire | darme de baja
        fermare | disiscrivimi | uitschrijven | stopp det | avsluta | přestaň | zastavit
        zrezygnuj | إلغاء الاشتراك | توقف عن الإرسال | बस""",
    "help": """
        hello, can you help me? | I'm confused | I don't understand | how do I start?
        helpwch fi""",
    "start": "hey bot | beth yw hwn? | pwy wyt ti?",
    "about": """
        are you a bot? | are you official? | is this the government? | how do I sign? | sign
        I want to start a petition | report a bug | feedback | source code""",
    "trending": "what's trending? | what's hot | latest | newest petitions | top petitions today",
    "constituency": "petitions in my area | petitions near me | my mp is who",
    "settings quiet": """
        quiet at night | don't wake me | silent mode | turn the sound off | set quiet hours
        don't message me at night""",
    "settings digest": """
        weekly digest | once a week | daily summary | send me a digest every morning""",
    "settings zone": "time zone | my time zone | cylchfa amser",
    "settings language": "language | change language | iaith",
    "settings language cy": "Cymraeg | in Welsh | Welsh please | yn Gymraeg, os gwelwch yn dda",
    "settings language en": "English | in English please | Saesneg",
    "thanks": "yes please | yeah | ie | lol | cheers mate",
}

PETITIONS: dict[str, str] = {
    "folow 300239": "subscribe",
    "subscibe to 300239 please": "subscribe",
    "unfolow 300239": "unsubscribe",
    "unsubscrbe 300239": "unsubscribe",
    "milestnes 300239": "milestones",
    "keep me posted on 300239": "subscribe",
    "keep me updated about 300239": "subscribe",
    "is 300239 still open?": "petition",
    "how many people signed 300239": "petition",
    "when did 300239 close": "petition",
    "“300239”": "petition",
    "300'239": "petition",
    "petition no:300239": "petition",
    "Follow the science https://petition.parliament.uk/petitions/300239": "petition",
}


def said(listed: str) -> list[str]:
    return [
        each.strip() for line in listed.splitlines() for each in line.split("|") if each.strip()
    ]


@pytest.mark.parametrize(("meant", "words"), [(m, w) for m, s in MEANT.items() for w in said(s)])
def test_a_stranger_is_understood_at_the_first_try(meant: str, words: str) -> None:
    command, _, rest = meant.partition(" ")
    wanted: Meaning = Thanks() if meant == "thanks" else Ask(command, rest)
    assert read(words, SITES) == wanted


@pytest.mark.parametrize("words", PETITIONS)
def test_a_slip_of_the_pen_beside_a_petition_is_read_over(words: str) -> None:
    meaning = read(words, SITES)
    assert isinstance(meaning, OnPetition)
    assert (meaning.command, meaning.petition) == (PETITIONS[words], REF)


@pytest.mark.parametrize(
    "words",
    ["stop the war", "sign language in schools", "night buses", "English lessons", "spam calls"],
)
def test_a_subject_that_begins_like_a_wish_is_searched_for(words: str) -> None:
    assert read(words, SITES) == Words(words)
