"""The petitions of the Scottish Parliament (pure).

What is published is before its committee at once, and is signed until the committee closes it. A
petition goes by PP and a number until it is published, and by PE and another one from then on.
"""

from bot.petitions.parliaments.description import (
    Host,
    Ids,
    Institutions,
    Lists,
    OfficialThreshold,
    Paths,
    SiteDescription,
    marked,
)
from bot.petitions.parliaments.maps import SCOTTISH_REGIONS

SCOTLAND = SiteDescription(
    id="scotland",
    mark="status",
    name=marked("Scottish Parliament"),
    hosts=(
        Host("petitions.parliament.scot"),
        Host(
            "athchuingean.parlamaid-alba.scot",
            "gd",
            Paths(
                petitions="athchuingean",
                count="cunnt",
                gathering_support="cruinneachadh-taic",
                moderation_info="fiosrachadh-measaidh",
                local="ionadail",
                local_all="uile",
                topics="cuspairean",
                trending="gluasadan",
                constituencies="roinnean-parlamaid",
            ),
        ),
    ),
    ids=Ids(("PE", "PP"), 4),
    id_key="pe_number",
    state_key="status",
    states={"under_consideration": "open", "closed": "closed", "rejected": "rejected"},
    # Published without being signed: the committee considers it all the same.
    undated_closing="under_consideration",
    names=(
        ("action", ("title",)),
        ("background", ("summary",)),
        ("additional_details", ("background_information",)),
        ("creator_name", ("petitioner",)),
    ),
    # Switched off or on for the whole site: a body that has it carries its key.
    thresholds=(OfficialThreshold("debate", 5_000, needs="debate_threshold_reached_at"),),
    debate_promise="possible",
    institutions=Institutions(
        parliament=marked("the Scottish Parliament"),
        responder=None,
        committee=marked("the Public Petitions Committee"),
        member=marked("MSP"),
        members=marked("MSPs"),
    ),
    lists=Lists(
        facets=("all", "under_consideration", "closed", "debated", "not_debated"),
        open="under_consideration",
        newest="under_consideration",
        ended="closed",
        open_by_signatures=False,
        usual_rows=15,
    ),
    breakdowns=("country", "constituency", "region"),
    features=frozenset({"constituencies", "local", "topics", "trending"}),
    maps=(SCOTTISH_REGIONS,),
    closing="committee",
    months_open=None,
    trending_hours=24,
    places_by_code=True,
    seat_codes=("S16",),
)
