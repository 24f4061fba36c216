"""The kinds of news that a rule can listen to, and how they are turned on and off (pure)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from msgspec import structs

from bot.petitions.events import EVENT_KINDS, Kind, Threshold
from bot.petitions.parliaments import DESCRIPTIONS
from bot.subscriptions.rule_words import Words, read_words, typed_words
from bot.subscriptions.rules import stems
from bot.subscriptions.subscription import Rule


class EventFilter(NamedTuple):
    """Something a rule may listen to: a kind, or one of its site's thresholds."""

    kind: Kind
    threshold: Threshold | None = None

    @property
    def name(self) -> str:
        """The word by which a button carries the filter."""
        return f"{self.kind}.{self.threshold}" if self.threshold else self.kind


def _for(scope: Literal["all", "narrow", "seat"]) -> tuple[Kind, ...]:
    """Return the kinds that belong to a scope of rules, in the order of their buttons."""
    asked = sorted(
        (row.rules[1], kind)
        for kind, row in EVENT_KINDS.items()
        if row.rules and row.rules[0] == scope
    )
    return tuple(kind for _, kind in asked)


# What a rule that narrows petitions down listens to until somebody chooses; of all petitions there
# are, the others would never stop.
USUAL: tuple[Kind, ...] = _for("all")
_EVERYTHING = (*USUAL, *_for("narrow"))
_OF_A_SEAT = (*_for("seat"), *(kind for kind in USUAL if kind != "opened"))


def event_filters(rule: Rule) -> tuple[EventFilter, ...]:
    """Return everything that a rule can listen to, in the order of its buttons."""
    if rule.constituency:
        kinds: tuple[Kind, ...] = _OF_A_SEAT
    else:
        kinds = _EVERYTHING if rule.words or rule.topics or rule.department else USUAL
    return tuple(
        EventFilter(kind, threshold)
        for kind in kinds
        for threshold in (_thresholds(rule.site) if kind == "threshold" else (None,))
    )


def _thresholds(site: str) -> tuple[Threshold, ...]:
    """Return the thresholds of a site; every threshold there can be if it is not described."""
    description = DESCRIPTIONS.get(site)
    if description is None:
        return get_args(Threshold)
    return tuple(threshold.kind for threshold in description.thresholds)


def hears(rule: Rule, event_filter: EventFilter) -> bool:
    """Return whether a rule listens to this."""
    if event_filter.kind not in rule.kinds:
        return False
    return (
        event_filter.threshold is None
        or not rule.thresholds
        or event_filter.threshold in rule.thresholds
    )


def turned(rule: Rule, name: str) -> Rule:
    """Return the rule with the event filter of that name turned on or off; none may be left."""
    return _with(
        rule, [each for each in event_filters(rule) if hears(rule, each) != (each.name == name)]
    )


def possible(rule: Rule) -> Rule | None:
    """Return the rule as buttons can make it; None if it asks for or listens to nothing."""
    typed = typed_words(rule.words, rule.without)
    words = read_words(typed) if typed else Words()
    if not isinstance(words, Words) or (rule.department and not stems(rule.department)):
        return None
    asked = structs.replace(rule, words=words.wanted, without=words.without)
    heard = _with(asked, [each for each in event_filters(asked) if hears(asked, each)])
    return heard if heard.kinds else None


def _with(rule: Rule, chosen: Sequence[EventFilter]) -> Rule:
    kinds = dict.fromkeys(each.kind for each in chosen)
    thresholds = tuple(each.threshold for each in chosen if each.threshold)
    are_all = thresholds == _thresholds(rule.site)
    return structs.replace(rule, kinds=tuple(kinds), thresholds=() if are_all else thresholds)
