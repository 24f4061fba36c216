"""Two texts say the same or they do not; which sentences changed is shown as people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.petitions.text_diff import (
    changed_sentences,
    plain,
    readable,
    same_words,
    sentences,
    words,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\r\n•\tb", "a\n• b"),
        ("see [this](https://a.uk)", "see this[1]\n\n[1]: https://a.uk"),
        ("**Strong**, quite", "Strong quite."),
        ("don't", "don’t"),
    ],
)
def test_the_same_words_set_otherwise_are_the_same(one: str, other: str) -> None:
    assert same_words(one, other)


@pytest.mark.parametrize(("one", "other"), [("£30 million", "£40 million"), ("a b", "b a")])
def test_other_words_are_not_the_same(one: str, other: str) -> None:
    assert not same_words(one, other)


@given(st.text(max_size=200), st.text(max_size=200))
def test_changed_words_show_at_least_one_changed_sentence(old: str, new: str) -> None:
    removed, added = changed_sentences(old, new)
    assert bool(removed or added) is not same_words(old, new)


def test_the_words_that_changed_are_the_only_sentences_shown() -> None:
    old = "We like tea. We have a kettle.\n\n- No milk."
    new = "We like tea! We have two kettles.\n\n* No milk."
    assert changed_sentences(old, new) == (("We have a kettle.",), ("We have two kettles.",))


def test_sentences_come_in_their_order_and_those_without_words_do_not() -> None:
    assert sentences("1. First.\n\n***\n2) Second? “Third.” – \n• Fourth") == [
        "First.",
        "Second?",
        "“Third.",
        "Fourth",
    ]


def test_no_text_is_so_long_that_it_is_compared_without_end() -> None:
    assert len(sentences("Tea. " * 401)) == 400


def test_an_address_stands_behind_the_words_it_belongs_to() -> None:
    text = "See [the plan](https://a.uk/p) and the note[1].\n\n[1]: https://a.uk/n"
    assert readable(text).strip() == "See the plan (https://a.uk/p) and the note (https://a.uk/n)."


def test_a_mark_without_its_footnote_is_left_out() -> None:
    assert readable("The note[2].") == "The note."


def test_for_comparing_there_are_no_addresses_at_all() -> None:
    text = "See [the plan](https://a.uk/p), https://a.uk/q and the note[1].\n[1]: https://a.uk/n"
    assert plain(text).split() == ["See", "the", "plan,", "and", "the", "note."]


# --- to the letter --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Don't like_it 2", ("Don", "t", "like", "it", "2")),
        ("See [here](https://a.uk/x) https://b.uk now[12].", ("See", "here", "now")),
        ("[1]: https://a.uk note", ()),
        ("[1234] is none", ("1234", "is", "none")),
        ("", ()),
    ],
)
def test_words_are_what_is_left_without_signs_links_and_footnotes(
    text: str, said: tuple[str, ...]
) -> None:
    assert words(text) == said


def test_the_same_text_is_the_same_with_no_word_in_it() -> None:
    assert same_words("...", "!")
    assert same_words("a_b", "a b")
    assert not same_words("...", "a")


@pytest.mark.parametrize(
    ("old", "new", "removed", "added"),
    [
        ("A. B. C.", "A. C.", ("B.",), ()),
        ("A. C.", "A. B. C.", (), ("B.",)),
        ("A. B.", "B. A.", ("B.",), ("B.",)),
        ("A. A.", "A. A. A.", (), ("A.",)),
        ("A. A. A.", "A.", ("A.", "A."), ()),
        ("A.", "B.", ("A.",), ("B.",)),
        ("A. B. C. D.", "A. X. C. Y.", ("B.", "D."), ("X.", "Y.")),
        ("", "A.", (), ("A.",)),
        ("A.", "A!", (), ()),
    ],
)
def test_sentences_go_and_come_each_in_its_order(
    old: str, new: str, removed: tuple[str, ...], added: tuple[str, ...]
) -> None:
    assert changed_sentences(old, new) == (removed, added)


def test_the_first_four_hundred_sentences_are_the_ones_compared() -> None:
    text = " ".join(f"S{number}." for number in range(402))
    assert sentences(text) == [f"S{number}." for number in range(400)]


def test_an_address_is_that_of_the_footnote_of_its_own_number() -> None:
    text = "One[1], two[2], three[3].\n[1]: https://a.uk\n[2]: https://b.uk"
    assert readable(text).strip() == "One (https://a.uk), two (https://b.uk), three."
