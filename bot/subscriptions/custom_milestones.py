"""Milestones of one's own as people type them: "15000", "every 5,000", "50%", "-15000" (pure)."""

import re
from typing import Literal, NamedTuple, TypeAlias

from msgspec import structs

from bot.petitions.number_words import in_figures
from bot.petitions.petition import Petition
from bot.petitions.thresholds import CustomMilestones, is_custom, is_on_ladder, thresholds

MOST = 20  # numbers and percentages of one petition
LEAST = 100
_NEAR = 20  # round numbers that are tried
HIGHEST = 100_000_000

Sort: TypeAlias = Literal["number", "every", "percent"]
Reason: TypeAlias = Literal["unclear", "range", "percent", "reached", "many", "over"]


class MilestoneChange(NamedTuple):
    """A milestone, or series of them, to be taken up or (`drop`) given up."""

    sort: Sort
    value: int
    drop: bool = False


class InvalidMilestone(NamedTuple):
    """The reason why milestones cannot be set as asked; `what` is the word or number at fault."""

    reason: Reason
    what: str = ""


# A point parts thousands from the rest as well as it does elsewhere: only "1.5k" is without doubt.
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12}(?:\.[0-9]{1,3}(?=\s*[km]))?)"
_ITEM = re.compile(
    rf"(?<![^\s,;])(?P<drop>[-−–]\s*)?(?P<every>every\s+)?(?P<number>{_NUMBER})\s*(?P<unit>%|k|m)?(?=[\s,;]|$)",
    re.IGNORECASE,
)
_TIMES = {"k": 1_000, "m": 1_000_000}
_NOTHING = frozenset({"off", "none", "clear"})
# Several times as much as it takes to name as many as there may be.
_LONGEST_CHANGES = 500
# What stands around a number: "when it gets to half a million, please".
_SPOKEN = (
    (re.compile(r"\bhalf[ -]?way\b(?: (?:there|to (?:the |a )?[a-z ]{1,30}))?$"), "50%"),
    (re.compile(r"\bhalf[ -]?way\b"), "50%"),
    (re.compile(r"(?<=\d) ?per ?cent\b"), "%"),
    (re.compile(r"(?<=\d{3}) ?(?:signatures?|sigs|names|people|llofnodi?o?n?)\b"), ""),
    (re.compile(r"^(?:tell me |notify me |when |it |at |hits? |reaches |gets to |for |on )+"), ""),
    (re.compile(r"(?<=[\dkm%]) and (?=\d)"), ", "),
    (re.compile(r"(?<![\s,])[\s,]+(?:please|pls|thanks|os gwelwch yn dda)$"), ""),
)


_HALFWAY_TO = re.compile(rf"\bhalf[ -]?way to ({_NUMBER}) ?(k|m)?\b")


def _half(whole: re.Match[str]) -> str:
    return str(int(whole[1].replace(",", "").partition(".")[0]) * _TIMES.get(whole[2], 1) // 2)


def read_changes(text: str) -> tuple[MilestoneChange, ...] | InvalidMilestone:
    """Read the changes that a text asks for, in its order; none gives all up ("off")."""
    if text.strip().lower() in _NOTHING:
        return ()
    text = " ".join(text.lower().split()).rstrip(" .!?")
    if len(text) > _LONGEST_CHANGES:
        return InvalidMilestone("unclear", text[:_LONGEST_CHANGES])
    text = in_figures(text)
    text = _HALFWAY_TO.sub(_half, text)
    for pattern, written in _SPOKEN:
        text = pattern.sub(written, text)
    rest = " ".join(_ITEM.sub("", text).replace(",", " ").replace(";", " ").split())
    found = tuple(_change(item) for item in _ITEM.finditer(text))
    if rest or not found:
        return InvalidMilestone("unclear", rest or text.strip())
    return next((wrong for change in found if (wrong := _wrong(change))), None) or found


def changed(
    custom: CustomMilestones, changes: tuple[MilestoneChange, ...], petition: Petition
) -> CustomMilestones | InvalidMilestone:
    """Return somebody's milestones of a petition with these changes made, or why they cannot be."""
    if not changes:
        return CustomMilestones()
    if not petition.is_open and not all(change.drop for change in changes):
        return InvalidMilestone("over")
    for change in changes:
        if not change.drop and _has_passed(change, petition):
            return InvalidMilestone("reached", _written(change))
        custom = _with(custom, change)
    return (
        custom if len(custom.numbers) + len(custom.percents) <= MOST else InvalidMilestone("many")
    )


def _change(item: re.Match[str]) -> MilestoneChange:
    unit = (item["unit"] or "").lower()
    whole, _, part = item["number"].replace(",", "").partition(".")
    times = _TIMES.get(unit, 1)
    value = int(whole) * times + int(part or 0) * times // 10 ** len(part)
    sort: Sort = "every" if item["every"] else "percent" if unit == "%" else "number"
    return MilestoneChange(sort, value, bool(item["drop"]))


def _wrong(change: MilestoneChange) -> InvalidMilestone | None:
    if change.sort == "percent":
        return None if 1 <= change.value <= 99 else InvalidMilestone("percent", str(change.value))
    return (
        None if LEAST <= change.value <= HIGHEST else InvalidMilestone("range", str(change.value))
    )


def _has_passed(change: MilestoneChange, petition: Petition) -> bool:
    """Return whether the petition has reached it already; a series always has a next one."""
    count = petition.signature_count
    match change.sort:
        case "number":
            return change.value <= count
        case "percent":
            return all(-(-n * change.value // 100) <= count for n in thresholds(petition))
        case "every":
            return False


def _written(change: MilestoneChange) -> str:
    return f"{change.value}%" if change.sort == "percent" else str(change.value)


def _with(custom: CustomMilestones, change: MilestoneChange) -> CustomMilestones:
    match change.sort:
        case "number":
            return structs.replace(custom, numbers=_toggled(custom.numbers, change))
        case "percent":
            return structs.replace(custom, percents=_toggled(custom.percents, change))
        case "every":
            return structs.replace(custom, every=0 if change.drop else change.value)


def _toggled(values: tuple[int, ...], change: MilestoneChange) -> tuple[int, ...]:
    others = {value for value in values if value != change.value}
    return tuple(sorted(others if change.drop else {*others, change.value}))


def possible(custom: CustomMilestones) -> CustomMilestones:
    """Return the milestones without those that nobody can ask for."""
    numbers = sorted({number for number in custom.numbers if LEAST <= number <= HIGHEST})[:MOST]
    percents = sorted(set(custom.percents))[: MOST - len(numbers)]
    every = custom.every if LEAST <= custom.every <= HIGHEST else 0
    return CustomMilestones(tuple(numbers), every, tuple(percents))


def given_up(
    before: CustomMilestones, after: CustomMilestones, petition: Petition
) -> CustomMilestones:
    """Return the milestones that a change drops, of those that could still have rung."""
    return CustomMilestones(
        numbers=_gone("number", before.numbers, after.numbers, petition),
        every=before.every if before.every != after.every else 0,
        percents=_gone("percent", before.percents, after.percents, petition),
    )


def _gone(
    sort: Sort, before: tuple[int, ...], after: tuple[int, ...], petition: Petition
) -> tuple[int, ...]:
    gone = (value for value in before if value not in after)
    return tuple(value for value in gone if not _has_passed(MilestoneChange(sort, value), petition))


def as_typed(custom: CustomMilestones) -> str:
    """Return the text that asks for these milestones, as `read_changes` reads it."""
    every = [f"every {custom.every}"] if custom.every else []
    parts = [f"{percent}%" for percent in custom.percents]
    return " ".join((*(str(number) for number in custom.numbers), *every, *parts))


def taking_back(before: CustomMilestones, after: CustomMilestones) -> str:
    """Return the text that turns the milestones after a change into those before it."""
    numbers = [f"-{number}" for number in after.numbers if number not in before.numbers]
    percents = [f"-{percent}%" for percent in after.percents if percent not in before.percents]
    every = [f"-every {after.every}"] if after.every and not before.every else []
    gone = CustomMilestones(
        tuple(number for number in before.numbers if number not in after.numbers),
        before.every if before.every != after.every else 0,
        tuple(percent for percent in before.percents if percent not in after.percents),
    )
    return " ".join((*numbers, *percents, *every, as_typed(gone))).strip()


def next_round(petition: Petition, custom: CustomMilestones) -> int | None:
    """Find the next round number above the count that does not ring anyway, if one is near."""
    count = petition.signature_count
    step = max(LEAST, int(5 * 10 ** (len(str(count)) - 2)))
    first = (count // step + 1) * step
    near = range(first, first + _NEAR * step, step)
    return next(
        (
            number
            for number in near
            if not (
                is_on_ladder(number)
                or number in thresholds(petition)
                or is_custom(number, custom, petition)
            )
        ),
        None,
    )
