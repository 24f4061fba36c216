"""Two texts say the same or they do not; which sentences changed is shown as people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.petitions.text_diff import changed_sentences, plain, readable, same_words, sentences


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
