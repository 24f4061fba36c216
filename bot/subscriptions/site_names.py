"""The names of a site's places and departments, and what becomes of rules when they change.

Constituencies and topics have codes, and lists of them are whole; a department is known by its name
alone, from the petitions that go to it. A rule goes on with whatever took the place of what it asks
for; where nothing did, its owner is to be told (pure).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from msgspec import DecodeError, Struct, json, structs

from bot.subscriptions.names import plain, related
from bot.subscriptions.rules import is_department
from bot.subscriptions.subscription import Rule

# Something is not there for good when it was missed so often, counting once in six hours: for a day
# on a whole list, for two weeks among the petitions, as a small department may have none for long.
_COUNTED_EVERY = timedelta(hours=6)
_MISSED_ON_A_LIST = 4
_MISSED_AMONG_PETITIONS = 56

# A list that lacks more than half of what was there tells more about the site than about names.
_LEAST_SHARE = 0.5


class Name(Struct, frozen=True, omit_defaults=True):
    """The name of something on a site; `missed` is how often in a row it was not there any more."""

    name: str
    acronym: str = ""
    url: str = ""
    missed: int = 0


Register: TypeAlias = Mapping[str, Name]


class SiteNames(Struct, frozen=True, omit_defaults=True):
    """The constituencies and topics by code, and departments by name, of now and before.

    `counted_at` is when what was missed was last counted.
    """

    constituencies: dict[str, Name] = {}
    topics: dict[str, Name] = {}
    departments: dict[str, Name] = {}
    counted_at: datetime | None = None


class Lost(NamedTuple):
    """Something that a rule asks for and the site has no longer, by the name it had."""

    what: Literal["constituency", "topic", "department"]
    name: str


_DECODER = json.Decoder(SiteNames)


def note_of(site: str) -> str:
    """Return the name of the note in which a site's names are kept."""
    return f"names of {site}"


def written(names: SiteNames) -> str:
    """Write names as a note keeps them."""
    return json.encode(names).decode()


def read(note: str | None) -> SiteNames:
    """Read the names that a note keeps; none if it keeps nothing that can be read."""
    try:
        return _DECODER.decode(note or "{}")
    except DecodeError:
        return SiteNames()


def learnt(
    names: SiteNames,
    now: datetime,
    *,
    constituencies: Mapping[str, str],
    topics: Mapping[str, str],
    departments: Register,
) -> SiteNames:
    """Return the names with what a site has just told; an empty part tells nothing."""
    counted_at = names.counted_at
    counts = counted_at is None or not counted_at <= now < counted_at + _COUNTED_EVERY
    return SiteNames(
        constituencies=_listed(names.constituencies, constituencies, counts=counts),
        topics=_listed(names.topics, topics, counts=counts),
        departments=_with(names.departments, departments, counts=counts and bool(departments)),
        counted_at=now if counts else counted_at,
    )


def _listed(kept: Register, found: Mapping[str, str], *, counts: bool) -> dict[str, Name]:
    """Return names by code after a list was read, which is whole unless far too short."""
    there = sum(not name.missed for name in kept.values())
    if not found or len(found) < there * _LEAST_SHARE:
        return dict(kept)
    fresh = _with(kept, {code: Name(name) for code, name in found.items()}, counts=counts)
    return {
        code: name if code in found or name.missed else structs.replace(name, missed=1)
        for code, name in fresh.items()
    }


def _with(kept: Register, found: Register, *, counts: bool) -> dict[str, Name]:
    missed = {
        key: structs.replace(name, missed=name.missed + counts)
        for key, name in kept.items()
        if key not in found
    }
    return missed | dict(found)


def with_past(names: SiteNames, constituencies: Mapping[str, str]) -> SiteNames:
    """Return the names with those of a past parliament, where nothing newer is known."""
    past = {code: Name(name, missed=_MISSED_ON_A_LIST) for code, name in constituencies.items()}
    named = {code: name for code, name in names.constituencies.items() if name.name}
    return structs.replace(names, constituencies=names.constituencies | past | named)


def with_rules(names: SiteNames, rules: Iterable[Rule]) -> SiteNames:
    """Return the names with rules' constituencies that no list has, missed from now on."""
    unlisted = {
        rule.constituency: Name(rule.constituency_name, missed=1)
        for rule in rules
        if rule.constituency and not called(rule.constituency, names.constituencies)
    }
    return structs.replace(names, constituencies=names.constituencies | unlisted)


def nameless(names: SiteNames, codes: Iterable[str]) -> set[str]:
    """Return the codes of constituencies whose name is not known."""
    return {code for code in codes if not called(code, names.constituencies)}


# --- what becomes of rules -----------------------------------------------------------------------


def carried_over(rule: Rule, names: SiteNames) -> Rule:
    """Return the rule, asking for what took the place of what it asks for."""
    topics = (_successor(topic, names.topics) for topic in rule.topics)
    return structs.replace(
        rule,
        constituency=_successor(rule.constituency, names.constituencies),
        topics=tuple(dict.fromkeys(topics)),
        department=_department(rule.department, names.departments),
    )


def lost(rule: Rule, names: SiteNames) -> Lost | None:
    """Find what the rule asks for that is gone for good; None if it may still tell something."""
    if rule.constituency and _is_gone(rule.constituency, names.constituencies):
        name = called(rule.constituency, names.constituencies)
        return Lost("constituency", name or rule.constituency)
    if rule.topics and all(_is_gone(topic, names.topics) for topic in rule.topics):
        return Lost("topic", called(rule.topics[0], names.topics) or rule.topics[0])
    meant = _called_so(rule.department, names.departments)
    if meant and all(name.missed >= _MISSED_AMONG_PETITIONS for name in meant):
        return Lost("department", rule.department)
    return None


class Fate(NamedTuple):
    """A rule, what it is `carried` over to under new names, and what of that is gone for good."""

    rule: Rule
    carried: Rule
    gone: Lost | None


def fates(rules: Iterable[Rule], names: SiteNames) -> list[Fate]:
    """Decide what becomes of rules; those that simply go on are left out."""
    by_what: dict[tuple[object, ...], tuple[Rule, Lost | None]] = {}
    found = []
    for rule in rules:
        what = (rule.constituency, rule.topics, rule.department)
        if what not in by_what:
            carried = carried_over(rule, names)
            by_what[what] = carried, lost(carried, names)
        like, gone = by_what[what]
        carried = structs.replace(
            rule,
            constituency=like.constituency,
            topics=like.topics,
            department=like.department,
        )
        if carried != rule or gone or rule.is_lost_told:
            found.append(Fate(rule, carried, gone))
    return found


def others(gone: Lost, names: SiteNames) -> dict[str, str]:
    """Return what there is like the thing that is gone: names by button text, the likest first."""
    match gone.what:
        case "constituency":
            register, verb = names.constituencies, "seat"
        case "topic":
            register, verb = names.topics, "topic"
        case "department":
            register, verb = names.departments, "dept"
    there = current(register)
    return {f"{verb}.{key}": there[key][0] for key in related(gone.name, there)}


def called(code: str, register: Register) -> str:
    """Return the name that goes or went with a code, "" if nobody knows."""
    return register[code].name if code in register else ""


def current(register: Register) -> dict[str, tuple[str, ...]]:
    """Return what is there now, by its code or name, with all it is called."""
    return {
        key: tuple(filter(None, (name.name, name.acronym)))
        for key, name in register.items()
        if not name.missed
    }


def _successor(code: str, register: Register) -> str:
    """Return the code by which something of the same name goes now; itself if there is none."""
    was = register.get(code)
    if was is None or not was.missed or not was.name:
        return code
    found = [
        key
        for key, name in register.items()
        if not name.missed and plain(name.name) == plain(was.name)
    ]
    return found[0] if len(found) == 1 else code


def _department(asked: str, register: Register) -> str:
    """Return the name of the department with the acronym or the page of the one asked for.

    It is the one asked for itself, if that is still there or no other can be told for sure.
    """
    meant = _called_so(asked, register)
    if not meant or any(not name.missed for name in meant):
        return asked
    successors = {
        name.name
        for name in register.values()
        if not name.missed and any(_is_same_institution(name, was) for was in meant)
    }
    return successors.pop() if len(successors) == 1 else asked


def _called_so(asked: str, register: Register) -> list[Name]:
    names = register.values()
    return [name for name in names if asked and is_department(asked, (name.name, name.acronym))]


def _is_same_institution(one: Name, other: Name) -> bool:
    acronyms = one.acronym.casefold(), other.acronym.casefold()
    has_acronym = bool(one.acronym) and acronyms[0] == acronyms[1]
    return has_acronym or (bool(one.url) and one.url == other.url)


def _is_gone(code: str, register: Register) -> bool:
    """Return whether a code has long been missing from a list; False without a list."""
    if not register:
        return False
    return code not in register or register[code].missed >= _MISSED_ON_A_LIST
