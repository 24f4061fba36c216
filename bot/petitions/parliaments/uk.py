"""The petitions of the UK Government and Parliament (pure)."""

from bot.petitions.parliaments.description import (
    Host,
    Institutions,
    Lists,
    OfficialThreshold,
    SiteDescription,
    marked,
)
from bot.petitions.parliaments.maps import UK_REGIONS

UK = SiteDescription(
    id="uk",
    mark="government_response_at",
    name=marked("UK Parliament"),
    hosts=(Host("petition.parliament.uk"),),
    mirrors=("parallelparliament.co.uk",),
    states={"open": "open", "closed": "closed", "rejected": "rejected"},
    names=(
        # The archive before 2017-06, and current petitions before 2017-07.
        ("action", ("title",)),
        ("additional_details", ("description",)),
        ("opened_at", ("open_at",)),
    ),
    thresholds=(OfficialThreshold("response", 10_000), OfficialThreshold("debate", 100_000)),
    debate_promise="parliament",
    response_overdue=(21, 60, 180),
    debate_overdue=(45, 120),
    institutions=Institutions(
        parliament=marked("Parliament"),
        responder="government",
        committee=marked("the Petitions Committee"),
        member=marked("MP"),
        members=marked("MPs"),
    ),
    lists=Lists(
        facets=(
            "all",
            "open",
            "recent",
            "closed",
            "rejected",
            "awaiting_response",
            "with_response",
            "awaiting_debate",
            "debated",
            "not_debated",
        ),
        newest="recent",
        responded="with_response",
        debate_dates="awaiting_debate",
        debated="debated",
        usual_rows=25,
        narrows_by_topic=True,
    ),
    breakdowns=("country", "constituency", "region"),
    features=frozenset(
        {
            "archive",
            "business",
            "committee_note",
            "constituencies",
            "departments",
            "local",
            "members_api",
            "topics",
            "trending",
        }
    ),
    maps=(UK_REGIONS,),
    closing="told_day",
    months_open=6,
    ends_with_parliament=True,
    seat_codes=("E14", "W07", "S14", "N05", "N06"),
)
