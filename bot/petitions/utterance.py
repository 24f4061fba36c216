"""The meaning of a plain message, as far as its words alone tell it (pure).

The first rule that fits decides: a petition, a command's everyday name, a postcode, an address of
another site, words. Whether words are the name of a place or a topic only a site can tell.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby, takewhile
from operator import itemgetter
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from bot.petitions.bare_request import bare, canonical, in_full
from bot.petitions.everyday_phrases import spoken_words, what_is_meant
from bot.petitions.everyday_words import (
    AROUND_STOP,
    FILLERS,
    KIND_SIGNS,
    NOT_ANY,
    SAYINGS,
    SENT,
    STOPS,
    VERBS,
    Everyday,
    Verb,
    plain,
    with_verbs,
)
from bot.petitions.number_words import SPOKEN_COUNT
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.postcode import find_postcode
from bot.petitions.reference import Mention, find_list, find_mentions, find_reference
from bot.petitions.request_details import (
    count_wanted,
    is_a_while,
    is_no_order,
    is_to_be_silent,
    refused,
    refuses_an_end,
    reminder_wanted,
    setting_wanted,
)


class OnPetition(NamedTuple):
    """A command about one petition; `rest` is what stands behind it.

    One that `may_be_words` was named by a bare number among words that say something else.
    """

    command: Verb
    petition: PetitionRef
    rest: str = ""
    may_be_words: bool = False


class OnPetitions(NamedTuple):
    """Several petitions, and what is to be done with them."""

    command: Verb
    petitions: tuple[PetitionRef, ...]


class OnThat(NamedTuple):
    """A command about a petition that goes without saying: "follow it"."""

    command: Verb
    rest: str = ""


class Ask(NamedTuple):
    """A command, with what stands behind it."""

    command: str
    rest: str = ""


class Each(NamedTuple):
    """Several requests in one message."""

    requests: tuple[OnPetition | Ask, ...]


class SharedRule(NamedTuple):
    """A link that carries a rule."""

    carried: str


class Cancel(NamedTuple):
    """A message that calls off what was begun."""


class Thanks(NamedTuple):
    """A kind word that waits for no answer."""


class Postcode(NamedTuple):
    """A whole postcode."""

    postcode: str


class OtherSite(NamedTuple):
    """An address that leads to no petition on a known site."""

    host: str


class Words(NamedTuple):
    """Anything else that has letters."""

    words: str


class NoWords(NamedTuple):
    """Signs without letters, in which nothing is named."""

    text: str


class NoText(NamedTuple):
    """A message without any text: a picture, a voice, a place."""


Meaning: TypeAlias = (
    OnPetition
    | OnPetitions
    | OnThat
    | Ask
    | Each
    | SharedRule
    | Cancel
    | Thanks
    | Postcode
    | OtherSite
    | Words
    | NoWords
    | NoText
)

_SLASH = re.compile(r"/(?P<name>\w{1,32})(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
_RULE_LINK = re.compile(r"(?:t|telegram)\.me/\w+\?start=r_(?P<carried>[\w-]+)", re.ASCII)
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"“”]+", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,12}(?:/\S*)?", re.IGNORECASE)
_LONGEST_REQUEST = 200  # characters; whoever writes more tells a story
_MOST_REQUESTS = 4
_KNOWN_WORDS = spoken_words() | {word for said in SAYINGS for word in said.split()}
_BY_LETTER = {
    letter: sorted(words) for letter, words in groupby(sorted(_KNOWN_WORDS), itemgetter(0))
}
_NEAR, _SHORTEST = 0.75, 4  # how much alike, and from how many letters on
_SURE_LENGTH = 6  # letters from which on a slip of the pen is no other word
_VERB_WORDS = frozenset().union(*VERBS.values())
_KNOWN = FILLERS | _VERB_WORDS
_SLIP = 0.88  # how near a slip of the pen is
_PEN = _VERB_WORDS | {"petition", "petitions", "signatures", "please"}
# Two letters that changed places: "stpo", "chrat".
_ANAGRAMS = {
    (word[0], "".join(sorted(word))): word for word in sorted(_VERB_WORDS) if len(word) > 3
}
_PLEASE = re.compile(r"\b(?:please|pls|plz|plis|now)\b")
# Some commands read what stands behind the petition; for the others it is politeness.
_READS_ON: Collection[Verb] = frozenset({"snooze", "milestones", "settings"})
_IT = re.compile(
    r"\b(?:th(?:is|at) (?:last )?(?:one|petition)"
    r"|the (?:petition|one above|last (?:one|petition))|it|this|that|hwn|hon)\b",
    re.IGNORECASE,
)
# What a petition has one of: the date goes without saying whose.
_ITS_DATE = re.compile(
    r"(?:when(?:'s| is| was| will)?|what (?:time|day|date)(?: is| was)?|is there|has there been)"
    r" (?:the |a |any )?(?:debate|deadline|closing date|(?:government )?response)(?: be| yet| due)*"
    r"|add (?:it |this |that |the debate )?to (?:my |the )?calendar"
)
# How far it is goes without saying whose, too.
_ITS_PROGRESS = re.compile(
    r"how (?:far|close|near|long)(?: (?:along|off|away|to go|has it got|is left|now))*"
    r"(?: (?:is|are|have|has) (?:it|we|they|this|the (?:petition|count)|my petition))?"
    r"(?: (?:got|gone|come|along|off|away|to go|from|to|now|left|there|yet|so far))*"
    r"(?: (?:the )?(?:target|goal|threshold|debate|response|100?[,. ]?000|100? ?k))?"
    r"|(?:how many(?: signatures)? (?:more|to go|left|short|(?:are )?needed|are left)"
    r"|what'?s left)(?: (?:to go|does it need|do we need|are needed|is needed|now))*"
    r"|(?:is|are) (?:it|we|they|the petition) (?:nearly |almost |even )?"
    r"(?:half ?way|there|close|near)(?: there| yet| now| to (?:it|a debate|the debate|100k|10k))*"
    r"|(?:will|can|could) (?:it|we|the petition) (?:make it|get there|reach it|pass|succeed)"
    r"|(?:when )?(?:will|does|is) (?:it|this|that|the petition) (?:close|closing|end|ending|expire)"
    r"(?: soon)?"
    r"|how(?:'s| is| are) (?:it|we|things|the petition) (?:going|doing|getting on|looking)"
    r"|(?:any )?progress(?: so far| report| update)?"
)
_THEY = r"(?:they|the (?:government|gov|govt|minister|ministers)|government|parliament|ministers)"
_ITS = r"(?:it|this|that|they|we|(?:the|my|this|our) petition)"
# What is asked of a petition that goes without saying.
_OF_IT: Mapping[Verb, re.Pattern[str]] = {
    "response": re.compile(
        rf"what (?:did|have|has) {_THEY} (?:say|said|reply|replied|answer|answered)(?: yet)?"
        rf"|what (?:was|is|'s) (?:the|their) (?:response|reply|answer)"
        rf"|(?:have|has|did) {_THEY} (?:even |ever )?(?:responded|respond|replied|reply|answered"
        r"|answer|said anything)(?: (?:yet|to (?:it|this|us)))*"
        r"|(?:has there been|is there|was there|any) (?:an? )?(?:answer|reply|response)"
        rf"(?: from {_THEY})?(?: yet)?"
        r"|(?:read|show|give|tell|send) me (?:the |their )?(?:whole |full )?"
        r"(?:response|reply|answer)"
    ),
    "subscribe": re.compile(
        r"(?:(?:tell|notify|alert|ping|message|text|warn) me|let me know)"
        rf" (?:when|if|once|whenever) (?:{_THEY} (?:respond|reply|answer|debate"
        r"|responds|replies|answers|debates)(?: to)?"
        rf"(?: (?:it|this))?|{_ITS}(?:'s| is| gets| was| are)? (?:debated|discussed|answered"
        r"|rejected|closed|closing|responded to)|there'?s (?:a |an )?(?:response|debate|answer)"
        r"|(?:a|the) debate is (?:scheduled|planned|announced))"
    ),
    "share": re.compile(
        r"(?:(?:send|give|post|get|forward) (?:me )?(?:the |a |its )?link(?: (?:to it|for it))?"
        rf"|share {_ITS} with .{{1,40}})"
    ),
    "petition": re.compile(
        rf"(?:is|was|will|has|have|did|does) {_ITS} (?:going to |ever |even |likely to |been )*"
        r"(?:be |been |get )?(?:debated?|discussed?|answered|responded to|considered)"
        r"(?: (?:yet|in parliament|by parliament))*"
        rf"|(?:have|has|did|is|are) {_ITS} (?:(?:yet|already|even) )?"
        r"(?:reached|reach|hit|got to|get to|passed|pass|at|over|past|up to)"
        rf" (?:{SPOKEN_COUNT}|[0-9][0-9,.]* ?[km]?)(?: signatures)?(?: (?:yet|now|already))*"
        rf"|where(?:'s| is| are) {_ITS} at(?: now)?"
    ),
}
_THANKS = re.compile(
    r"(?:(?:ok|okay|great|cool|lovely|many|big) )?"
    r"(?:thanks|thank (?:you|u)|thx|tysm|ty|ta|cheers|diolch)"
    r"(?: (?:you|u|so|very|much|kindly|am|eich|dy"
    r"|a|lot|lots|again|for|that|this|it|your|the|all|help"
    r"|info|everything|bot|mate|petition|bell|everyone|both|quick|reply|x+))*"
)
_GREETING = re.compile(
    r"(?:hi|hiya|hello|hey|hullo|helo|good (?:morning|afternoon|evening|day))"
    r"(?: (?:there|bot|petition|bell|again|everyone|all|mate|how are you|doing|today))*"
)
_THRESHOLDS = frozenset({10_000, 100_000})
_ROUND = re.compile(r"(?<![0-9])100?[,. ]?000(?![0-9])")
_MOST_WORDS = 12
_NEED_A_PETITION = VERBS.keys() - {"unsubscribe", "snooze", "settings"}
_CHANGES: Collection[Verb] = frozenset({"unsubscribe", "subscribe", "mute", "unmute", "snooze"})
_ASKS_HOW = frozenset(
    {"how", "signatures", "signed", "doing", "open", "closed", "closes", "happening"}
    | {"close", "end", "ends", "closing", "debate", "debated"}
)
_BEFORE_HOURS = frozenset({"between", "from", "rhwng"})  # two numbers behind these are hours
_NEXT = re.compile(
    r"\s*(?:[;\n]+|(?<=\w)[.!]+(?=\s)|,?\s+(?:and then|and also|and|then|but|ac)\s"
    r"|(?<=\d),(?=\s*[^\W\d_]{3,}\s+\D*\d))\s*",
    re.IGNORECASE,
)
# A number that was written with the signs of another alphabet, and one that touches a word.
_FOREIGN_DIGITS = re.compile(
    r"(?<![^\s#])[^\W_a-z0-9]+(?:[,，.' ][^\W_a-z0-9]+)*(?![^\s.,!?])", re.IGNORECASE
)
_TOUCHING = re.compile(r"(?<![^\W_])([^\W\d_]{3,20})(?=[0-9]{5,7}(?![^\W_]))")

_BY_CANON: Mapping[str, Everyday] = {
    canonical(said): command for said, command in reversed(list(SAYINGS.items()))
}


def read(text: str, sites: Sequence[Site], links: Sequence[str] = ()) -> Meaning:
    """Read what a message means; `links` are the addresses behind its words."""
    text = _in_usual_digits(text.strip())
    if not any(map(str.isprintable, text.replace(" ", ""))) and not links:
        return NoText()
    if slash := _SLASH.fullmatch(text):
        return Ask(slash["name"].casefold(), " ".join((slash["rest"] or "").split()))
    if several := _each(text, sites):
        return several
    return _single(text, sites, links)


def _single(text: str, sites: Sequence[Site], links: Sequence[str]) -> Meaning:
    is_short = len(text) <= _LONGEST_REQUEST
    said = in_full(text) if is_short else text
    if is_short and (count := count_wanted(said)):
        return Ask("milestones", f"at {count}")
    if is_short and _ROUND.search(said) and (asked := _phrase(said)) and _is_of_many(asked):
        return asked
    if (
        is_short
        and _ROUND.search(said)
        and (_ITS_PROGRESS.fullmatch(bare(said)) or _OF_IT["petition"].fullmatch(bare(said)))
    ):
        return OnThat("petition")
    if named := _petitions(said, sites, links):
        command = _ordered(named.command, said) if is_short else named.command
        if command == named.command:
            return named
        if isinstance(named, OnPetitions):
            return OnPetitions(command, named.petitions)
        return named._replace(command=command, rest="")
    if is_short and refuses_an_end(said):
        return Cancel()
    if carried := _RULE_LINK.search("\n".join((text, *links))):
        return SharedRule(carried["carried"])
    if (saying := _saying(said)) is not None:
        return saying
    if is_short and not refused(said) and _wants_out(plain(said).split()):
        return Ask("unsubscribe")
    if postcode := find_postcode(text):
        return Postcode(postcode)
    if is_short and (asked := _phrase(said) or _on_that(said)):
        return asked
    if host := other_host(text, links):
        return OtherSite(host)
    return Words(text) if any(map(str.isalpha, text)) else NoWords(text)


def _ordered(command: Verb, text: str) -> Verb:
    """The command, if it changes something only as far as that is said: no question, no refusal."""
    if command not in _CHANGES:
        return command
    if what := refused(text):
        return "unmute" if what in {"mute", "silence"} else "petition"
    return "petition" if is_no_order(text) else command


def _is_of_many(asked: Ask | Each | OnThat) -> bool:
    """Return whether a round number is one that any petition may reach, and not one's own."""
    return isinstance(asked, Ask) and (
        asked.rest.startswith("passing:") or asked == ("milestones", "official")
    )


def names_no_site(
    text: str, petition: PetitionRef, sites: Sequence[Site], links: Sequence[str] = ()
) -> bool:
    """Return whether a text names the petition by a bare number, which other sites may have."""
    said = "\n".join((text, *links))
    return not any(
        each.petition == petition and not each.is_bare and said[each.start] != "#"
        for each in find_mentions(said, sites)
    )


def leaves_a_question(text: str, sites: Sequence[Site], links: Sequence[str] = ()) -> bool:
    """Return whether a text answers no open question: it is a command, or names a petition.

    A bare number, which may be an answer, does not count as naming one.
    """
    return text.lstrip().startswith("/") or any(
        not mention.is_bare for mention in find_mentions("\n".join((text, *links)), sites)
    )


def said_of(text: str, petition: PetitionRef, sites: Sequence[Site]) -> OnPetition | None:
    """Read what somebody wants of the petition they answer to; None if they say anything else."""
    text = _in_usual_digits(text.strip())
    if not text or len(text) > _LONGEST_REQUEST or find_mentions(text, sites):
        return None
    if count := count_wanted(text):
        return OnPetition("milestones", petition, count)
    first, _, others = text.partition(" ")
    masked = _IT.sub("#", text, count=1) if _IT.search(text) else f"{first} # {others}"
    verb, is_plain, rest = _request(masked, is_strict=True)
    if verb is None and is_plain and (asked := _saying(text)) and isinstance(asked, Ask):
        verb = next((each for each in VERBS if each == asked.command), None)
    if verb is None or not (is_plain or rest):
        return None
    return OnPetition(verb, petition, rest)


def _on_that(text: str) -> OnThat | None:
    said = bare(text)
    if command := next((verb for verb, asks in _OF_IT.items() if asks.fullmatch(said)), None):
        return OnThat(command)
    if _ITS_DATE.fullmatch(said) or _ITS_PROGRESS.fullmatch(said):
        return OnThat("petition")
    if not _IT.search(said):
        return None
    verb, is_plain, rest = _request(_IT.sub("#", said, count=1), is_strict=True)
    if verb is None and is_plain and _ASKS_HOW.intersection(plain(text).split()):
        return OnThat("petition")
    if verb is None or not (is_plain or rest):
        return None
    command = _ordered(verb, text)
    return OnThat(command, rest if command == verb else "")


def _each(text: str, sites: Sequence[Site]) -> Each | None:
    """Read several requests; None unless they are all that is said, and differ."""
    if len(text) > _LONGEST_REQUEST or "/" in text:  # what is said around a link is its title
        return None
    parts = [part.strip(" .,!?") for part in _NEXT.split(text)]
    if not 2 <= len(parts) <= _MOST_REQUESTS:
        return None
    requests: list[OnPetition | Ask] = []
    petition: PetitionRef | None = None
    for part in parts:
        of_it = said_of(part, petition, sites) if petition else None
        found = [of_it] if of_it else _sure(part, sites)
        if not found:
            return None
        petition = found[-1].petition if isinstance(found[-1], OnPetition) else petition
        requests += found
    is_of_bot = any(isinstance(request, OnPetition) or request.rest for request in requests)
    is_same = len({(request.command, request.rest) for request in requests}) == 1
    return Each(tuple(requests)) if is_of_bot and not is_same else None


def _sure(text: str, sites: Sequence[Site]) -> Sequence[OnPetition | Ask]:
    """Return the requests of a text that reads like no petition's subject; none if it may be."""
    match _single(text, sites, ()) if text else None:
        case OnPetitions(command, petitions) if command != "petition":
            return [OnPetition(command, each) for each in petitions]
        case OnPetition(may_be_words=False) as request if request.command != "petition" or _verb(
            _masked(text, find_mentions(text, sites))
        ):
            return [request]
        case Ask(command, rest) as request if (
            command not in _NEED_A_PETITION if not rest else command in {"settings", "snooze"}
        ):
            return [request]
        case _:
            return []


def _petitions(
    text: str, sites: Sequence[Site], links: Sequence[str]
) -> OnPetition | OnPetitions | None:
    if len(text) <= _LONGEST_REQUEST:
        text = _TOUCHING.sub(_apart, text)
    if not links and (listed := _list(text, sites)):
        return listed
    found = find_mentions(text, sites)
    if len(text) <= _LONGEST_REQUEST:
        # Of two bare numbers, the round one is rather the count.
        for each in sorted(found, key=lambda each: str(each.petition.id).endswith("00")):
            if count := count_wanted(f"{text[: each.start]}#{text[each.end :]}", of_one=True):
                return OnPetition("milestones", each.petition, count)
            setting = setting_wanted(f"{text[: each.start]}#{text[each.end :]}")
            if setting is not None:
                return OnPetition("settings", each.petition, setting)
            if span := reminder_wanted(f"{text[: each.start]}#{text[each.end :]}"):
                return OnPetition("settings", each.petition, f"closing {span}")
    behind = [each.petition for link in links for each in find_mentions(link, sites)]
    explicit = [each for each in found if not each.is_bare]
    # "Has 300239 reached 100,000 yet?" is about one.
    if len({each.petition for each in found}) > 1 and not explicit:
        found = [each for each in found if each.petition.id not in _THRESHOLDS] or found
    if explicit or behind:  # beside a link, a number is a count or a date
        found = explicit
    petitions = tuple(dict.fromkeys((*(each.petition for each in found), *behind)))
    if not petitions:
        whole = find_reference(text, sites)
        return OnPetition("petition", whole) if whole else None
    verb = _verb(text[: found[0].start] if found else text)
    # A number to be snoozed or told of has numbers of its own behind it.
    if verb and verb in _READS_ON and found and len(found) == len(petitions):
        return OnPetition(verb, petitions[0], _rest(text[found[0].end :]))
    masked = _masked(text, found)
    verb, is_plain, rest = _request(masked)
    if len(petitions) > 1:
        return OnPetitions(verb or "petition", petitions)
    if (
        verb is None and not is_plain and not (behind or explicit)
    ):  # its verb counts if there is such a petition
        verb = _any_verb(masked)
    # Beside words, a round number is rather one that petitions reach.
    is_round = (
        verb in {None, "petition"}
        and str(petitions[0].id).endswith("000")
        and masked.strip(" #.!?") != ""
    )
    if verb in {"subscribe", "mute"} and is_to_be_silent(masked):
        verb, rest = "subscribe", "mute"
    may_be_words = (is_round or not is_plain) and not behind and found[0].is_bare
    return OnPetition(verb or "petition", petitions[0], rest, may_be_words)


def _list(text: str, sites: Sequence[Site]) -> OnPetitions | None:
    """Read a command and several petitions, however short their numbers: unfollow 200, 300."""
    words = _PLEASE.sub(" ", text).split()
    before = list(takewhile(str.isalpha, words))
    if before and before[-1].casefold() in _BEFORE_HOURS:
        return None
    # "PE 2234" begins with letters, too.
    for end in (len(before), len(before) - 1):
        verb = _verb(" ".join(words[:end])) if end > 0 else None
        petitions = find_list(" ".join(words[end:]), sites) if verb else []
        if verb and verb not in _READS_ON and petitions:
            return OnPetitions(verb, tuple(petitions))
    return None


def _masked(text: str, found: Sequence[Mention]) -> str:
    """Return a text with `#` where petitions are named."""
    for each in reversed(found):
        text = f"{text[: each.start].replace('#', ' ')} # {text[each.end :]}"
    return text


def _request(masked: str, *, is_strict: bool = False) -> tuple[Verb | None, bool, str]:
    """Return what is to be done with `#`, whether no more is said, and what stands behind it.

    What follows may be a petition's title, unless it is to be read by the letter, `is_strict`.
    """
    parts = [plain(part) for part in masked.split("#")]
    said = with_verbs(" # ".join(parts)).split("#")
    before, others = said[0], " ".join(said[1:])
    verb = _verb(before)
    if verb == "petition" or (verb is None and not _said(before)):
        verb = _verb(others, at_start=len(parts) > 1) or verb
    rest = _rest(masked.rpartition("#")[2])
    if verb == "mute" and is_a_while(rest):
        verb = "snooze"
    rest = rest if verb in _READS_ON else ""
    is_plain = (verb is not None and not is_strict) or not _said(f"{before} {others}")
    return verb, is_plain, rest


def _any_verb(masked: str) -> Verb | None:
    """Find the first verb among other words; it may be part of a title: "stop the cull 300239"."""
    words = map(_spelt, with_verbs(" # ".join(map(plain, masked.split("#")))).split())
    named = (verb for word in words for verb, names in VERBS.items() if word in names)
    return next(named, None)


def _in_usual_digits(text: str) -> str:
    def usual(number: re.Match[str]) -> str:
        return "".join(
            str(unicodedata.decimal(sign)) if sign.isdecimal() else "," if sign == "，" else sign
            for sign in number[0]
        )

    return _FOREIGN_DIGITS.sub(usual, text).replace("＃", "#")


def _apart(word: re.Match[str]) -> str:
    """Return a word that touches a number, with a space behind it if it is one of those we know."""
    return f"{word[0]} " if _spelt(plain(word[0])) in _KNOWN else word[0]


def _spelt(word: str) -> str:
    """Return the word, or the one of those we know that it is a slip of the pen from."""
    if word in _KNOWN or len(word) < _SHORTEST:
        return word
    if anagram := _ANAGRAMS.get((word[0], "".join(sorted(word)))):
        return anagram
    near = difflib.get_close_matches(word, _PEN, n=1, cutoff=_SLIP)
    is_slip = bool(near) and near[0][0] == word[0] and word != f"{near[0]}s"
    return near[0] if is_slip else word


def _spelt_words(text: str) -> list[str]:
    """Return the plain words of a text, slips of the pen put right unless it is a whole story."""
    words = plain(text).split()
    return words if len(text) > _LONGEST_REQUEST else list(map(_spelt, words))


def _rest(text: str) -> str:
    words = _PLEASE.sub(" ", text.strip(" .,;:!?"))
    return re.sub(r"^(?:for|at|to|am|ar)\s+", "", " ".join(words.split()))


def _said(text: str) -> list[str]:
    """Return the words of a text that are neither a verb nor beside the point."""
    return [word for word in _spelt_words(text) if word not in _KNOWN]


def _verb(text: str, *, at_start: bool = False) -> Verb | None:
    """Return what is to be done, if a text says nothing besides; else None.

    With `at_start`, only the words before the first unknown one are read.
    """
    words = _spelt_words(text)
    if at_start:
        words = list(takewhile(_KNOWN.__contains__, words))
    if any(word not in _KNOWN for word in words):
        return None
    return next((verb for verb, names in VERBS.items() if names.intersection(words)), None)


def _phrase(text: str) -> Ask | Each | OnThat | None:
    """Read a command with what it is about, said in everyday words; None if it is none."""
    asked: list[OnPetition | Ask] = []
    for commands, rest in what_is_meant(text):
        name, _, before = commands.partition(" ")
        asked.append(Ask(name, f"{before} {rest}".strip()))
    if len(asked) > 1:
        return Each(tuple(asked))
    match asked:
        case [Ask("subscribe" | "search", rest)] if _IT.search(rest) and (that := _on_that(text)):
            return that
        case [Ask() as only]:
            return only
        case _:
            return None


def nearest_saying(text: str) -> Ask | Each | OnThat | None:
    """Guess what misspelt everyday words mean, for which nothing else was found; or None.

    Each word by itself is a slip of the pen from one that we know, or one of those: a petition's
    subject has others.
    """
    words = plain(text).split()
    if len(text) > _LONGEST_REQUEST or max(map(len, words), default=0) < _SHORTEST:
        return None
    spelt = [word if word in _KNOWN_WORDS else _near(word) for word in words]
    # What it is about stands at the end as it was typed: nobody's subject is a slip of the pen.
    for end in range(len(words), 0, -1):
        meant = _as_said(spelt[:end], words[end:]) if spelt[:end] != words[:end] else None
        if meant and not _may_be_wanted_gone(meant, words, spelt):
            return meant
    return None


def _may_be_wanted_gone(
    meant: Ask | Each | OnThat, words: Sequence[str], spelt: Sequence[str]
) -> bool:
    """Return whether an end of something else may be meant: "stop the boats" is no "bots"."""
    is_end = isinstance(meant, Ask) and meant.command == "unsubscribe"
    return is_end and any(
        len(said) < _SURE_LENGTH and word not in _VERB_WORDS
        for said, word in zip(words, spelt, strict=True)
        if said != word
    )


def _as_said(spelt: Sequence[str], words: Sequence[str]) -> Ask | Each | OnThat | None:
    text = " ".join((*spelt, *words))
    if isinstance(said := _saying(text), Ask):
        return said
    meant = _phrase(text)
    is_theirs = not isinstance(meant, Ask) or meant.rest.endswith(" ".join(words))
    return meant if is_theirs and (words or not isinstance(meant, Ask) or not meant.rest) else None


def _near(word: str) -> str:
    if len(word) < _SHORTEST or not word.isalpha():
        return word
    near = difflib.get_close_matches(word, _BY_LETTER.get(word[0], ()), n=1, cutoff=_NEAR)
    return near[0] if near else word


def _saying(text: str) -> Ask | Cancel | Thanks | None:
    if text.strip() and KIND_SIGNS.issuperset(text.replace(" ", "")):
        return Thanks()
    if text in {"?", "??", "???"}:
        return Ask("help")
    words = plain(text)
    if _THANKS.fullmatch(words):
        return Thanks()
    if _GREETING.fullmatch(words):
        return Ask("start")
    ways = words, " ".join(_PLEASE.sub(" ", words).split()), plain(bare(text))
    said = next((SAYINGS[each] for each in ways if each in SAYINGS), None)
    said = said or next(
        (_BY_CANON[each] for each in map(canonical, ways) if each in _BY_CANON), None
    )
    match said:
        case None:
            return None
        case "cancel":
            return Cancel()
        case "thanks":
            return Thanks()
        case _:
            command, _, rest = said.partition(" ")
            return Ask(command, rest)


def _wants_out(words: Sequence[str]) -> bool:
    """Return whether no more is said, in any of many languages, than that it shall stop."""
    if not 1 < len(words) <= _MOST_WORDS or not AROUND_STOP.issuperset(words):
        return False
    said = set(words)
    return bool(said & STOPS) or bool(said & NOT_ANY and said & SENT)


def other_host(text: str, links: Sequence[str] = ()) -> str:
    """Return the host of the first address; "" if there is none."""
    for address in (*_ADDRESS.findall(text), *links):
        full = address if "://" in address else f"https://{address}"
        try:
            host = urlsplit(full).hostname
        except ValueError:
            host = None
        if host:
            return host
    return text.partition("/")[0].lower() if _BARE_HOST.fullmatch(text) else ""
