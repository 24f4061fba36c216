"""What a rule can be made to listen to, and turning that on and off (pure)."""

from typing import NamedTuple

from msgspec import structs

from bot.petitions.model import Kind, Rule, Threshold


class Ear(NamedTuple):
    """Something a rule may listen to: a kind, or one of the two thresholds."""

    kind: Kind
    threshold: Threshold | None = None

    @property
    def name(self) -> str:
        """As a button carries it."""
        return f"{self.kind}.{self.threshold}" if self.threshold else self.kind


_EVERYTHING = (
    Ear("opened"),
    Ear("threshold", "response"),
    Ear("threshold", "debate"),
    Ear("response"),
    Ear("debate"),
    Ear("milestone"),
    Ear("closing"),
    Ear("surge"),
    Ear("overdue"),
    Ear("standing"),
    Ear("business"),
    Ear("fell"),
)
# Of all petitions there are, the others would never stop.
_OF_ALL = _EVERYTHING[:5]

# What a rule that narrows petitions down listens to until somebody chooses.
USUAL: tuple[Kind, ...] = ("opened", "threshold", "response", "debate")


def ears(rule: Rule) -> tuple[Ear, ...]:
    """What a rule can listen to."""
    if rule.constituency:
        return (Ear("place"), *_OF_ALL[1:])
    return _EVERYTHING if rule.words or rule.topics or rule.department else _OF_ALL


def hears(rule: Rule, ear: Ear) -> bool:
    """Whether a rule listens to this."""
    if ear.kind not in rule.kinds:
        return False
    return ear.threshold is None or not rule.thresholds or ear.threshold in rule.thresholds


def turned(rule: Rule, name: str) -> Rule:
    """The rule with the ear of that name turned on or off; it may be left with none."""
    kept = [ear for ear in ears(rule) if hears(rule, ear) != (ear.name == name)]
    kinds = dict.fromkeys(ear.kind for ear in kept)
    thresholds = tuple(ear.threshold for ear in kept if ear.threshold)
    return structs.replace(
        rule, kinds=tuple(kinds), thresholds=thresholds if len(thresholds) == 1 else ()
    )
