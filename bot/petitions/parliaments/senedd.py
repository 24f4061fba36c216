"""The petitions of the Senedd, the parliament of Wales (pure).

Enough signatures bring a petition before the Petitions Committee, after it has closed; with far
more of them the Committee considers asking for a debate. No government answers on this site.
"""

from bot.petitions.parliaments.description import (
    Host,
    Institutions,
    Lists,
    OfficialThreshold,
    Paths,
    SiteDescription,
    marked,
)

SENEDD = SiteDescription(
    id="senedd",
    name=marked("Senedd"),
    hosts=(
        Host("petitions.senedd.wales"),
        Host(
            "deisebau.senedd.cymru",
            "cy",
            Paths(
                petitions="deisebau",
                count="cyfrif",
                gathering_support="casglu-cefnogaeth",
                moderation_info="cymedroli-gwybodaeth",
                local="lleol",
                local_all="bob",
                topics="pynciau",
                trending="tueddiadau",
                constituencies="etholaethau",
                regions="rhanbarthau",
                countries="gwledydd",
            ),
        ),
    ),
    states={"open": "open", "closed": "closed", "completed": "completed", "rejected": "rejected"},
    thresholds=(
        OfficialThreshold("referral", 250, told_as="threshold_for_referral"),
        OfficialThreshold("debate", 10_000, told_as="threshold_for_debate"),
    ),
    debate_promise="committee",
    institutions=Institutions(
        parliament=marked("the Senedd"),
        responder=None,
        committee=marked("the Petitions Committee"),
        member=marked("MS"),
        members=marked("Members of the Senedd"),
    ),
    lists=Lists(
        facets=("all", "open", "referred", "debated", "not_debated", "completed", "rejected"),
        # By when they were started: what waited long before it opened stands further down.
        newest="all",
        debated="debated",
        referred="referred",
        ended="completed",
        next_is_right=False,
        narrows_by_topic=True,
    ),
    breakdowns=("country", "constituency", "region"),
    features=frozenset({"constituencies", "regions", "topics", "trending"}),
    closing="told_instant",
    months_open=6,
    is_referred_after_closing=True,
    trending_hours=24,
    seat_codes=("W09",),
)
