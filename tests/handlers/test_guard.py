"""What comes from outside is hostile: addresses, letters, digits, labels, files."""

from pathlib import Path

import pytest
from bell import READER, TEA, Village
from petitions import NOW, petition

from bot.config_reader import load_config
from bot.messages.message import Styled, compose
from bot.messages.petition.card import card
from bot.messages.petition.parts import state_name
from bot.messages.petition.response import excerpt, safe_link
from bot.operations.metrics import CountedRequest
from bot.petitions.petition import Rejection

SITE = "https://petition.parliament.uk"
MARKDOWN = f"There is one **already**: [here]({SITE}/petitions/700000)\n\nPlease sign *that*."


@pytest.mark.parametrize(
    "url",
    [
        "https://petition.parliament.uk@evil.example/",
        "https://user:secret@evil.example/",
        "javascript:alert(1)",
        "ftp://files.example.org/x",
        "tg://resolve?domain=evil",
        "https://localhost/x",
        "https://[broken/",
        "https://example.org:99999/",
        "https://example.org\\@evil.example/",
        f"https://example.org/{'a' * 2_000}",
    ],
)
def test_an_address_that_is_not_what_it_seems_stays_text(url: str) -> None:
    assert safe_link("Read it", url) == "Read it"


@pytest.mark.parametrize(
    "url", [f"{SITE}/petitions/700000?x=1#y", "http://example.org:8080/", "https://a.b/c@d"]
)
def test_an_address_of_the_web_is_a_link(url: str) -> None:
    assert isinstance(safe_link("Read it", url), Styled)


@pytest.mark.parametrize(
    "char",
    [
        *("\u200b", "\ufeff", "\u2060", "\u00ad", "\u3164", "\u2069", "\u200f", "\u061c", "\ufff9"),
        *("\u2800", "\U000e0001", "\U000e0101", "\U0001d173", "\u17b5", "\u180e"),
    ],
    ids=ascii,
)
def test_letters_without_a_width_are_left_out(char: str) -> None:
    assert compose(f"Ho{char}me").text == "Home"


@pytest.mark.parametrize(
    "storey",
    ["\u0301", "\u0301\u200d", "\u0301" * 4 + "\ufe0f", "\u200d", "\u20dd\u200c"],
    ids=ascii,
)
def test_a_tower_of_marks_and_joiners_is_cut_to_what_scripts_need(storey: str) -> None:
    assert len(compose("Z" + storey * 500).text) < 15


@pytest.mark.parametrize(
    "text",
    [
        "Ti\u1ebf\u0302\u0301ng",
        "👨‍👩‍👧",
        "👩🏽‍❤️‍💋‍👨🏾",
        "क्‍ष می‌خواهم",
        "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
        "שָׁלוֹם",
    ],
)
def test_scripts_and_emoji_are_left_alone(text: str) -> None:
    assert compose(text).text == text


def test_a_state_of_a_hundred_thousand_letters_is_not_told_whole() -> None:
    assert len(state_name(petition(state="x" * 100_000))) <= 40
    assert state_name(petition(state="on_hold")) == "on hold"


def test_the_details_of_a_rejection_are_set_as_their_markdown_means() -> None:
    rejected = petition(state="rejected", rejection=Rejection("duplicate", MARKDOWN))
    message = card(rejected, NOW, NOW)
    assert "**" not in message.text
    assert "](http" not in message.text
    assert "There is one already: here" in message.text
    assert {f"{SITE}/petitions/700000"} <= {span.url for span in message.spans}


def test_an_excerpt_is_cut_by_what_is_read_and_not_in_the_middle_of_markup() -> None:
    cut = compose(excerpt("**" + "word " * 100 + "**", 50) or "")
    assert len(cut.text) <= 50
    assert "*" not in cut.text
    assert excerpt("  \n ", 50) is None


async def test_a_file_s_name_is_no_label_and_a_method_s_is() -> None:
    noted: list[str] = []
    request = CountedRequest(lambda method, _: noted.append(method))
    await request.initialize()
    nobody = "http://127.0.0.1:9"
    for path in ("/bot1:a/sendMessage", "/file/bot1:a/documents/diary.json", "/bot1:a/stealAll"):
        with pytest.raises(Exception, match="connection was refused"):
            await request.do_request(nobody + path, "POST")
    await request.shutdown()
    assert noted == ["sendMessage", "file", "other"]


async def test_digits_of_other_scripts_in_a_press_are_an_old_button(village: Village) -> None:
    async with village.bell():
        message = await village.reader.subscribes()
        query = village.api.press(READER, message["message_id"], f"mute|uk:٧{TEA}|")
        assert "no longer works" in (await village.reader.sees_note(query)).lower()
        assert village.reader.unread() == []


async def test_a_forged_press_is_an_old_button_and_nothing_else(village: Village) -> None:
    forged = ("", "|||", "mute|uk:1", "mute|mars:1|", "set||undo.A", "set||digest.99999")
    async with village.bell():
        message = await village.reader.subscribes()
        for data in (*forged, "response|uk:1|-1"):
            query = village.api.press(READER, message["message_id"], data)
            assert "no longer works" in (await village.reader.sees_note(query)).lower(), data
        await village.reader.ask("/help")
    assert village.reader.unread() == []


def test_a_token_that_anybody_can_read_is_complained_of(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[telegram]\ntoken = "123456:secret"\n')
    config.chmod(0o644)
    (warning,) = load_config(config, {}).warnings
    assert "chmod 600" in warning
    assert "secret" not in warning
    config.chmod(0o640)
    assert load_config(config, {}).warnings == ()


def test_a_file_without_secrets_may_be_read_by_anybody(tmp_path: Path) -> None:
    config, token = tmp_path / "config.toml", tmp_path / "token"
    config.write_text('[telegram]\ntoken_file = "token"\n')
    config.chmod(0o644)
    token.write_text("123456:secret")
    token.chmod(0o600)
    assert load_config(config, {}).warnings == ()
    token.chmod(0o644)
    assert len(load_config(config, {}).warnings) == 1
