"""Each parliament's petitions are told by its own institutions, and by no other's."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from bot.charts.curve import signature_curve
from bot.messages.alert import alert, in_brief
from bot.messages.buttons import card_buttons
from bot.messages.chat.about import about, greeting, help_text, privacy
from bot.messages.following.rules import describe, draft, what_to_follow
from bot.messages.following.subscriptions import Followed, subscribed
from bot.messages.i18n import speaking, tr
from bot.messages.message import compose
from bot.messages.petition.card import card
from bot.messages.petition.constituencies import by_places, display_name, table
from bot.messages.petition.milestones import milestones_text
from bot.messages.petition.response import response
from bot.messages.settings.context import SettingsContext
from bot.messages.settings.hours import urgent_page
from bot.messages.settings.pages import first_page, loudness_page
from bot.petitions.events import (
    EVENT_KINDS,
    Closed,
    ClosingSoon,
    Completed,
    CountFell,
    DebateCancelled,
    Debated,
    DebateLink,
    DebateMoved,
    DebateOverdue,
    DebatePassed,
    DebateScheduled,
    DebateToday,
    Event,
    MilestoneReached,
    NotDebated,
    Occurrence,
    Opened,
    Referred,
    Rejected,
    Removed,
    Reopened,
    Responded,
    ResponseOverdue,
    ResponseRevised,
    ResponseWithdrawn,
    Surged,
    ToppedIn,
)
from bot.petitions.history import PetitionHistory
from bot.petitions.parliaments import DESCRIPTIONS, description_of, site_like
from bot.petitions.parse import parse_petition
from bot.petitions.petition import GovernmentResponse, Petition, PetitionRef, Rejection
from bot.petitions.thresholds import thresholds
from bot.subscriptions.subscription import Chat, Rule, Subscription
from handlers import COMMANDS
from handlers.command import helps

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = date(2027, 3, 8)

# Who has no part in a site's petitions, and so may not appear in what is said of them.
FOREIGN = {
    "uk": r"Ministers|States|Senedd|\bMSP?s?\b|Scottish|Public Petitions",
    "senedd": r"Government|Ministers|\bParliament|Westminster|\bMPs?\b|\bMSPs?\b|States|Scottish"
    r"|Public Petitions",
    "scotland": r"Government|Ministers|UK Parliament|(?<!Scottish )Parliament|Westminster|\bMPs?\b"
    r"|\bMS\b|States|Senedd|(?<!Public )Petitions Committee",
    "jersey": r"Government|Parliament|Westminster|\bMPs?\b|\bMSP?s?\b|Senedd|Committee|Scottish",
}
# The same in Welsh, but for the UK's, whose texts were there before.
FOREIGN_WELSH = {
    "senedd": r"Llywodraeth|Gweinidog|Senedd y DU|San Steffan|Senedd yr Alban|Taleithiau",
    "scotland": r"Llywodraeth|Gweinidog|Senedd y DU|San Steffan|Pwyllgor Deisebau(?! Cyhoeddus)",
    "jersey": r"Llywodraeth|Senedd y DU|San Steffan|Pwyllgor|Senedd",
}


def sample(site: str, name: str) -> Petition:
    folder = SAMPLES / site if site != "uk" else SAMPLES
    petition = parse_petition(
        (folder / f"{name}.json").read_bytes(), site_like(site, DESCRIPTIONS[site])
    )
    # What people wrote may name whom it likes.
    return structs.replace(petition, action="Title", background="", additional_details="")


STAGES = {
    "uk": ("life_07_open", "life_21_debate_scheduled", "life_31_closed"),
    "senedd": (
        "life_05_open",
        "life_08_open_250_referral_threshold",
        "life_13_open_10000_debate_threshold",
        "life_19_closed",
        "life_20_referred",
        "life_21_debate_scheduled",
        "life_27_debate_outcome_links",
        "life_28_completed",
        "below_threshold_closed",
        "below_threshold_rejected_insufficient",
        "rejected_duplicate",
        "paper_petition",
        "not_debated",
    ),
    "scotland": (
        "life_05_published",
        "life_08_6063sigs",
        "life_10_closed_by_the_committee",
        "not_collecting_signatures",
        "rejected_insufficient",
        "paper_petition",
        "thresholds_life_05_5000_debate_threshold",
        "thresholds_life_11_debate_outcome_links",
    ),
    "jersey": (
        "life_06_open",
        "life_09_open_1000_response_threshold",
        "life_12_responded",
        "life_15_response_row_deleted",
        "life_18_open_5000_debate_threshold",
        "life_21_debate_scheduled",
        "life_27_debate_outcome_links",
        "life_30_closed",
        "rejected_duplicate",
        "not_debated",
    ),
}
RESPONSE = GovernmentResponse("We will.", "At once.", DAY, NOW, NOW)


def events(petition: Petition) -> Iterator[Event]:
    """Every event that can be told of a petition, whether or not it fits this one."""
    site = description_of(petition)
    yield from (Opened(NOW), Opened(NOW, on_paper=True))
    yield MilestoneReached(1_000, 1_002)
    for number, kind in thresholds(petition).items():
        yield MilestoneReached(number, number, kind, NOW)
    if site.institutions.responder:
        yield from (
            Responded(RESPONSE, NOW),
            Responded(RESPONSE, NOW, is_first=False),
            ResponseRevised(RESPONSE, ("We might.",), ("We will.",)),
            ResponseWithdrawn(DAY),
            ResponseOverdue(21, NOW),
        )
    if site.debate_overdue:
        yield DebateOverdue(45, NOW)
    if site.threshold("referral"):
        yield from (Referred(NOW), Completed(NOW))
    yield from (
        DebateScheduled(DAY),
        DebateMoved(DAY, DAY + timedelta(days=7)),
        DebateCancelled(DAY),
        Debated(DAY, "They agreed."),
        NotDebated("They did not."),
        DebateLink("transcript", "https://hansard.example/1"),
        DebateToday(DAY),
        DebatePassed(DAY),
        Closed(12_345, NOW, early=petition.ref.site != "uk"),
        Removed(),
        Reopened("closed", "open"),
        CountFell(12_345, 11_000),
        ClosingSoon(72, NOW, 12_345, 40.5, (12_400, 13_000)),
        Surged(900, 12.5, 12_345),
        ToppedIn("W1", "Somewhere", 3, 12, 0.1),
    )
    for code in ("duplicate", "irrelevant", "no-action", "honours", "fake-name", "foi"):
        yield Rejected(Rejection(code))
    yield Rejected(Rejection("insufficient"))


def texts(petition: Petition) -> Iterator[str]:
    """Everything that is said of a petition: alerts, card, milestones, and who follows it."""
    known = PetitionHistory(petition, NOW)
    for event in events(petition):
        occurred = [Occurrence(f"{petition.ref}:{event.key}", petition.ref, NOW, event)]
        yield alert(known, occurred, NOW, muted=False)[0].text
        yield compose(in_brief(known, occurred, NOW)).text
    yield card(petition, NOW, NOW).text
    yield milestones_text(petition, (), NOW).text
    yield from (message.text for message in response(petition, (), NOW)[0])
    followed = Followed(Subscription(1, petition.ref, NOW), petition)
    yield subscribed(followed, NOW, "")[0].text
    yield from (key.text for row in card_buttons(petition, None) for key in row)


@pytest.mark.parametrize("site", STAGES)
def test_nobody_is_named_who_has_no_part_in_a_sites_petitions(site: str) -> None:
    for stage in STAGES[site]:
        for text in texts(sample(site, f"show_{stage}")):
            assert not re.search(FOREIGN[site], text), (stage, text)


@pytest.mark.parametrize("site", FOREIGN_WELSH)
def test_nobody_is_named_in_welsh_either(site: str) -> None:
    with speaking("cy"):
        for stage in STAGES[site]:
            for text in texts(sample(site, f"show_{stage}")):
                assert not re.search(FOREIGN_WELSH[site], text), (stage, text)


def test_a_chart_names_who_responded() -> None:
    drawn = signature_curve(sample("jersey", "show_life_12_responded"), (), NOW, dark=False)
    assert drawn is not None
    assert "Ministers' response 1 June 2026." in drawn.caption
    assert not re.search(FOREIGN["jersey"], drawn.caption)


def pages(site: str) -> Iterator[str]:
    """What is said of a site's petitions as such: to whoever begins, follows many, or chooses."""
    known, description = site_like(site, DESCRIPTIONS[site]), DESCRIPTIONS[site]
    chat = Chat(1)
    yield greeting("Bell", [known], is_private=True)[0].text
    yield about("1.0", [known]).text
    yield privacy(90, [known]).text
    yield help_text(helps([each for each in COMMANDS if each.is_offered([description])])).text
    followed = Followed(Subscription(1, PetitionRef(site, 7), NOW), sample(site, FIRST[site]))
    for settings in (
        SettingsContext(chat, NOW, watched=(description,)),
        SettingsContext(chat, NOW, followed),
    ):
        for message, keyboard in (
            first_page(settings),
            loudness_page(settings),
            urgent_page(settings),
        ):
            yield message.text
            yield from (key.text for row in keyboard for key in row)
    message, keyboard = what_to_follow(known)
    yield message.text
    yield from (key.text for row in keyboard for key in row)
    for rule in rules(site):
        yield compose(describe(rule, known)).text
        message, keyboard = draft(rule, known, None)
        yield message.text
        yield from (key.text for row in keyboard for key in row)


FIRST = {site: f"show_{stages[0]}" for site, stages in STAGES.items()}


def rules(site: str) -> Iterator[Rule]:
    yield Rule(1, site, NOW, tuple(EVENT_KINDS), words=("tea",))
    for kind in EVENT_KINDS:
        if DESCRIPTIONS[site].tells(kind):
            yield Rule(1, site, NOW, (kind,))


@pytest.mark.parametrize("site", STAGES)
def test_nobody_is_named_on_the_pages_about_a_site_who_has_no_part_in_it(site: str) -> None:
    for text in pages(site):
        told = text.replace(site_like(site, DESCRIPTIONS[site]).name, "")
        assert not re.search(FOREIGN[site], told.replace("Open Government Licence", "")), text
        if "constituency" not in DESCRIPTIONS[site].breakdowns:
            assert not re.search("(?<!/)constituenc", told), text


@pytest.mark.parametrize("site", FOREIGN_WELSH)
def test_nobody_is_named_on_those_pages_in_welsh_either(site: str) -> None:
    with speaking("cy"):
        name = tr(site_like(site, DESCRIPTIONS[site]).name)
        for text in pages(site):
            told = text.replace(name, "").replace("Trwydded Llywodraeth Agored", "")
            assert not re.search(FOREIGN_WELSH[site], told), text


def test_a_bot_for_several_parliaments_says_that_it_is_of_none() -> None:
    sites = [site_like(each, DESCRIPTIONS[each]) for each in DESCRIPTIONS]
    told = greeting("Bell", sites, is_private=True)[0].text
    assert "petitions.senedd.wales" in told
    assert "gets a response or a debate" in told
    assert "It isn't part of any parliament or government." in told


@pytest.mark.parametrize(
    ("site", "stage", "titles"),
    [
        ("uk", "life_21_debate_scheduled", ("Constituency", "MP")),
        ("senedd", "life_08_open_250_referral_threshold", ("Constituency", "MS")),
        ("scotland", "life_08_6063sigs", ("Constituency", "MSP")),
        ("jersey", "life_12_responded", ("Parish", "States Member")),
    ],
)
def test_the_file_of_places_names_who_sits_there(
    site: str, stage: str, titles: tuple[str, str]
) -> None:
    petition = by_places(sample(site, f"show_{stage}"))
    heading = table(petition, {}).decode("utf-8-sig").splitlines()[0].split(",")
    assert (heading[1], heading[5]) == titles


@pytest.mark.parametrize("full", ["Ann Other MP", "Ann Other, MP", "Ann Other MSP", "Ann Other AS"])
def test_a_members_name_goes_without_what_they_are(full: str) -> None:
    assert display_name(full) == "Ann Other"
