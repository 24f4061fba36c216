"""What a petition says of itself: its state, its number, its texts, and when it was cut short."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from petitions import NOW, OPEN, petition

from bot.petitions.petition import (
    Business,
    Counts,
    Debate,
    GovernmentResponse,
    Petition,
    PetitionRef,
    Place,
    Rejection,
    Wording,
)

BARE = Petition(ref=OPEN.ref, url="", action="", state="", signature_count=0)


def test_a_petition_of_which_nothing_more_is_known_says_no_more() -> None:
    names = [name for name in BARE.__struct_fields__ if getattr(BARE, name)]
    assert names == ["ref"]
    assert (BARE.archived, BARE.submitted_on_paper, BARE.missing) == (False, False, frozenset())
    assert (BARE.response_threshold, BARE.referral_threshold, BARE.debate_threshold) == (None,) * 3
    plain = (Rejection("x").details, GovernmentResponse().summary, Business("s").body)
    assert (*plain, Place("a", "b", 1).mp) == ("", "", "", "")
    assert Counts(1).tells_dates
    assert Counts(1).debated is None


@pytest.mark.parametrize(
    ("state", "is_open", "is_over", "is_unpublished"),
    [
        ("open", True, False, False),
        ("closed", False, True, False),
        ("completed", False, True, False),
        ("rejected", False, False, False),
        ("under_consideration", False, False, False),
        ("", False, False, False),
        ("gathering_support", False, False, True),
        ("moderation", False, False, True),
        ("stopped", False, False, True),
        ("hidden", False, False, True),
    ],
)
def test_a_state_is_open_over_or_before_publication(
    state: str, is_open: bool, is_over: bool, is_unpublished: bool
) -> None:
    of = petition(state=state)
    assert (of.is_open, of.is_over, of.is_unpublished) == (is_open, is_over, is_unpublished)


DUE = date(2025, 6, 9)


@pytest.mark.parametrize(
    ("changes", "is_cut_short"),
    [
        ({"closed_at": datetime(2025, 6, 8, 23, 59, tzinfo=UTC)}, True),
        ({"closed_at": datetime(2025, 6, 9, tzinfo=UTC)}, False),
        ({"closed_at": datetime(2025, 6, 10, tzinfo=UTC)}, False),
        ({"closed_at": None}, False),
        ({"closed_at": NOW, "closing_date": None}, False),
        ({"closed_at": NOW, "state": "open"}, False),
        ({"closed_at": NOW, "state": "completed"}, True),
    ],
)
def test_it_is_cut_short_if_it_closed_on_a_day_before_its_own(
    changes: dict[str, Any], is_cut_short: bool
) -> None:
    of = petition(**{"state": "closed", "closing_date": DUE, **changes})
    assert of.is_cut_short is is_cut_short
    assert of.may_get_no_more is is_cut_short
    assert petition(**{**changes, "archived": True}).may_get_no_more


def test_it_is_called_by_the_number_it_has_got_or_else_by_its_own() -> None:
    scottish = PetitionRef("scotland", "PP1450")
    assert petition(ref=scottish, called="PE2234").number == "PE2234"
    assert petition(ref=scottish).number == "PP1450"
    assert OPEN.number == 700_000


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("uk:1", PetitionRef("uk", 1)),
        ("uk:0300239", PetitionRef("uk", 300_239)),
        ("scotland:PE1", PetitionRef("scotland", "PE1")),
        ("scotland:PE123456789", PetitionRef("scotland", "PE123456789")),
        ("scotland:PE1234567890", None),
        ("scotland:P1234", None),
        ("scotland:PEE1234", None),
        ("uk:²", None),
        ("uk:-1", None),
        (":1", None),
        (":PE1", None),
        ("uk", None),
    ],
)
def test_a_petitions_name_is_read_as_we_write_it(name: str, ref: PetitionRef | None) -> None:
    if ref is None:
        with pytest.raises(ValueError, match=f"not a petition's name: '{name}'"):
            PetitionRef.parse(name)
    else:
        assert PetitionRef.parse(name) == ref


WELSH = Wording("cy", "https://deisebau.senedd.cymru/deisebau/1")
WHOLE = Wording("cy", "u", "a", "b", "d", Rejection("x", "cy"), Debate(None, "cy"), ("t",))


def test_in_another_language_it_says_what_its_site_says_in_it() -> None:
    english = petition(
        rejection=Rejection("x"), debate=Debate(), topic_names=("Tea",), additional_details="More."
    )
    both = petition(
        rejection=Rejection("x"),
        debate=Debate(),
        topic_names=("Tea",),
        additional_details="More.",
        wordings=(Wording("gd", "no"), WHOLE),
    )
    told = both.worded("cy")
    assert (told.url, told.action, told.background, told.additional_details) == tuple("uabd")
    assert (told.rejection, told.debate) == (WHOLE.rejection, WHOLE.debate)
    assert told.topic_names == ("t",)
    assert both.worded("en") is both
    # Where it has none of a text, that of the first language stands.
    poor = Petition(**{**_fields(english), "wordings": (WELSH,)}).worded("cy")
    assert poor == Petition(**{**_fields(english), "wordings": (WELSH,), "url": WELSH.url})
    # And what is not there is not there in any.
    plain = petition(wordings=(WHOLE,)).worded("cy")
    assert (plain.rejection, plain.debate) == (None, None)


def _fields(of: Petition) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "x"},
        {"background": "x"},
        {"additional_details": "x"},
        {"rejection": Rejection("x")},
        {"debate": Debate()},
        {"topic_names": ("x",)},
    ],
)
def test_it_says_the_same_until_a_text_of_it_is_another(changes: dict[str, Any]) -> None:
    assert not OPEN.says_the_same(petition(**changes))
    assert OPEN.says_the_same(petition(signature_count=9, state="closed", url="x"))


def test_without_its_places_it_is_the_same_otherwise() -> None:
    places = (Place("Acton", "E1", 1),)
    of = petition(
        signatures_by_country=places,
        signatures_by_constituency=places,
        signatures_by_region=places,
    )
    assert of.without_breakdowns() == OPEN
