"""The maps of each parliament's places (pure).

Populations. The regions of the UK: Office for National Statistics, "Estimates of the population for
the UK, England, Wales, Scotland, and Northern Ireland: mid-2023", rounded to a hundred thousand.
Wales: what the Senedd's site tells of its own places, which adds up to the ONS's estimates for
mid-2024, and for mid-2019 before 2026. Jersey: its census of 2021.
"""

from bot.petitions.parliaments.description import marked
from bot.petitions.parliaments.tile_map import Tile, TileMap

UK_REGIONS = TileMap(
    area="region",
    told_as=marked("{signatures} in the UK, by region"),
    population=marked("Population: ONS, mid-2023"),
    key=(2, 0),
    scale=(0, 4),
    tiles=(
        Tile(marked("Scotland"), 1, 0, 5_500_000),
        Tile(marked("Northern Ireland"), 0, 1, 1_900_000, short=marked("N Ireland")),
        Tile(marked("North East"), 2, 1, 2_700_000),
        Tile(marked("North West"), 1, 2, 7_600_000),
        Tile(marked("Yorkshire and The Humber"), 2, 2, 5_600_000, short=marked("Yorks & Humber")),
        Tile(marked("Wales"), 0, 3, 3_200_000),
        Tile(marked("West Midlands"), 1, 3, 6_100_000),
        Tile(marked("East Midlands"), 2, 3, 4_900_000),
        Tile(marked("East of England"), 3, 3, 6_500_000),
        Tile(marked("South West"), 1, 4, 5_800_000),
        Tile(marked("London"), 2, 4, 8_900_000),
        Tile(marked("South East"), 3, 4, 9_500_000),
    ),
)

# Until 2026.
SENEDD_REGIONS = TileMap(
    area="region",
    told_as=marked("{signatures} in Wales, by region"),
    population=marked("Population: ONS, mid-2019"),
    key=(2, 0),
    scale=(3, 2),
    lines=3,
    tiles=(
        Tile("North Wales", 1, 0, 637_828, "W10000001"),
        Tile("Mid and West Wales", 0, 1, 581_450, "W10000006"),
        Tile("South Wales West", 0, 2, 553_400, "W10000009"),
        Tile("South Wales Central", 1, 2, 725_711, "W10000007"),
        Tile("South Wales East", 2, 2, 654_490, "W10000008"),
    ),
)

# From 2026 on, when there are no regions any more.
SENEDD_CONSTITUENCIES = TileMap(
    area="constituency",
    told_as=marked("{signatures} in Wales, by constituency"),
    population=marked("Population: ONS, mid-2024"),
    key=(2, 1),
    scale=(0, 0),
    lines=3,
    tiles=(
        Tile("Bangor Conwy Môn", 1, 0, 163_460, "W09000049"),
        Tile("Clwyd", 2, 0, 198_297, "W09000056"),
        Tile("Fflint Wrecsam", 3, 0, 204_672, "W09000057"),
        Tile("Gwynedd Maldwyn", 1, 1, 195_838, "W09000058"),
        Tile("Ceredigion Penfro", 0, 2, 198_360, "W09000055"),
        Tile("Sir Gaerfyrddin", 1, 2, 190_800, "W09000063"),
        Tile("Brycheiniog Tawe Nedd", 2, 2, 194_514, "W09000051"),
        Tile(
            "Blaenau Gwent Caerffili Rhymni",
            3,
            2,
            192_579,
            "W09000050",
            short="Bl. Gwent Caerffili Rhymni",
        ),
        Tile("Gŵyr Abertawe", 0, 3, 211_891, "W09000059"),
        Tile("Afan Ogwr Rhondda", 1, 3, 194_083, "W09000048"),
        Tile("Pontypridd Cynon Merthyr", 2, 3, 205_358, "W09000061"),
        Tile("Sir Fynwy Torfaen", 3, 3, 189_049, "W09000062"),
        Tile("Pen-y-bont Bro Morgannwg", 0, 4, 194_600, "W09000060"),
        Tile("Caerdydd Ffynnon Taf", 1, 4, 212_885, "W09000052"),
        Tile("Caerdydd Penarth", 2, 4, 220_137, "W09000053"),
        Tile("Casnewydd Islwyn", 3, 4, 220_058, "W09000054"),
    ),
)

# Two go by other names from 2026 on. How many live in each its site does not tell.
SCOTTISH_REGIONS = TileMap(
    area="region",
    told_as=marked("{signatures} in Scotland, by region"),
    population="",
    key=(2, 0),
    scale=(3, 3),
    lines=3,
    tiles=(
        Tile("Highlands and Islands", 0, 0),
        Tile("North East Scotland", 1, 0),
        Tile("Mid Scotland and Fife", 1, 1),
        Tile("West Scotland", 0, 2),
        Tile("Glasgow", 1, 2),
        Tile("Central Scotland", 2, 2),
        Tile("Central Scotland and Lothians West", 2, 2, short="C Scotland & Lothians W"),
        Tile("Lothian", 3, 2),
        Tile("Edinburgh and Lothians East", 3, 2),
        Tile("South Scotland", 1, 3),
    ),
)

JERSEY_PARISHES = TileMap(
    area="parish",
    told_as=marked("{signatures} in Jersey, by parish"),
    population=marked("Population: census of 2021"),
    key=(0, 3),
    scale=(3, 3),
    tiles=(
        Tile("St. Ouen", 0, 0, 4_206),
        Tile("St. Mary", 1, 0, 1_818),
        Tile("St. John", 2, 0, 3_051),
        Tile("Trinity", 3, 0, 3_355),
        Tile("St. Peter", 0, 1, 5_264),
        Tile("St. Lawrence", 1, 1, 5_561),
        Tile("St. Saviour", 2, 1, 13_904),
        Tile("St. Martin", 3, 1, 3_948),
        Tile("St. Brelade", 0, 2, 11_012),
        Tile("St. Helier", 1, 2, 35_822),
        Tile("St. Clement", 2, 2, 9_925),
        Tile("Grouville", 3, 2, 5_401),
    ),
)
