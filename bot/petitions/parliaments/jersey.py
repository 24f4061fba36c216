"""The petitions of Jersey's States Assembly (pure).

Ministers respond to them and the States Assembly debates them, at numbers the site does not tell. A
petition that was taken down answers like one that never was.
"""

from bot.petitions.parliaments.description import (
    Host,
    Institutions,
    Lists,
    OfficialThreshold,
    SiteDescription,
    marked,
)
from bot.petitions.parliaments.maps import JERSEY_PARISHES

JERSEY = SiteDescription(
    id="jersey",
    mark="ministers_response_at",
    name=marked("States Assembly"),
    hosts=(Host("petitions.gov.je"),),
    states={"open": "open", "closed": "closed", "rejected": "rejected"},
    names=(
        # The misspelt key is the one it sends while there is no response.
        ("government_response", ("ministers_response", "ministers_reponse")),
        ("government_response_at", ("ministers_response_at",)),
        ("signatures_by_region", ("signatures_by_parish",)),
    ),
    thresholds=(OfficialThreshold("response", 1_000), OfficialThreshold("debate", 5_000)),
    debate_promise="parliament",
    response_overdue=(21, 60, 180),
    debate_overdue=(45, 120),
    institutions=Institutions(
        parliament=marked("the States Assembly"),
        responder="ministers",
        committee=None,
        member=marked("States Member"),
        members=marked("States Members"),
    ),
    lists=Lists(
        facets=(
            "all",
            "open",
            "closed",
            "rejected",
            "awaiting_response",
            "with_response",
            "awaiting_debate",
            "debated",
            "not_debated",
        ),
        responded="with_response",
        debate_dates="awaiting_debate",
        debated="debated",
    ),
    breakdowns=("parish",),
    features=frozenset({"local", "parishes"}),
    maps=(JERSEY_PARISHES,),
    closing="computed",
    months_open=6,
    removal="missing",
    is_openly_licensed=False,
)
