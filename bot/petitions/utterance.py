"""What a plain message means, as far as its words alone say it (pure).

The first rule that fits decides: a petition, a command's everyday name, a postcode, an address of
another site, words. Whether words are the name of a place or a topic only a site can tell.
"""

import difflib
import re
from collections.abc import Collection, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from bot.petitions.everyday_words import (
    EVERYTHING_LATER,
    FILLERS,
    KIND_SIGNS,
    PHRASES,
    SAYINGS,
    VERBS,
    Verb,
    plain,
)
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.postcode import find_postcode
from bot.petitions.reference import Mention, find_list, find_mentions, find_reference


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


class Ask(NamedTuple):
    """A command, with what stands behind it."""

    command: str
    rest: str = ""


class SharedRule(NamedTuple):
    """A link that carries a rule."""

    carried: str


class Cancel(NamedTuple):
    """Nothing is wanted after all."""


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
    """A picture, a voice, a place: nothing that can be read."""


Meaning: TypeAlias = (
    OnPetition
    | OnPetitions
    | Ask
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
_NEAR, _SHORTEST = 0.75, 4  # how much alike, and from how many letters on
_VERB_WORDS = frozenset().union(*VERBS.values())
_KNOWN = FILLERS | _VERB_WORDS
_SLIP, _SHORTEST_SLIP = 0.88, 5  # how near a slip of the pen is, and of how long a word
_PLEASE = re.compile(r"\b(?:please|pls|plz|plis|now)\b")
# Some commands read what stands behind the petition; for the others it is politeness.
_READS_ON: Collection[Verb] = frozenset({"snooze", "milestones", "settings"})


def read(text: str, sites: Sequence[Site], links: Sequence[str] = ()) -> Meaning:
    """What a message means; `links` are the addresses behind its words."""
    text = text.strip()
    if not text and not links:
        return NoText()
    if slash := _SLASH.fullmatch(text):
        return Ask(slash["name"].casefold(), " ".join((slash["rest"] or "").split()))
    if named := _petitions(text, sites, links):
        return named
    if carried := _RULE_LINK.search("\n".join((text, *links))):
        return SharedRule(carried["carried"])
    if (saying := _saying(text)) is not None:
        return saying
    if postcode := find_postcode(text):
        return Postcode(postcode)
    if (asked := _phrase(text)) is not None:
        return asked
    if host := other_host(text, links):
        return OtherSite(host)
    return Words(text) if any(map(str.isalpha, text)) else NoWords(text)


def names_no_site(
    text: str, petition: PetitionRef, sites: Sequence[Site], links: Sequence[str] = ()
) -> bool:
    """Whether a petition is named by its number alone, which may be of another site as well."""
    said = "\n".join((text, *links))
    return not any(
        each.petition == petition and not each.is_bare and said[each.start] != "#"
        for each in find_mentions(said, sites)
    )


def leaves_a_question(text: str, sites: Sequence[Site], links: Sequence[str] = ()) -> bool:
    """Whether who says this is about something else than what they were asked: a slash, a link."""
    return text.lstrip().startswith("/") or any(
        not mention.is_bare for mention in find_mentions("\n".join((text, *links)), sites)
    )


def _petitions(
    text: str, sites: Sequence[Site], links: Sequence[str]
) -> OnPetition | OnPetitions | None:
    if not links and (listed := _list(text, sites)):
        return listed
    found = find_mentions(text, sites)
    behind = [each.petition for link in links for each in find_mentions(link, sites)]
    explicit = [each for each in found if not each.is_bare]
    if explicit or behind:  # beside a link, a number is a count or a date
        found = explicit
    petitions = tuple(dict.fromkeys((*(each.petition for each in found), *behind)))
    if not petitions:
        whole = find_reference(text, sites)
        return OnPetition("petition", whole) if whole else None
    before = text[: found[0].start] if found else text
    verb = _verb(before)
    # A number to be snoozed or told of has numbers of its own behind it.
    if verb and verb in _READS_ON and found and len(found) == len(petitions):
        return OnPetition(verb, petitions[0], _rest(text, found[0]))
    if len(petitions) > 1:
        return OnPetitions(verb or "petition", petitions)
    after = text[found[-1].end :] if found else ""
    between = [text[one.end : other.start] for one, other in pairwise(found)]
    others = " ".join((*between, after))
    if verb == "petition" or (verb is None and not _said(before)):
        verb = _verb(others, at_start=bool(found)) or verb
    is_plain = verb is not None or not _said(f"{before} {others}")
    rest = _rest(text, found[0]) if verb in _READS_ON and found else ""
    may_be_words = not is_plain and not behind and found[0].is_bare
    return OnPetition(verb or "petition", petitions[0], rest, may_be_words)


def _list(text: str, sites: Sequence[Site]) -> OnPetitions | None:
    """What is to be done with several petitions, however short their numbers: unfollow 200, 300."""
    words = _PLEASE.sub(" ", text).split()
    before = list(takewhile(str.isalpha, words))
    # "PE 2234" begins with letters, too.
    for end in (len(before), len(before) - 1):
        verb = _verb(" ".join(words[:end])) if end > 0 else None
        petitions = find_list(" ".join(words[end:]), sites) if verb else []
        if verb and verb not in _READS_ON and petitions:
            return OnPetitions(verb, tuple(petitions))
    return None


def _spelt(word: str) -> str:
    """The word, or the one of those we know that it is a slip of the pen from."""
    if word in _KNOWN or len(word) < _SHORTEST_SLIP:
        return word
    near = difflib.get_close_matches(word, _VERB_WORDS, n=1, cutoff=_SLIP)
    is_slip = bool(near) and near[0][0] == word[0] and word != f"{near[0]}s"
    return near[0] if is_slip else word


def _rest(text: str, mention: Mention) -> str:
    words = _PLEASE.sub(" ", text[mention.end :].strip(" .,;:!?"))
    return re.sub(r"^(?:for|at|to|am|ar)\s+", "", " ".join(words.split()))


def _said(text: str) -> list[str]:
    """The words of a text that are neither a verb nor beside the point."""
    return [word for word in map(_spelt, plain(text).split()) if word not in _KNOWN]


def _verb(text: str, *, at_start: bool = False) -> Verb | None:
    """What is to be done, if a text says nothing besides; `at_start` reads as far as it does so."""
    words = list(map(_spelt, plain(text).split()))
    if at_start:
        words = list(takewhile(_KNOWN.__contains__, words))
    if any(word not in _KNOWN for word in words):
        return None
    return next((verb for verb, names in VERBS.items() if names.intersection(words)), None)


def _phrase(text: str) -> Ask | None:
    """A command with what it is about, said in words of every day."""
    if plain(text) in EVERYTHING_LATER:
        return Ask("settings", "all digest")
    said = " ".join(text.split()).rstrip("?!. ")
    for pattern, command in PHRASES:
        if found := pattern.fullmatch(said.lower()):
            # Case is kept where lowering keeps the length: some letters grow.
            rest = said[found.start("rest") :] if len(said) == len(said.lower()) else found["rest"]
            name, _, before = command.partition(" ")
            return Ask(name, f"{before} {rest}".strip())
    return None


def nearest_saying(text: str) -> Ask | None:
    """The command that misspelt everyday words may mean; nothing else was found for them."""
    near = difflib.get_close_matches(plain(text)[:40], SAYINGS, n=1, cutoff=_NEAR)
    meant = _saying(near[0]) if near and len(plain(text)) >= _SHORTEST else None
    return meant if isinstance(meant, Ask) else None


def _saying(text: str) -> Ask | Cancel | Thanks | None:
    if text.strip() and KIND_SIGNS.issuperset(text.replace(" ", "")):
        return Thanks()
    if text in {"?", "??", "???"}:
        return Ask("help")
    words = plain(text)
    said = SAYINGS.get(words) or SAYINGS.get(" ".join(_PLEASE.sub(" ", words).split()))
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


def other_host(text: str, links: Sequence[str] = ()) -> str:
    """The host of the first address; "" if there is none."""
    for address in (*_ADDRESS.findall(text), *links):
        full = address if "://" in address else f"https://{address}"
        try:
            host = urlsplit(full).hostname
        except ValueError:
            host = None
        if host:
            return host
    return text.partition("/")[0].lower() if _BARE_HOST.fullmatch(text) else ""
