"""Functional core: petition 300239 from its opening to its debate, as its figures are known.

Dates, counts and constituency figures are those of the real petition (2020–2021); between them the
count is drawn as a straight line. How it divides among regions is invented. Background, responses
and notes are told in other words.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.clock import Beat
from bot.demo.petition_bodies import open_petition, timestamp

PETITION_ID = 300239


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CREATED = _utc("2020-03-04T10:31:17")
MODERATED = _utc("2020-03-04T10:47:24")
OPENED = _utc("2020-03-05T14:20:14")
RESPONSE_THRESHOLD = _utc("2020-03-05T20:21:54")
DEBATE_THRESHOLD = _utc("2020-03-10T04:43:34")
RESPONDED = _utc("2020-04-24T18:12:40")
ASKED_AGAIN = _utc("2020-05-05T10:00:00")
REVISED = _utc("2020-05-23T14:05:00")  # the first text was still served at 14:00:12
CLOSED = _utc("2020-09-05T22:59:59.999")
DEBATE_SCHEDULED = _utc("2020-12-01T11:00:00")  # the debate's day is known, this one is not
DEBATED = _utc("2021-02-04T09:30:00")  # when the outcome was recorded
TRANSCRIPT = _utc("2021-02-04T18:00:00")
NO_RESPONSE_YET = _utc("2020-03-26T08:00:00")  # three weeks after 10,000
DEBATE_DAY = _utc("2021-02-03T08:00:00")

COUNTS: Sequence[tuple[datetime, int]] = (
    (OPENED, 6),
    (RESPONSE_THRESHOLD, 10_000),
    (_utc("2020-03-06T08:00:04"), 29_584),
    (_utc("2020-03-06T12:00:05"), 39_743),
    (_utc("2020-03-06T14:00:04"), 43_409),
    (_utc("2020-03-06T15:00:05"), 44_910),
    (DEBATE_THRESHOLD, 100_000),
    (_utc("2020-03-30T15:00:13"), 119_567),
    (_utc("2020-05-23T14:00:12"), 126_257),
    (CLOSED, 131_625),
)

# Total count, then signatures by then. Two seats entered the top ten between May and September;
# what they had in May is not known, only that it was below the tenth place's 290.
_SEATS: Sequence[tuple[str, str, str, Mapping[int, int]]] = (
    ("E14000543", "Barrow and Furness", "Simon Fell MP", {126_257: 289, 131_625: 359}),
    (
        "E14000614",
        "Calder Valley",
        "Craig Whittaker MP",
        {119_567: 324, 126_257: 341, 131_625: 356},
    ),
    ("E14000642", "Clacton", "Giles Watling MP", {126_257: 290, 131_625: 290}),
    (
        "E14000645",
        "Colne Valley",
        "Jason McCartney MP",
        {119_567: 393, 126_257: 407, 131_625: 423},
    ),
    ("E14000666", "Dewsbury", "Mark Eastwood MP", {119_567: 347, 126_257: 361, 131_625: 371}),
    (
        "E14000747",
        "Heywood and Middleton",
        "Chris Clarkson MP",
        {119_567: 295, 126_257: 313, 131_625: 329},
    ),
    (
        "E14000756",
        "Huddersfield",
        "Mr Barry Sheerman MP",
        {119_567: 291, 126_257: 302, 131_625: 302},
    ),
    ("E14000762", "Isle of Wight", "Bob Seely MP", {119_567: 301, 126_257: 317, 131_625: 324}),
    (
        "E14000836",
        "Normanton, Pontefract and Castleford",
        "Rt Hon Yvette Cooper MP",
        {119_567: 283, 126_257: 295, 131_625: 307},
    ),
    (
        "E14000870",
        "Oldham East and Saddleworth",
        "Debbie Abrahams MP",
        {119_567: 298, 126_257: 321, 131_625: 356},
    ),
    ("E14000871", "Oldham West and Royton", "Jim McMahon MP", {126_257: 289, 131_625: 309}),
    (
        "E14000995",
        "Thurrock",
        "Jackie Doyle-Price MP",
        {119_567: 294, 126_257: 307, 131_625: 316},
    ),
)

# The parties of those who sat there in 2020, but for the Conservative Party.
_OTHER_PARTIES = {
    "Holborn and St Pancras": "Labour",
    "Huddersfield": "Labour (Co-op)",
    "Normanton, Pontefract and Castleford": "Labour",
    "Oldham East and Saddleworth": "Labour",
    "Oldham West and Royton": "Labour (Co-op)",
}

# Seats of which the story knows no signatures: the bot names them as examples of what to type.
_EXAMPLES: Sequence[tuple[str, str, str]] = (
    ("E14000639", "Cities of London and Westminster", "Nickie Aiken MP"),
    ("E14000750", "Holborn and St Pancras", "Keir Starmer MP"),
)

# Postcodes of town halls and of a palace, and the seats they were in.
POSTCODES: Mapping[str, str] = {
    "HD1 2TT": "E14000756",
    "SW1A 1AA": "E14000639",
    "WF12 8DG": "E14000666",
}

BEATS: Sequence[Beat] = (
    Beat(0, _utc("2020-03-05T17:58:00"), "The story begins"),
    Beat(6, RESPONSE_THRESHOLD, "10,000 signatures"),
    Beat(15, DEBATE_THRESHOLD, "100,000 signatures"),
    Beat(19, NO_RESPONSE_YET, "No response yet"),
    Beat(21, _utc("2020-03-26T20:00:00"), passing=True),  # slow enough for a look in between
    Beat(28, RESPONDED, "Government responds"),
    Beat(33, ASKED_AGAIN, "Committee asks again"),
    Beat(38, REVISED, "Response revised"),
    Beat(46, _utc("2020-09-02T18:00:00"), "Three days left"),
    Beat(51, CLOSED, "Closed"),
    Beat(56, DEBATE_SCHEDULED, "Debate announced"),
    Beat(60, DEBATE_DAY, "Day of the debate"),
    Beat(64, DEBATED, "Debated"),
    Beat(68, TRANSCRIPT, "Transcript published"),
)

HOME_OFFICE = {
    "acronym": None,
    "name": "Home Office",
    "url": "https://www.gov.uk/government/organisations/home-office",
}


def count_at(when: datetime) -> int:
    """Return the signatures at a moment of the story; never fewer than before."""
    return round(_between([(at.timestamp(), count) for at, count in COUNTS], when.timestamp()))


def _between(points: Sequence[tuple[float, int]], at: float) -> float:
    """Return the value at `at` on the line through `points`, level before and after them."""
    index = bisect_right([place for place, _ in points], at)
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[index - 1], points[index]
    return low + (high - low) * (at - left) / (right - left)


def attributes_at(story_time: datetime) -> dict[str, Any]:
    """Return the attributes the petition's page holds at a moment of the story.

    The moment is aware and not before OPENED.
    """
    closed = story_time >= CLOSED
    return open_petition(
        OPENED,
        action="Release the Home Office's Grooming Gang Review in full",
        background=(
            "The Government holds research into the characteristics of grooming gangs and has "
            "declined to publish it, on grounds of public interest. We ask for all of it to be "
            "released."
        ),
        additional_details=(
            "In 2018 the then Home Secretary, Sajid Javid, promised the review, with no areas of "
            "inquiry left out."
        ),
        committee_note=_committee_note(story_time),
        state="closed" if closed else "open",
        signature_count=count_at(story_time),
        closing_date="2020-09-05",
        created_at=timestamp(CREATED),
        updated_at=timestamp(_last_change(story_time)),
        closed_at=_reached(CLOSED, story_time),
        moderation_threshold_reached_at=timestamp(MODERATED),
        response_threshold_reached_at=_reached(RESPONSE_THRESHOLD, story_time),
        government_response_at=_reached(RESPONDED, story_time),
        debate_threshold_reached_at=_reached(DEBATE_THRESHOLD, story_time),
        debate_scheduled_on="2020-12-01" if story_time >= DEBATE_SCHEDULED else None,
        scheduled_debate_date="2021-02-03" if story_time >= DEBATE_SCHEDULED else None,
        debate_outcome_at=_reached(DEBATED, story_time),
        creator_name=None,
        government_response=_response(story_time),
        debate=_debate(story_time),
        departments=[HOME_OFFICE],
        signatures_by_constituency=_constituencies(count_at(story_time)),
        signatures_by_region=[
            {
                "name": name,
                "ons_code": code,
                "signature_count": count_at(story_time) * share // 1000,
            }
            for code, name, share in _REGIONS
        ],
    )


def _reached(moment: datetime, story_time: datetime) -> str | None:
    return timestamp(moment) if story_time >= moment else None


def _last_change(story_time: datetime) -> datetime:
    if story_time < CLOSED:
        return story_time
    return max(
        moment for moment in (CLOSED, DEBATE_SCHEDULED, DEBATED, TRANSCRIPT) if moment <= story_time
    )


def _committee_note(story_time: datetime) -> str | None:
    if story_time < ASKED_AGAIN:
        return None
    return (
        "The Petitions Committee considered the Government's response on 5 May 2020 and asked for "
        "a new one that addresses the request of the petition more directly."
    )


_FIRST_DETAILS = (
    "The Government regards child sexual abuse, wherever it happens, as a priority.",
    "What its internal work finds will guide future action, a new strategy among it.",
    "The Home Office works on this with the police and local authorities.",
)
_REVISED_DETAILS = (
    "The Government regards child sexual abuse, wherever it happens, as a priority.",
    "A paper on group-based exploitation will be published this year.",
    "An External Reference Group of experts will review it before it is published.",
    "The Home Office works on this with the police and local authorities.",
)


def _response(story_time: datetime) -> dict[str, str] | None:
    if story_time < RESPONDED:
        return None
    if story_time < REVISED:
        return _written(
            "2020-04-24",
            "Tackling child sexual abuse is a priority, and findings of internal work will inform "
            "what the Government does next, including a strategy.",
            _FIRST_DETAILS,
            RESPONDED,
        )
    return _written(
        "2020-05-19",
        "The Government says it will publish a paper on group-based child sexual exploitation "
        "this year, with the main findings and what they mean for policy.",
        _REVISED_DETAILS,
        REVISED,
    )


def _written(
    responded_on: str, summary: str, details: Sequence[str], updated: datetime
) -> dict[str, str]:
    return {
        "responded_on": responded_on,
        "summary": summary,
        "details": "\n\n".join([*details, "Home Office"]),
        "created_at": timestamp(RESPONDED),
        "updated_at": timestamp(updated),
    }


def _debate(story_time: datetime) -> dict[str, str | None] | None:
    if story_time < DEBATED:
        return None
    day = "https://hansard.parliament.uk/commons/2021-02-03"
    return {
        "debated_on": "2021-02-03",
        "transcript_url": day if story_time >= TRANSCRIPT else None,
        "video_url": None,
        "debate_pack_url": None,
        "public_engagement_url": None,
        "debate_summary_url": None,
        "overview": "MPs debated this petition in Westminster Hall.",
    }


def _constituencies(total: int) -> list[dict[str, Any]]:
    """Return the seats whose figures are known; the rest of the total is not broken down."""
    return [
        {
            "name": name,
            "ons_code": code,
            "mp": mp,
            "signature_count": int(_between([(0.0, 0), *known.items()], total)),
        }
        for code, name, mp, known in _SEATS
    ]


# Each region's code, name and share of the signatures, in thousandths; the rest are abroad.
_REGIONS = (
    ("A", "North East", 43),
    ("B", "North West", 135),
    ("D", "Yorkshire and The Humber", 138),
    ("E", "East Midlands", 83),
    ("F", "West Midlands", 91),
    ("G", "East of England", 99),
    ("H", "London", 78),
    ("J", "South East", 141),
    ("K", "South West", 96),
    ("L", "Wales", 42),
    ("M", "Scotland", 31),
    ("N", "Northern Ireland", 9),
)


# Two petitions nobody could mistake for real ones, so that lists and searches have more to show.


def _library_bells(story_time: datetime) -> dict[str, Any]:
    opened = _utc("2020-02-10T09:00:00")
    deadline = _utc("2020-08-10T22:59:59.999")
    until = min(story_time, deadline)
    days = (until - opened) / timedelta(days=1)
    return open_petition(
        opened,
        action="Demo petition: hang a brass bell in every village library",
        background="An invented petition. It asks for a bell by each door, rung at closing time.",
        state="closed" if story_time >= deadline else "open",
        signature_count=6 + int(52 * days),
        closing_date="2020-08-10",
        updated_at=timestamp(until),
        closed_at=_reached(deadline, story_time),
        creator_name=None,
        topics=["culture"],
    )


def _longer_tuesdays(story_time: datetime) -> dict[str, Any]:
    rejected = timestamp(_utc("2020-02-20T15:00:00"))
    return open_petition(
        _utc("2020-02-18T11:00:00"),
        action="Demo petition: make Tuesdays an hour longer",
        background="An invented petition. It asks for one more hour between lunch and tea.",
        state="rejected",
        updated_at=rejected,
        opened_at=None,
        rejected_at=rejected,
        creator_name=None,
        rejection={
            "code": "irrelevant",
            "details": "The length of a day is not something the UK Parliament can change.",
        },
    )


DEMO_PETITIONS: Mapping[int, Callable[[datetime], dict[str, Any]]] = {
    PETITION_ID: attributes_at,
    900001: _library_bells,
    900002: _longer_tuesdays,
}


def signatures_last_hour(petition_id: int, story_time: datetime) -> int:
    """Return the signatures of the last hour, which the site's trending list counts."""
    source = DEMO_PETITIONS[petition_id]
    before = source(max(story_time - timedelta(hours=1), OPENED))
    now: int = source(story_time)["signature_count"]
    return now - int(before["signature_count"])


def constituencies() -> dict[str, dict[str, Any]]:
    """Return the rows of constituencies.json for the story's seats and for the examples."""
    seats = [*(seat[:3] for seat in _SEATS), *_EXAMPLES]
    return {
        code: {
            "mp": mp,
            "party": _OTHER_PARTIES.get(name, "Conservative"),
            "constituency": name,
            "ons_code": code,
            "start_date": "2010-04-13",
            "end_date": None,
        }
        for code, name, mp in seats
    }
