"""Which names are like what was typed: how like, how many of them, and in which order."""

import pytest

from bot.subscriptions.names import MOST_NEAR, meant, near, plain, related

ANIMALS = "otter lynx heron badger stoat weasel"


def test_a_name_is_compared_without_case_accents_and_endings() -> None:
    assert plain("Éire & Islands") == plain("eire and island")
    assert plain("!") == ""


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("durham", ["a"]),
        ("NORTH durham", ["b"]),
        ("nor", ["b", "d"]),
        ("d", ["a", "b", "c"]),
        ("ham", []),
        ("durham north", []),
        ("", []),
        ("city", ["c"]),
        ("dc", ["c"]),
    ],
)
def test_a_name_means_what_is_called_so_else_what_has_a_word_that_begins_so(
    typed: str, keys: list[str]
) -> None:
    names = {
        "a": ["Durham"],
        "b": ["North Durham"],
        "c": ["City of Durham", "DC"],
        "d": ["Norwich"],
    }
    assert meant(typed, names) == keys


@pytest.mark.parametrize(
    ("typed", "name", "is_near"),
    [
        ("abc", "abc", True),
        ("123", "12345", True),  # six of their eight letters
        ("12345", "123", True),
        ("1234", "1234567", False),
        ("1234567", "1234", False),
        ("abcd", "dcba", False),
        ("abcx", "abcy", True),
        ("abxy", "abvw", False),
        # Six of eight words, two of them strange at first; the ninth is not looked at.
        (f"qqqqqqq zzzzzzz {ANIMALS} xxxxxxx", "weasel stoat badger heron lynx otter", True),
        (f"qqqqqqq zzzzzzz {ANIMALS}", "weasel stoat badger heron lynx otter", True),
        (f"qqqqqqq zzzzzzz xxxxxxx {ANIMALS}", "weasel stoat badger heron lynx otter", False),
        (f"the office of {ANIMALS}", "weasel stoat badger heron lynx otter", True),
        ("otter", "Department of Otters", True),
        ("office", "The Office", False),
        ("the office", "Office", False),
        ("the office", "The Ofice", True),
        ("department of", "Department", True),
        ("lynx", "The Office of", False),
    ],
)
def test_a_name_is_near_of_which_three_quarters_are_alike(
    typed: str, name: str, is_near: bool
) -> None:
    assert near(typed, {"key": [name]}) == (["key"] if is_near else [])


def test_of_a_name_eighty_letters_are_looked_at() -> None:
    names = {"d": ["1" * 79], "c": ["1" * 80], "b": ["1" * 81], "a": ["1" * 80 + "2"]}
    assert near("1" * 80 + "2", names) == ["c", "a", "b", "d"]


def test_the_five_likest_are_near_those_that_are_as_like_by_their_keys() -> None:
    names = {key: ["otters"] for key in "gfedcba"} | {"z": ["otter", "lynx"], "x": ["ottr"]}
    names["n"] = []
    assert MOST_NEAR == 5
    assert near("otter", names) == ["a", "b", "c", "d", "e"]
    assert near("otter", names, most=1) == ["a"]
    assert near("ottr", names, most=3) == ["x", "a", "b"]
    assert near("lynx", names) == ["z"]


def test_what_may_have_come_of_a_name_is_like_it_or_else_shares_the_most_words_of_it() -> None:
    names = {
        "three": ["Lane of the Heron and of Stoats", "Badger"],
        "like": ["Badgers and Heron"],
        "one": ["Badger Lane House"],
        "also": ["Badger Park and Gardens"],
        "none": ["North Lynx"],
        "common": ["Department of the Office"],
    }
    assert related("North Badger, Heron and Lane", names) == ["three", "like", "one", "also"]
    assert related("Badger Heron", names) == ["like", "three", "also", "one"]
    assert related("Badger Heron", names, most=2) == ["like", "three"]
    assert related("Lane", {str(n): [f"Lane {n}"] for n in range(7)}) == ["0", "1", "2", "3", "4"]
