"""What people type or paste -> the petition they mean (pure).

Never a guess: a number must be one as the petitions sites write it, and a link must lead to a site
that we know.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bot.petitions.petition import PetitionRef, Site

_NUMBER = "[1-9][0-9]{0,9}"

_NAME = re.compile(rf"(?:(?P<site>[a-z0-9_-]+):|#)?(?P<id>{_NUMBER})", re.IGNORECASE)

# Where a link begins nothing may come before it that would make it part of another link; where the
# number ends, neither may more of a word.
_LINK = re.compile(
    rf"""
    (?: (?<! [a-z0-9/@=.%&?\#+-] ) https?:// | (?<! [a-z0-9/@=.%&?\#+:-] ) )
    (?P<host> [a-z0-9.-]+ (?: :[0-9]+ )? )
    /(?:archived/)?petitions/
    (?P<id> {_NUMBER} ) (?! [^\W_] | _ )
    """,
    re.IGNORECASE | re.VERBOSE,
)

# Hosts that show another site's petitions under the same numbers.
_MIRRORS = {
    "parallelparliament.co.uk": "petition.parliament.uk",
    "deisebau.senedd.cymru": "petitions.senedd.wales",
}
# The site of this name understands these links wherever it is asked: as a stand-in or a mirror.
_UK = ("uk", ("petition.parliament.uk", "parallelparliament.co.uk"))

_BRACKETS = " \n<>()[]\"'"
_STOPS = " \n.,;:!?"


def find_reference(text: str, sites: Sequence[Site]) -> PetitionRef | None:
    """The petition that `300239`, `#300239`, `uk:300239` or a link to it means.

    A bare number belongs to the first site. None if the text means no petition that we can know.
    """
    if named := _NAME.fullmatch(text.rstrip(_STOPS).strip(_BRACKETS)):
        return _named(named, sites)
    return find_link(text, sites)


def find_link(text: str, sites: Sequence[Site]) -> PetitionRef | None:
    """The petition of the first link in a text that leads to a petition on a known site."""
    known = _hosts(sites)
    for link in _LINK.finditer(text):
        if site := known.get(_plain(link["host"])):
            return PetitionRef(site, int(link["id"]))
    return None


def _named(named: re.Match[str], sites: Sequence[Site]) -> PetitionRef | None:
    wanted = named["site"]
    for site in sites:
        if wanted is None or site.id.lower() == wanted.lower():
            return PetitionRef(site.id, int(named["id"]))
    return None


def _hosts(sites: Sequence[Site]) -> Mapping[str, str]:
    """Every host we know, and the id of the site behind it."""
    own = {_plain(urlsplit(site.url).netloc): site.id for site in sites}
    mirrors = {host: own[of] for host, of in _MIRRORS.items() if of in own}
    name, hosts = _UK
    named = {host: name for host in hosts if name in own.values()}
    return named | mirrors | own


def _plain(host: str) -> str:
    """A host without what makes no difference: case, `www.` and the usual ports."""
    return re.sub(r":(?:80|443)$", "", host.lower()).removeprefix("www.")
