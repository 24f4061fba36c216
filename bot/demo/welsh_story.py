"""Functional core: an invented petition to the Senedd, from first signature to last word.

It runs beside the story of 300239, by the same clock: referred to the Petitions Committee, debated,
completed. Its text is in both languages, as the Senedd's site has it on its two hosts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from bot.demo.petition_bodies import timestamp
from bot.demo.sister_shapes import senedd_petition

PETITION_ID = 245000


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OPENED = _utc("2020-02-27T10:00:00")
REFERRAL_THRESHOLD = _utc("2020-03-14T09:00:00")
DEBATE_THRESHOLD = _utc("2020-06-20T12:00:00")
CLOSED = _utc("2020-08-01T22:59:59.999")
REFERRED = _utc("2020-08-02T23:00:00")  # the second midnight in London after it closed
SCHEDULED = _utc("2020-09-21T10:00:00")
DEBATED = _utc("2020-10-16T09:00:00")
COMPLETED = _utc("2020-11-18T11:00:00")

_COUNTS: Sequence[tuple[datetime, int]] = (
    (OPENED, 6),
    (REFERRAL_THRESHOLD, 250),
    (DEBATE_THRESHOLD, 10_000),
    (CLOSED, 11_380),
)
_SEATS = (
    ("W09000048", "Afan Ogwr Rhondda", 0.31),
    ("W09000049", "Bangor Conwy Môn", 0.44),
    ("W09000053", "Caerdydd Penarth", 0.21),
)
_RECORD = "https://record.senedd.wales/Plenary/2020-10-14"


def count_at(when: datetime) -> int:
    """Return the signatures at a moment of the story."""
    for (since, low), (until, high) in pairwise(_COUNTS):
        if when < until:
            share = max(0.0, (when - since) / (until - since))
            return round(low + (high - low) * share)
    return _COUNTS[-1][1]


def attributes_at(story_time: datetime) -> dict[str, Any]:
    """Return the attributes the petition's page holds at a moment of the story."""
    count = count_at(story_time)
    is_debated = story_time >= DEBATED
    return senedd_petition(
        OPENED,
        action="Demo petition: hang a brass bell in every railway station",
        background="An invented petition. It asks for a bell on every platform.",
        cy={
            "action": "Deiseb enghreifftiol: cloch bres ym mhob gorsaf drenau",
            "background": "Deiseb ddychmygol. Mae'n gofyn am gloch ar bob platfform.",
            "debate": _debate("Cynhaliwyd dadl ar y ddeiseb yn y Senedd.") if is_debated else None,
        },
        state=_state(story_time),
        signature_count=count,
        updated_at=timestamp(story_time if story_time < CLOSED else _last_change(story_time)),
        closed_at=timestamp(CLOSED),
        referral_threshold_reached_at=_reached(REFERRAL_THRESHOLD, story_time),
        debate_threshold_reached_at=_reached(DEBATE_THRESHOLD, story_time),
        referred_at=_reached(REFERRED, story_time),
        scheduled_debate_date="2020-10-14" if story_time >= SCHEDULED else None,
        debate_outcome_at=_reached(DEBATED, story_time),
        debate=_debate("The Senedd debated the petition.") if is_debated else None,
        completed_at=_reached(COMPLETED, story_time),
        creator_name=None,
        signatures_by_country=[{"name": "Wales", "code": "GB-WLS", "signature_count": count}],
        signatures_by_constituency=[
            {"id": code, "name": name, "signature_count": int(count * share)}
            for code, name, share in _SEATS
        ],
    )


def _state(story_time: datetime) -> str:
    if story_time >= COMPLETED:
        return "completed"
    return "closed" if story_time >= CLOSED else "open"


def _reached(moment: datetime, story_time: datetime) -> str | None:
    return timestamp(moment) if story_time >= moment else None


def _last_change(story_time: datetime) -> datetime:
    moments = (CLOSED, REFERRED, SCHEDULED, DEBATED, COMPLETED)
    return max(moment for moment in moments if moment <= story_time)


def _debate(overview: str) -> dict[str, Any]:
    return {
        "debated_on": "2020-10-14",
        "transcript_url": _RECORD,
        "video_url": None,
        "debate_pack_url": None,
        "overview": overview,
    }


def signatures_last_day(story_time: datetime) -> int:
    """Return the signatures of the last day, which the site's trending list counts."""
    return count_at(story_time) - count_at(max(story_time - timedelta(days=1), OPENED))
