"""Words the milestones of a petition: those reached, those ahead, and the reader's own."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.messages.buttons import (
    CHOOSE_MILESTONE,
    ROOM,
    SETTINGS,
    SUBSCRIBE,
    Button,
    Keyboard,
    Press,
    button,
    in_rows,
)
from bot.messages.chat.conversation import ask_button
from bot.messages.format import day, listed, london_today, moment, number, weekday
from bot.messages.i18n import marked, say, tr
from bot.messages.message import Message, Rich, bold, code, compose, italic, lines
from bot.messages.petition.institutions import committee
from bot.messages.petition.parts import title
from bot.messages.reader import is_shared
from bot.petitions.events import MilestoneReached, Threshold
from bot.petitions.forecast import pace
from bot.petitions.parliaments import description_of
from bot.petitions.petition import Petition, PetitionRef, Reading, Site
from bot.petitions.thresholds import (
    CustomMilestones,
    at_number,
    custom_reached,
    is_custom,
    next_custom,
    next_milestone,
    reached,
    thresholds,
    thresholds_ahead,
)
from bot.subscriptions.custom_milestones import (
    LEAST,
    MOST,
    InvalidMilestone,
    as_typed,
    next_round,
    taking_back,
)

_OFFICIAL: dict[Threshold, str] = {
    "response": marked("{number} (response threshold)"),
    "referral": marked("{number} (goes to {committee})"),
    "debate": marked("{number} (debate threshold)"),
}
_BRINGS: dict[Threshold, str] = {
    "response": marked("At {number}, it gets a written response."),
    "referral": marked("At {number}, it goes to {committee}."),
    "debate": marked("At {number}, it's considered for a debate."),
}
_FAR = timedelta(days=365)
_OFTEN = 10_000
_HALF = 50
_NONE = CustomMilestones()


def official_numbers(sites: Sequence[Site]) -> Message:
    """Word how many signatures a petition needs, and for what, at each of these sites."""
    return compose(
        *lines(
            bold(tr("How many signatures a petition needs")),
            *(each for site in sites for each in _brought(site, is_named=len(sites) > 1)),
        )
    )


def _brought(site: Site, *, is_named: bool) -> Iterator[Rich | str]:
    description = description_of(site)
    if is_named:
        yield from ("", site.name)
    institutions = description.institutions
    committee_named = tr(institutions.committee or institutions.parliament)
    for each in description.thresholds:
        yield tr(_BRINGS[each.kind], number=number(each.usual), committee=committee_named)


def milestones_text(
    petition: Petition,
    readings: Sequence[Reading],
    now: datetime,
    own: CustomMilestones = _NONE,
    undo: CustomMilestones = _NONE,
) -> Message:
    """Word every milestone reached and the next ones, at last week's pace where it is known.

    `own` are the reader's own milestones, `undo` those they have just given up.
    """
    known = pace(petition, readings, now)
    rate = known.life if known.last_7d is None else known.last_7d
    return compose(
        *lines(
            say("🪜 <b>Milestones</b>"),
            title(petition),
            "",
            *(_behind(reached, petition, own, readings) for reached in _reached(petition, own)),
            _standing(petition),
            *(_ahead(n, petition, own, rate, now) for n in _coming(petition, own)),
            None if petition.is_open else italic(tr("It's no longer open for signatures.")),
            *_about_own(petition, own, undo),
        )
    )


def _standing(petition: Petition) -> str:
    now = number(petition.signature_count)
    return (
        tr("▸ {number} now", number=now) if petition.is_open else tr("■ {number} now", number=now)
    )


def _reached(petition: Petition, own: CustomMilestones) -> list[MilestoneReached]:
    count = petition.signature_count
    found = {n: at_number(petition, n) for n in custom_reached(own, petition, 0, count)}
    found |= reached(petition)
    return [found[n] for n in sorted(found)]


def _coming(petition: Petition, own: CustomMilestones) -> list[int]:
    """Return the next milestone, the official thresholds not reached yet, and the reader's own."""
    if not petition.is_open:
        return []
    count = petition.signature_count
    official = thresholds_ahead(petition)
    coming = {next_milestone(petition), *official, *(n for n in own.numbers if n > count)}
    if following := next_custom(own, petition, count):
        coming.add(following)
    return sorted(coming)


def _name(milestone: int, petition: Petition, own: CustomMilestones) -> str:
    """Word a milestone: its number, what it stands for, and whether it is the reader's own."""
    official = thresholds(petition).get(milestone)
    name = number(milestone)
    if official:
        name = tr(_OFFICIAL[official], number=name, committee=committee(petition))
    return f"★ {name}" if is_custom(milestone, own, petition) else name


def _behind(
    reached: MilestoneReached,
    petition: Petition,
    own: CustomMilestones,
    readings: Sequence[Reading],
) -> Rich:
    text = _when(reached, _name(reached.number, petition, own), readings)
    return bold(text) if reached.official else text


def _when(reached: MilestoneReached, name: str, readings: Sequence[Reading]) -> str:
    """Word when a milestone was reached: by the site's own time, or by which reading of ours."""
    if reached.reached_at:
        return tr(
            "✓ {milestone}: reached {moment}", milestone=name, moment=moment(reached.reached_at)
        )
    for before, after in pairwise(readings):
        if before.signature_count < reached.number <= after.signature_count:
            return tr("✓ {milestone}: reached by {moment}", milestone=name, moment=moment(after.at))
    return tr("✓ {milestone}: reached", milestone=name)


def _ahead(
    milestone: int, petition: Petition, own: CustomMilestones, a_day: float | None, now: datetime
) -> str:
    name, missing = _name(milestone, petition, own), number(milestone - petition.signature_count)
    plain = tr("○ {milestone}: {missing} to go", milestone=name, missing=missing)
    if not a_day or a_day < 1:
        return plain
    wait = timedelta(days=min((milestone - petition.signature_count) / a_day, 10_000))
    on = london_today(now + wait)
    if petition.closing_date and on > petition.closing_date:
        return tr(
            "○ {milestone}: {missing} to go, not before it closes at this pace",
            milestone=name,
            missing=missing,
        )
    if wait < timedelta(days=1):
        return tr(
            "○ {milestone}: {missing} to go, within a day at this pace",
            milestone=name,
            missing=missing,
        )
    when = weekday(on) if wait < timedelta(days=14) else day(on)
    coming = tr(
        "○ {milestone}: {missing} to go, about {day} at this pace",
        milestone=name,
        missing=missing,
        day=when,
    )
    return coming if wait < _FAR else plain


# --- one's own -----------------------------------------------------------------------------------


def milestones_named(custom: CustomMilestones) -> str:
    """Word milestones of one's own: 15,000, every 5,000 and 50% of the way."""
    every = [tr("every {number}", number=number(custom.every))] if custom.every else []
    parts = [tr("{percent}% of the way", percent=percent) for percent in custom.percents]
    return listed([*(number(each) for each in custom.numbers), *every, *parts])


def _about_own(petition: Petition, own: CustomMilestones, undo: CustomMilestones) -> Iterator[Rich]:
    if own != _NONE or undo != _NONE:
        yield ""
    if own != _NONE:
        named = milestones_named(own)
        if is_shared():
            yield say("★ This chat's milestones: <b>{milestones}</b>", milestones=named)
        else:
            yield say("★ Your milestones: <b>{milestones}</b>", milestones=named)
    if undo != _NONE:
        again = code(f"/milestones {petition.ref.id} {as_typed(undo)}")
        gone = milestones_named(undo)
        yield say("Removed: {milestones}. To undo: {command}", milestones=gone, command=again)


def milestone_buttons(
    petition: Petition, custom: CustomMilestones | None, undo: CustomMilestones = _NONE
) -> Keyboard:
    """Return the buttons that choose or give up milestones; `custom` is None if unfollowed."""
    ref = petition.ref
    if custom is None:
        return [[button(tr("Follow"), SUBSCRIBE, ref)]]
    rows = (
        [[button(tr("Undo"), CHOOSE_MILESTONE, ref, as_typed(undo))]]
        if undo != _NONE and len(Press(CHOOSE_MILESTONE, ref, as_typed(undo)).data) <= ROOM
        else []
    )
    rows += in_rows(_common(petition, custom)) if petition.is_open else []
    rows += in_rows(
        (button(f"✕ {number(each)}", CHOOSE_MILESTONE, ref, f"-{each}") for each in custom.numbers),
        3,
    )
    if petition.is_open:
        rows.append([ask_button(tr("Another number…"), "milestones", ref)])
    last = [button(tr("‹ Back"), SETTINGS, ref)]
    if custom != _NONE:
        last.insert(0, button(tr("Clear my milestones"), CHOOSE_MILESTONE, ref, "off"))
    return [*rows, last]


def undo_buttons(
    ref: PetitionRef, before: CustomMilestones, after: CustomMilestones
) -> list[list[Button]]:
    """Return the button that takes a change of milestones back, none if it has no room for that."""
    text = taking_back(before, after)
    fits = text and len(Press(CHOOSE_MILESTONE, ref, text).data) <= ROOM
    return [[button(tr("Undo"), CHOOSE_MILESTONE, ref, text)]] if fits else []


def _common(petition: Petition, custom: CustomMilestones) -> list[Button]:
    ref, following = petition.ref, next_round(petition, custom)
    often = tr("Every {number}", number=number(_OFTEN))
    keys = [
        *_next_button(ref, following),
        _switch(ref, often, f"every {_OFTEN}", is_on=custom.every == _OFTEN),
    ]
    if _is_halfway_ahead(petition) or _HALF in custom.percents:
        half = tr("Halfway to threshold")
        keys.append(_switch(ref, half, f"{_HALF}%", is_on=_HALF in custom.percents))
    return keys


def _is_halfway_ahead(petition: Petition) -> bool:
    """Return whether half the way to any threshold is still to come."""
    return any(n * _HALF > petition.signature_count * 100 for n in thresholds(petition))


def _next_button(ref: PetitionRef, following: int | None) -> list[Button]:
    if following is None:
        return []
    return [
        button(tr("At {number}", number=number(following)), CHOOSE_MILESTONE, ref, str(following))
    ]


def _switch(ref: PetitionRef, text: str, change: str, *, is_on: bool) -> Button:
    return button(
        f"✓ {text}" if is_on else text, CHOOSE_MILESTONE, ref, f"-{change}" if is_on else change
    )


def milestones_refused(
    wrong: InvalidMilestone, petition: Petition, own: CustomMilestones = _NONE
) -> Message:
    """Word why milestones cannot be had as asked for beside one's `own`, and which can."""
    return compose(*lines(why_not(wrong, petition), *_examples(petition, wrong, own)))


def why_not(wrong: InvalidMilestone, petition: Petition) -> Rich:
    """Word why milestones cannot be had as asked for."""
    match wrong.reason:
        case "reached":
            return say(
                "It has already passed {milestone} (now {number}). Choose a higher one.",
                milestone=_written(wrong.what),
                number=number(petition.signature_count),
            )
        case "many":
            return tr("You can set up to {most} milestones of your own.", most=MOST)
        case "range":
            return tr("Your own milestones must be {least} or more.", least=LEAST)
        case "percent":
            return tr("Choose a percentage from 1% to 99%.")
        case "over":
            return tr("It isn't open for signatures, so it can't reach new milestones.")
        case "unclear":
            return say("I don't understand {text} as a milestone.", text=code(wrong.what[:60]))


def _written(what: str) -> str:
    return number(int(what)) if what.isascii() and what.isdigit() else what


def _examples(petition: Petition, wrong: InvalidMilestone, own: CustomMilestones) -> Sequence[Rich]:
    """Return commands to try: for milestones that are still ahead, or for making room."""
    if wrong.reason == "over" or not petition.is_open:
        return ()
    ref, following = petition.ref, next_round(petition, own)
    if wrong.reason == "many" and own.numbers:
        return (tr("Remove one first:"), code(f"/milestones {ref.id} -{own.numbers[0]}"))
    typed = [str(following)] if following else []
    typed.append("every 5000")
    if _is_halfway_ahead(petition):
        typed.append(f"{_HALF}%")
    return [code(f"/milestones {ref.id} {example}") for example in (*typed, "off")]


def no_milestones(petition: Petition) -> Message:
    """Word that a petition that was never open has none."""
    return compose(
        *lines(
            title(petition),
            tr("This petition was never open for signatures, so it has no milestones."),
        )
    )
