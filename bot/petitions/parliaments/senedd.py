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
from bot.petitions.parliaments.maps import SENEDD_CONSTITUENCIES, SENEDD_REGIONS

# Of the places of the terms until 2026; those of today have Welsh names alone.
_IN_WELSH = {
    "W09000004": "Gorllewin Clwyd",
    "W09000005": "Dyffryn Clwyd",
    "W09000007": "Alun a Glannau Dyfrdwy",
    "W09000008": "Wrecsam",
    "W09000009": "De Clwyd",
    "W09000011": "Sir Drefaldwyn",
    "W09000014": "Preseli Sir Benfro",
    "W09000015": "Dwyrain Caerfyrddin a Dinefwr",
    "W09000016": "Gorllewin Caerfyrddin a De Sir Benfro",
    "W09000018": "Gŵyr",
    "W09000019": "Gorllewin Abertawe",
    "W09000020": "Dwyrain Abertawe",
    "W09000021": "Castell-nedd",
    "W09000022": "Aberafan",
    "W09000023": "Pen-y-bont ar Ogwr",
    "W09000026": "Cwm Cynon",
    "W09000029": "Gorllewin Caerdydd",
    "W09000031": "Canol Caerdydd",
    "W09000034": "Sir Fynwy",
    "W09000035": "Caerffili",
    "W09000039": "Gorllewin Casnewydd",
    "W09000040": "Dwyrain Casnewydd",
    "W09000041": "Brycheiniog a Sir Faesyfed",
    "W09000042": "Gogledd Caerdydd",
    "W09000043": "De Caerdydd a Phenarth",
    "W09000044": "Merthyr Tudful a Rhymni",
    "W09000045": "Ogwr",
    "W09000047": "Bro Morgannwg",
    "W10000001": "Gogledd Cymru",
    "W10000006": "Canolbarth a Gorllewin Cymru",
    "W10000007": "Canol De Cymru",
    "W10000008": "Dwyrain De Cymru",
    "W10000009": "Gorllewin De Cymru",
}

SENEDD = SiteDescription(
    id="senedd",
    mark="threshold_for_referral",
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
    maps=(SENEDD_REGIONS, SENEDD_CONSTITUENCIES),
    place_names={"cy": _IN_WELSH},
    closing="told_instant",
    months_open=6,
    is_referred_after_closing=True,
    trending_hours=24,
    seat_codes=("W09",),
)
