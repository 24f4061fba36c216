"""Finds the petition that people mean by what they type or paste (pure).

Never a guess: a number must be one as the petitions sites write it, and a link must lead to a site
that we know.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.petitions.parliaments import DESCRIPTIONS, description_of
from bot.petitions.petition import PetitionRef, Site

_NUMBER = "[1-9][0-9]{0,9}"
_LETTERED = "[A-Z]{2}[0-9]{4,9}"
_PREFIXES = "|".join(
    sorted({prefix for each in DESCRIPTIONS.values() for prefix in each.ids.prefixes})
)
# As people write a lettered number, with a space or a dash in it.
_APART = f"(?:{_PREFIXES})[ \u00a0\u202f\u2009\u2010-\u2013-][0-9]{{4,9}}"
_ID = f"(?:{_NUMBER}|{_LETTERED})"
_TYPED_ID = f"(?:{_NUMBER}|{_LETTERED}|{_APART})"

_NAME = re.compile(rf"(?:(?P<site>[a-z0-9_-]+):|#)?(?P<id>{_TYPED_ID})", re.IGNORECASE)

# The folders of petitions on their sites' hosts, each in its language.
_FOLDERS = "|".join(
    sorted({host.paths.petitions for each in DESCRIPTIONS.values() for host in each.hosts})
)

# Where a link begins nothing may come before it that would make it part of another link; where the
# number ends, neither may more of a word.
_LINK = re.compile(
    rf"""
    (?: (?<! [a-z0-9/@=.%&?\#+-] ) https?:// | (?<! [\w/@=.%&?\#+:~\\\u3002\uff0e\uff61-] ) )
    (?P<host> [a-z0-9.-]{{1,253}} (?: :[0-9]{{1,5}} )? )
    /(?:archived/)?(?:{_FOLDERS})/
    (?P<id> {_ID} ) (?! [^\W_] | _ )
    """,
    re.IGNORECASE | re.VERBOSE,
)

# Our own links, whatever the bot is called.
_DEEP_LINK = re.compile(
    rf"(?<![\w/@=.%&?#+:~\\\u3002\uff0e\uff61-])(?:https?://)?(?:t|telegram)\.me/\w+\?start=p_(?P<site>[a-z][a-z0-9]*)_(?P<id>{_ID})\b",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(
    rf"(?<![\w:#/&])(?:(?P<site>[a-z][a-z0-9_-]{{0,31}}):|#|(?={_LETTERED}|{_APART}))"
    rf"(?P<id>{_TYPED_ID})(?![\w:])",
    re.IGNORECASE,
)
# A hash before digits in groups, which are read like those of a bare number: "#300,239".
_HASH = re.compile(r"(?<![\w:#/&])#(?=[1-9][0-9]{0,2}(?P<sign>[ ,.'’])[0-9]{3}(?![0-9]))")
_WORD = re.compile(r"\S+")
_FULLY_APART = re.compile(rf"(?<!\w){_APART}(?!\w)", re.IGNORECASE)
_FIRST_APART = re.compile(rf"(?P<site>(?:[a-z0-9_-]+:|#)?)(?P<id>{_APART})(?!\w)", re.IGNORECASE)
# The signs and words that stand between several numbers.
_BETWEEN = re.compile(
    r"\s*[,;]\s+(?:(?:and|ac|a)\s+)?|\s*;\s*|\s+(?:and|ac|a|&|\+)\s+", re.IGNORECASE
)
_ADDRESS = re.compile(r"://|www\.|@|t\.me/", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?<![\w£$€+#:-])[0-9]+(?:[ \u00a0\u202f\u2009,.'’][0-9]+)*(?![^\W_]|_)", re.ASCII
)
# A word that only announces a number, and names no site.
_LABEL = re.compile(r"\b(?:no|nr|num|number|petitions?|id|ref):(?=[0-9])", re.IGNORECASE)
# Words behind a number that say what it counts, so that it is no petition's.
_COUNTED = re.compile(
    r"\s*(?:%|signatures?\b|sigs\b|signers?\b|people\b|votes?\b|llofnod|pounds?\b|[kmKM]\b)"
)

# Nobody lists more at a time.
_MOST_LISTED = 100

_BRACKETS = " \n<>()[]\"'"
_STOPS = " \n.,;:!?"


def find_reference(text: str, sites: Sequence[Site]) -> PetitionRef | None:
    """Find the petition that `300239`, `#300239`, `uk:300239`, `PE2234` or a link to it means.

    A bare number belongs to the first site that numbers its petitions so. None if the text means no
    petition that we can know.
    """
    bare = text.rstrip(_STOPS).strip(_BRACKETS)
    if named := _NAME.fullmatch(bare):
        return _named(named["site"], named["id"], sites)
    if (link := find_link(text, sites)) or not (sites and _DIGITS.fullmatch(bare)):
        return link
    numbers = _numbers(bare)
    return _named(None, str(numbers[0][2]), sites) if len(numbers) == 1 else None


def find_link(text: str, sites: Sequence[Site]) -> PetitionRef | None:
    """Find the petition of the first link in a text that leads to one on a known site."""
    known = _hosts(sites)
    for link in _links(_LINK, text):
        site = known.get(_plain(link["host"]))
        if site and (ref := _read(site, link["id"])):
            return ref
    return None


class Mention(NamedTuple):
    """A petition that a text names, and where; a bare number may be meant for something else."""

    start: int
    end: int
    petition: PetitionRef
    is_bare: bool = False


def find_mentions(text: str, sites: Sequence[Site]) -> list[Mention]:
    """Find all petitions that a text names: by link, `#300239`, `uk:300239`, `PE2234`, a number.

    A number of five to seven digits may be written "300,239" or "300 239"; it belongs to the first
    site. What is plainly a sum of money, a count or a telephone number is none.
    """
    found = list(_linked(text, sites))
    rest = _WORD.sub(_unless_address, _without(text, found))
    rest = _HASH.sub(" ", _LABEL.sub(lambda label: label[0].replace(":", " "), rest))
    found += [
        Mention(each.start(), each.end(), ref, is_bare=_is_apart(each))
        for each in _EXPLICIT.finditer(rest)
        if (ref := _named(each["site"], each["id"], sites))
    ]
    rest = _without(rest, found)
    for run in _DIGITS.finditer(rest) if sites else ():
        if not _COUNTED.match(rest, run.end()) or _is_odd_number_of_signatures(run, rest):
            for start, end, number in _numbers(run[0]):
                if ref := _named(None, str(number), sites):
                    found.append(Mention(run.start() + start, run.start() + end, ref, is_bare=True))
    return sorted(found)


def find_list(text: str, sites: Sequence[Site]) -> list[PetitionRef]:
    """Find the petitions of a text that is a list of two or more: `200, PE 2234 and 300`.

    Empty if it says anything else. A number of any length counts here; a bare one belongs to the
    first site.
    """
    said = " ".join(text.split()).strip(_STOPS)
    whole = said.removeprefix("#")
    if _DIGITS.fullmatch(whole) and len(_numbers(whole)) == 1:
        return []  # "300,239" and "300 239" are one
    parts = _BETWEEN.split(_FULLY_APART.sub(lambda each: _joined(each[0]), said))
    if len(parts) > _MOST_LISTED:
        return []
    # "300 239" may be one number; what stands between several is a sign or a word, or else a blank.
    names = [
        name
        for part in parts
        for name in ([part] if find_reference(part, sites) else re.split(r"[,\s]\s*", part))
    ]
    if len(names) > _MOST_LISTED:
        return []
    found = [find_reference(name, sites) for name in names]
    named = [ref for ref in dict.fromkeys(found) if ref]
    return named if len(named) > 1 and None not in found else []


def closed_up(text: str, sites: Sequence[Site]) -> str:
    """Return the text with a lettered number at its beginning in one word: PE2234 for PE 2234."""
    found = _FIRST_APART.match(text)
    if found is None or _named(None, found["id"], sites) is None:
        return text
    return found["site"] + _joined(found["id"]) + text[found.end() :]


def _is_apart(named: re.Match[str]) -> bool:
    """Return whether letters stand apart from their number (PE 2234): they may be anything else."""
    return named["id"] == named[0] and _joined(named[0]) != named[0]


def _joined(number: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", number)


def _is_odd_number_of_signatures(run: re.Match[str], text: str) -> bool:
    """Return whether a number is too odd for a goal of signatures: "300239 signatures?"."""
    return not run[0].endswith("0") and text[run.end() :].lstrip().startswith(("sig", "llofnod"))


def _linked(text: str, sites: Sequence[Site]) -> Iterator[Mention]:
    known = _hosts(sites)
    for link in _links(_LINK, text):
        if site := known.get(_plain(link["host"])):
            # What follows the number, a query say, is of the link as well.
            more = re.compile(r"[^\s<>()\[\]\"“”*]*").match(text, link.end())
            end = more.end() if more else link.end()
            if ref := _read(site, link["id"]):
                yield Mention(link.start(), end, ref)
    for link in _links(_DEEP_LINK, text):
        if ref := _named(link["site"], link["id"], sites):
            yield Mention(link.start(), link.end(), ref)


def _links(kind: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the links of a text, without what looks like one within the path of another."""
    for link in kind.finditer(text):
        word_so_far = (text[: link.start()] + ".").split()[-1]
        if link[0].lower().startswith("http") or "://" not in word_so_far:
            yield link


def _unless_address(word: re.Match[str]) -> str:
    return " " * len(word[0]) if _ADDRESS.search(word[0]) else word[0]


def _without(text: str, found: Sequence[Mention]) -> str:
    """Return the text with blanks in place of these mentions, as long as before."""
    for each in found:
        text = text[: each.start] + " " * (each.end - each.start) + text[each.end :]
    return text


def _numbers(run: str) -> list[tuple[int, int, int]]:
    """Find petitions' numbers in a run of digits: where each begins and ends, and its value."""
    parts = list(re.finditer("[0-9]+", run))
    if any(part[0].startswith("0") for part in parts[:1]):
        return []
    between = {run[one.end() : other.start()] for one, other in pairwise(parts)}
    if parts[1:] and len(between) == 1 and len(parts[0][0]) < 4:
        is_grouped = all(len(part[0]) == 3 for part in parts[1:])
        whole = "".join(part[0] for part in parts)
        if is_grouped:
            return [(0, len(run), int(whole))] if 5 <= len(whole) <= 7 else []
    if "." in between or any(part[0].startswith("0") for part in parts):
        return []
    return [(part.start(), part.end(), int(part[0])) for part in parts if 5 <= len(part[0]) <= 7]


def _named(wanted: str | None, number: str, sites: Sequence[Site]) -> PetitionRef | None:
    """Find the petition of that number at the site named, or at the first that numbers so."""
    meant = (site for site in sites if wanted is None or site.id.lower() == wanted.lower())
    return next((ref for site in meant if (ref := _read(site, number))), None)


def _read(site: Site, number: str) -> PetitionRef | None:
    found = description_of(site).ids.read(_joined(number))
    return PetitionRef(site.id, found) if found is not None else None


def as_written(petition: PetitionRef, sites: Mapping[str, Site]) -> PetitionRef | None:
    """Return a petition by the number as its site writes it; None if it has no such numbers."""
    site = sites.get(petition.site)
    if site is None:
        return None
    if isinstance(petition.id, int):
        return petition if petition.id > 0 and not description_of(site).ids.prefixes else None
    return _read(site, petition.id)


def _hosts(sites: Sequence[Site]) -> Mapping[str, Site]:
    """Map every host we know to the site behind it.

    A site understands the links to every host that shows its petitions; so does one that bears the
    name of a described site, wherever its address is: it stands in for that one.
    """
    own = {_plain(urlsplit(site.url).netloc): site for site in sites}
    known: dict[str, Site] = {}
    for host, site in own.items():
        description = description_of(site)
        hosts = [each.name for each in description.hosts]
        if host in hosts or description.id == site.id:
            known |= dict.fromkeys([*hosts, *description.mirrors], site)
    return known | own


def _plain(host: str) -> str:
    """Return a host without what makes no difference: case, `www.` and the usual ports."""
    return re.sub(r":(?:80|443)$", "", host.lower()).removeprefix("www.")
