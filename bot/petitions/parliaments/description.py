"""The record of all that may differ from one petitions site to another (pure).

Every site runs some branch of the same software for some parliament. Whatever the rest of the
program would have to know of a site beyond its address is asked of its description.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.petitions.events import Kind, Threshold
from bot.petitions.parliaments.tile_map import TileMap
from bot.petitions.petition import PetitionId

Language: TypeAlias = Literal["en", "cy", "gd"]
Breakdown: TypeAlias = Literal["country", "constituency", "region", "parish"]

# The features that a site may have beside its petitions; others are neither asked for nor offered.
Feature: TypeAlias = Literal[
    "archive",
    "business",
    "committee_note",
    "constituencies",
    "departments",
    "local",
    "members_api",
    "parishes",
    "regions",
    "topics",
    "trending",
]

# The one who answers a petition in writing, on which the sentences about an answer depend.
Responder: TypeAlias = Literal["government", "ministers"]

# The promise to a petition that has reached the threshold for a debate: the parliament considers
# one, its committee considers asking for one, or it only has become possible.
DebatePromise: TypeAlias = Literal["parliament", "committee", "possible"]

# The way in which an open petition's last day is known: it tells the day, it tells the instant, it
# is so many months after it opened, or there is none, since a committee closes it when finished.
Closing: TypeAlias = Literal["told_day", "told_instant", "computed", "committee"]


def marked(text: str) -> str:
    """Return the text itself, marked for the catalogues: it is translated where it is used."""
    return text


class Paths(Struct, frozen=True):
    """The words of a host's addresses, which are in the language of the host."""

    petitions: str = "petitions"
    count: str = "count"
    gathering_support: str = "gathering-support"
    moderation_info: str = "moderation-info"
    local: str = "local"
    local_all: str = "all"
    topics: str = "topics"
    trending: str = "trending"
    constituencies: str = "constituencies"
    regions: str = "regions"
    countries: str = "countries"
    parishes: str = "parishes"


class Host(Struct, frozen=True):
    """A host on which a site shows its petitions, each in one language."""

    name: str
    language: Language = "en"
    paths: Paths = Paths()

    @property
    def url(self) -> str:
        return f"https://{self.name}"


class Ids(Struct, frozen=True):
    """The way a site writes the number of a petition: bare digits, or digits after a prefix.

    With prefixes the number has at least `digits` digits, whatever noughts that takes. A petition
    may go by another prefix later on, and its old name still leads to it.
    """

    prefixes: tuple[str, ...] = ()
    digits: int = 1

    @property
    def pattern(self) -> str:
        """A regular expression for a number as people may write it, whatever their case."""
        if not self.prefixes:
            return "[1-9][0-9]{0,9}"
        return rf"(?:{'|'.join(self.prefixes)})[0-9]{{{self.digits},9}}"

    def read(self, text: str) -> PetitionId | None:
        """Read a text as a number of this site, in its one form; None if it is none."""
        found = re.fullmatch(self.pattern, text, re.IGNORECASE | re.ASCII)
        if not found:
            return None
        if not self.prefixes:
            return int(text)
        length = next(len(p) for p in self.prefixes if text.upper().startswith(p))
        number = int(text[length:])
        return f"{text[:length].upper()}{number:0{self.digits}}" if number else None

    def is_for_good(self, number: PetitionId) -> bool:
        """Return whether a petition keeps this number from its publication on."""
        return not self.prefixes or str(number).startswith(self.prefixes[0])

    def changes_to(self, number: PetitionId) -> bool:
        """Return whether a petition of this number may have had another one before."""
        return bool(self.prefixes) and self.is_for_good(number)

    def may_be_same(self, asked: PetitionId, told: PetitionId) -> bool:
        """Return whether a body that calls itself `told` can be of the petition `asked` for."""
        if asked == told:
            return True
        prefix = next((p for p in self.prefixes if str(asked).startswith(p)), None)
        return prefix is not None and not str(told).startswith(prefix)


class OfficialThreshold(Struct, frozen=True):
    """A number of signatures that brings a response, a referral or a debate.

    A petition may tell the number itself, under the key `told_as`; else the site is configured with
    it, or has the `usual` one. Only petitions that carry the key `needs`, if there is one, have it.
    """

    kind: Threshold
    usual: int
    told_as: str = ""
    needs: str = ""


class Institutions(Struct, frozen=True):
    """The institutions that have a part in petitions; None for one that has none.

    The names are as they stand within a sentence, and are translated where they are used.
    """

    parliament: str
    responder: Responder | None
    committee: str | None
    member: str
    members: str


class Lists(Struct, frozen=True):
    """A site's lists by the names it gives them; None for what it has no list of.

    `newest` begins with what opened (or was started) last; the first pages of `responded`,
    `debate_dates` and `debated` tell of a response, a debate's date and its outcome, those of
    `referred` and `ended` of what a committee takes up and has finished. `open_by_signatures`: the
    list of open petitions begins with the most signed. Unless `next_is_right`, the links to a next
    page lose part of what was asked for, so that pages are asked for by their number.
    """

    facets: tuple[str, ...]
    open: str = "open"
    everything: str = "all"
    newest: str | None = None
    responded: str | None = None
    debate_dates: str | None = None
    debated: str | None = None
    referred: str | None = None
    ended: str | None = None
    open_by_signatures: bool = True
    usual_rows: int = 50
    most_rows: int = 50
    next_is_right: bool = True
    narrows_by_topic: bool = False


class SiteDescription(Struct, frozen=True, kw_only=True):
    """All that is particular to a site.

    `mark` is the key that tells its bodies from those of the other sites. `names` gives for an
    attribute of ours the keys it may come under, `states` our names of a site's states; a petition
    that calls itself closed without saying since when is in the state `undated_closing`, where that
    means something else. `response_overdue` and `debate_overdue` are the days after a threshold on
    which silence is worth a word. `ends_with_parliament`: what is open closes when the parliament
    is dissolved. `is_referred_after_closing`: closing is not the end, a committee takes it up or it
    is rejected for want of signatures. `removal` is how the site answers for a petition that it
    took down: with a 410, or as for one that never was. `places_by_code`: the petitions of a
    constituency are at its code, instead of at its name; `seat_codes` are how the ONS codes of its
    constituencies begin; `place_names` are the names of its places in its other languages, by
    language and code.
    """

    id: str
    name: str
    hosts: tuple[Host, ...]
    mirrors: tuple[str, ...] = ()
    ids: Ids = Ids()
    mark: str
    id_key: str = "id"
    state_key: str = "state"
    states: Mapping[str, str]
    undated_closing: str = ""
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    thresholds: tuple[OfficialThreshold, ...]
    debate_promise: DebatePromise
    response_overdue: tuple[int, ...] = ()
    debate_overdue: tuple[int, ...] = ()
    institutions: Institutions
    lists: Lists
    breakdowns: tuple[Breakdown, ...]
    features: frozenset[Feature]
    maps: tuple[TileMap, ...] = ()
    place_names: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    closing: Closing
    months_open: int | None
    ends_with_parliament: bool = False
    is_referred_after_closing: bool = False
    removal: Literal["gone", "missing"] = "gone"
    places_by_code: bool = False
    seat_codes: tuple[str, ...] = ()
    trending_hours: int = 1
    is_openly_licensed: bool = True

    @property
    def url(self) -> str:
        """The site's usual address, without a slash at its end."""
        return self.hosts[0].url

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages the site shows its petitions in, its first one first."""
        return tuple(host.language for host in self.hosts)

    def host(self, language: str) -> Host:
        """Return the host in a language; the first one if there is none."""
        return next((host for host in self.hosts if host.language == language), self.hosts[0])

    def threshold(self, kind: Threshold) -> OfficialThreshold | None:
        """Find the site's threshold of a kind; None if it has none."""
        return next((each for each in self.thresholds if each.kind == kind), None)

    def usual(self, kind: Threshold) -> int | None:
        """Return the usual number of signatures of a threshold; None where there is none."""
        threshold = self.threshold(kind)
        return threshold.usual if threshold else None

    def has(self, feature: Feature) -> bool:
        """Return whether the site has this beside its petitions."""
        return feature in self.features

    def tells(self, kind: Kind) -> bool:
        """Return whether news of a kind can come from the site at all."""
        match kind:
            case "threshold":
                return bool(self.thresholds)
            case "response":
                return self.institutions.responder is not None
            case "debate":
                return self.threshold("debate") is not None
            case "overdue":
                return bool(self.response_overdue or self.debate_overdue)
            case "business":
                return self.has("business") or self.has("committee_note")
            case "top_ten":
                return self.has("constituencies")
            case _:
                return True

    def page(self, url: str, petition_id: PetitionId, language: str = "") -> str:
        """Return the address of a petition's web page, below the site's configured `url`.

        In another language it is on the host of that language, where the site is at its own hosts.
        """
        here = self.hosts[0]
        there = self.host(language) if language else here
        if there is not here and url.rstrip("/") == here.url:
            return f"{there.url}/{there.paths.petitions}/{petition_id}"
        return f"{url.rstrip('/')}/{here.paths.petitions}/{petition_id}"
