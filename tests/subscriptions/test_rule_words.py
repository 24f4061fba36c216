"""What words a rule may have, to the last one: ten in all, forty letters each, none at odds."""

import pytest

from bot.subscriptions.rule_words import (
    LONGEST_WORD,
    MOST_WORDS,
    Problem,
    Words,
    problem_of,
    read_words,
    typed_words,
)

TEN = tuple("abcdefghij")
LONG = "x" * 40


def test_a_rule_may_have_ten_words_of_forty_letters() -> None:
    assert (MOST_WORDS, LONGEST_WORD) == (10, 40)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (" ".join(TEN), Words(TEN)),
        (" ".join((*TEN[:9], "-k")), Words(TEN[:9], ("k",))),
        (" ".join((*TEN, "a", "A")), Words(TEN)),  # the same word once more is none more
        (f'"{" ".join(TEN)}"', Words((" ".join(TEN),))),
        ("a-b c-d e-f g-h i-j", Words(("a-b", "c-d", "e-f", "g-h", "i-j"))),
        ('"tea' + " 🫖" * 9 + '"', Words(("tea" + " 🫖" * 9,))),
        (LONG, Words((LONG,))),
        (f'"{LONG} {LONG}" -{"y" * 40}', Words((f"{LONG} {LONG}",), ("y" * 40,))),
        ("tea Teas TEA", Words(("tea",))),
        ("tea -coffee -Coffees", Words(("tea",), ("coffee",))),
        (
            '"free tea" -"tea free" -"free tea cake"',
            Words(("free tea",), ("tea free", "free tea cake")),
        ),
        ('tea -"free tea"', Words(("tea",), ("free tea",))),
    ],
)
def test_words_are_taken_up_to_the_last_that_may_be(typed: str, words: Words) -> None:
    assert read_words(typed) == words


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (" ".join((*TEN, "k")), "too many"),
        (" ".join((*TEN, "-k")), "too many"),
        (" ".join(f"-{letter}" for letter in (*TEN, "k")), "too many"),
        (" ".join(f"-{letter}" for letter in TEN), "none"),
        (f'"{" ".join(TEN)}" -k', "too many"),
        ("a-b c-d e-f g-h i-j k", "too many"),
        ("tea -a-b -c-d -e-f -g-h -i-j", "too many"),
        ("x" * 41, "too long"),
        (f'"tea {"x" * 41}"', "too long"),
        (f'tea -"cake {"x" * 41}"', "too long"),
        ('"free tea" -free', "at odds"),
        ('"free tea" -tea', "at odds"),
        ('"a free tea cake" -"free tea"', "at odds"),
        ("milk tea -cake -teas", "at odds"),
        (f"tea -tea {'x' * 41}", "at odds"),
        (" ".join((*TEN, "-a")), "too many"),
    ],
)
def test_one_more_than_may_be_is_a_problem(typed: str, problem: Problem) -> None:
    assert read_words(typed) == problem


def test_words_that_nobody_typed_are_judged_alike() -> None:
    assert problem_of(Words(("tea",))) is None
    assert problem_of(Words(TEN)) is None
    assert problem_of(Words((*TEN, "k"))) == "too many"
    assert problem_of(Words((), ("tea",))) == "none"


def test_words_are_typed_with_phrases_in_quotes_and_a_minus_before_what_must_not_be() -> None:
    typed = typed_words(("tea", "free milk"), ("cake", "hot tea"))
    assert typed == 'tea "free milk" -cake -"hot tea"'
    assert typed_words((), ()) == ""
    assert typed_words((), ("cake",)) == "-cake"
