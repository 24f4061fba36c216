"""The rules of all chats, and which of them a petition fits (pure).

Every rule stands in an index under one thing a petition must have to fit it, so that what a
petition costs grows with the rules it fits, not with all there are.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence, Set
from functools import lru_cache
from threading import Lock
from typing import NamedTuple, TypeAlias

from msgspec import structs
from Stemmer import Stemmer

from bot.petitions.events import Kind
from bot.petitions.petition import Petition, Wording
from bot.subscriptions.subscription import Rule

_WORD = re.compile(r"\w+")
_ENGLISH = Stemmer("english", 0)  # without a cache of its own: ours is quicker
_STEMMING = Lock()  # the stemmer keeps the word it is at in itself, and stores work in threads
# Plurals that have no rule; of a possessive the apostrophe is gone already.
_IRREGULAR = {
    "children": "child",
    "childrens": "child",
    "women": "woman",
    "womens": "woman",
    "men": "man",
    "mens": "man",
    "buses": "bus",
    "gases": "gas",
    "lives": "life",
    "wives": "wife",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "shelves": "shelf",
    "wolves": "wolf",
    "calves": "calf",
    "halves": "half",
    "thieves": "thief",
    "scarves": "scarf",
    "hooves": "hoof",
    "feet": "foot",
    "teeth": "tooth",
    "mice": "mouse",
}

# A chat's id and its rule's number.
RuleKey: TypeAlias = tuple[int, int]


class RuleBook:
    """The rules of all chats, looked up by what a petition is like."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._entries: dict[RuleKey, _Entry] = {}
        self._under: dict[str, dict[str, dict[RuleKey, _Entry]]] = {}
        for rule in rules:
            self.put(rule)

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, rule: Rule) -> None:
        """Take in a rule, in place of the one its chat had under that number."""
        key = (rule.chat_id, rule.number)
        self.drop(key)
        under = self._under.setdefault(rule.site, {})
        entry = _Entry(rule, _asked(rule), frozenset(rule.kinds), _handles(rule, under))
        self._entries[key] = entry
        for handle in entry.handles:
            under.setdefault(handle, {})[key] = entry

    def drop(self, key: RuleKey) -> None:
        """Take out a rule, if it is there."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        under = self._under[entry.rule.site]
        for handle in entry.handles:
            del under[handle][key]
            if not under[handle]:
                del under[handle]

    def of_site(self, site: str) -> list[Rule]:
        """Return all rules about a site, by chat and number."""
        found = (key for key, entry in self._entries.items() if entry.rule.site == site)
        return [self._entries[key].rule for key in sorted(found)]

    def fitting(
        self, petition: Petition, kinds: Collection[Kind], places: Collection[str] = ()
    ) -> list[Rule]:
        """Return the rules that a petition fits and that listen to one of the kinds.

        They come by chat and number. `places` are the ONS codes of the constituencies among its top
        ten.
        """
        under = self._under.get(petition.ref.site)
        if not under or not kinds:
            return []
        seen = _seen(petition, places)
        found: dict[RuleKey, Rule] = {}
        for handle in _offered(seen, kinds, under.keys()):
            for key, entry in under[handle].items():
                if _answers(entry.asked, seen) and not entry.kinds.isdisjoint(kinds):
                    found[key] = entry.rule
        return [found[key] for key in sorted(found)]


def fits(rule: Rule, petition: Petition, places: Collection[str] = ()) -> bool:
    """Return whether a petition is what a rule asks for, whatever happens to it."""
    return rule.site == petition.ref.site and _answers(_asked(rule), _seen(petition, places))


def is_department(asked: str, names: Iterable[str]) -> bool:
    """Return whether a department with these names is the one that a rule asks for."""
    words = frozenset(stems(asked))
    return bool(words) and any(words <= _name(name) for name in names if name)


def same_rule(one: Rule, other: Rule) -> bool:
    """Return whether two rules ask for the same, whatever their chat, number, age and loudness."""
    alike = structs.replace(
        one,
        chat_id=other.chat_id,
        created_at=other.created_at,
        number=other.number,
        thread_id=other.thread_id,
        preferences=other.preferences,
        constituency_name=other.constituency_name,
        is_lost_told=other.is_lost_told,
    )
    return alike == other


def next_number(numbers: Collection[int]) -> int:
    """Return the number that a chat's next rule gets."""
    return max(numbers, default=0) + 1


def stems(text: str) -> tuple[str, ...]:
    """Return a text's words as they are compared: without case, accents and English endings."""
    folded = text.casefold()
    if not folded.isascii():
        folded = folded.replace("’", "")
        folded = "".join(
            c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c)
        )
    return tuple(map(_stem, _WORD.findall(folded.replace("'", "").replace("_", " "))))


# --- what a rule asks for, and what a petition shows ---------------------------------------------


class _Asked(NamedTuple):
    """A rule as it is compared with petitions; a phrase is its words between spaces."""

    words: frozenset[str]
    phrases: tuple[str, ...]
    without: tuple[str, ...]
    without_phrases: tuple[str, ...]
    topics: frozenset[str]
    department: frozenset[str]
    place: str


class _Seen(NamedTuple):
    """A petition as it is compared with rules: its texts apart, and all the words in them."""

    texts: tuple[str, ...]
    words: frozenset[str]
    topics: Collection[str]
    departments: Sequence[frozenset[str]]
    places: Collection[str]


class _Entry(NamedTuple):
    rule: Rule
    asked: _Asked
    kinds: frozenset[Kind]
    handles: tuple[str, ...]


def _answers(asked: _Asked, seen: _Seen) -> bool:
    """Return whether a petition has all that is asked for; the cheapest question comes first."""
    if not asked.words <= seen.words:
        return False
    return (
        (not asked.place or asked.place in seen.places)
        and (not asked.topics or not asked.topics.isdisjoint(seen.topics))
        and (not asked.department or any(asked.department <= name for name in seen.departments))
        and seen.words.isdisjoint(asked.without)
        and _says(asked, seen.texts)
    )


def _says(asked: _Asked, texts: tuple[str, ...]) -> bool:
    """Return whether texts have all the phrases they should, and none that they should not."""
    if not asked.phrases and not asked.without_phrases:
        return True
    spaced = _in_order(texts)
    return all(phrase in spaced for phrase in asked.phrases) and not any(
        phrase in spaced for phrase in asked.without_phrases
    )


def _asked(rule: Rule) -> _Asked:
    wanted = [stems(word) for word in rule.words]
    unwanted = [stems(word) for word in rule.without]
    return _Asked(
        words=frozenset(stem for word in wanted for stem in word),
        phrases=tuple(_spaced(word) for word in wanted if len(word) > 1),
        without=tuple(word[0] for word in unwanted if len(word) == 1),
        without_phrases=tuple(_spaced(word) for word in unwanted if len(word) > 1),
        topics=frozenset(rule.topics),
        department=frozenset(stems(rule.department)),
        place=rule.constituency,
    )


def _seen(petition: Petition, places: Collection[str]) -> _Seen:
    told: tuple[Petition | Wording, ...] = (petition, *petition.wordings)
    texts = tuple(text for t in told for text in (t.action, t.background, t.additional_details))
    names = [name for d in petition.departments for name in (d.name, d.acronym) if name]
    return _Seen(texts, _words(texts), petition.topics, [_name(name) for name in names], places)


@lru_cache(maxsize=64)
def _words(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(stems, texts))


@lru_cache(maxsize=64)
def _in_order(texts: tuple[str, ...]) -> str:
    """Return the words in their order; no phrase reaches from one text into the next."""
    return "|".join(_spaced(stems(text)) for text in texts)


@lru_cache(maxsize=256)
def _name(text: str) -> frozenset[str]:
    return frozenset(stems(text))


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "


@lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    """Return a word without its endings: its forms come out alike, though not always as a word."""
    with _STEMMING:
        return str(_ENGLISH.stemWord(_IRREGULAR.get(word, word)))


# --- the index -----------------------------------------------------------------------------------


def _handles(rule: Rule, under: dict[str, dict[RuleKey, _Entry]]) -> tuple[str, ...]:
    """Return the index entries of a rule: one of these every petition that fits it has.

    Of several that would do, it is the one with the fewest rules.
    """
    asked = _asked(rule)

    def crowded(handle: str) -> tuple[int, int, str]:
        return len(under.get(handle, ())), -len(handle), handle

    if asked.words:
        return (min(asked.words, key=crowded),)
    if asked.place:
        return (_handle("place", asked.place),)
    if asked.department:
        return (min((_handle("department", word) for word in asked.department), key=crowded),)
    sort, names = ("topic", asked.topics) if asked.topics else ("kind", frozenset(rule.kinds))
    return tuple(_handle(sort, name) for name in sorted(names))


def _offered(seen: _Seen, kinds: Collection[Kind], under: Set[str]) -> Set[str]:
    """Return the index entries that a petition has, of those that there are rules under."""
    others = {
        *(_handle("place", code) for code in seen.places),
        *(_handle("department", word) for name in seen.departments for word in name),
        *(_handle("topic", topic) for topic in seen.topics),
        *(_handle("kind", kind) for kind in kinds),
    }
    return (seen.words | others) & under


def _handle(sort: str, name: str) -> str:
    """Name an index entry that is no word; its colon tells it from one."""
    return f"{sort}:{name}"
