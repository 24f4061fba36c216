"""How much one wants to hear: three presets, for the chat and for one petition."""

from datetime import UTC, datetime

import pytest
from bell import READER, TEA, Conversation, Json, Village, a_response
from petitions import petition

from bot.demo.messenger import buttons_of
from bot.messages.following.subscriptions import Followed
from bot.messages.settings.context import SettingsContext
from bot.messages.settings.pages import first_page
from bot.petitions.events import Kind, Loudness
from bot.subscriptions.preferences import DEFAULTS, KINDS_IN_SETTINGS, rule_loudness
from bot.subscriptions.settings import PRESETS, chosen, is_usual, preset_of, without_usual
from bot.subscriptions.subscription import Chat, Digest, Preferences, Subscription
from bot.subscriptions.typed_settings import typed

NOW = datetime(2026, 3, 28, 20, tzinfo=UTC)


def labels(message: Json) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


async def press(reader: Conversation, message: Json, label: str) -> Json:
    """The message after a press that is answered without a complaint."""
    assert not await reader.sees_note(reader.tap(message, label))
    return next(
        each
        for each in reader.api.messages(reader.chat_id)
        if each["message_id"] == message["message_id"]
    )


# --- what they are -------------------------------------------------------------------------------


def test_every_preset_says_of_every_kind_how_it_is_heard() -> None:
    for loudness in PRESETS.values():
        assert set(loudness) >= set(KINDS_IN_SETTINGS)


def test_everything_leaves_nothing_out_and_is_what_nobody_chose_yet() -> None:
    assert "off" not in PRESETS["everything"].values()
    assert preset_of(DEFAULTS.__getitem__) == "everything"


def test_big_moments_are_thresholds_response_debate_closing_and_removal() -> None:
    heard = {kind for kind, loudness in PRESETS["big"].items() if loudness != "off"}
    assert heard == {"threshold", "custom_milestone", "response", "debate", "closing", "status"}


def test_kinds_chosen_one_by_one_are_no_preset() -> None:
    preferences = Preferences(loudness={**PRESETS["digest"], "surge": "off"})
    assert preset_of(preferences.loudness.__getitem__) is None


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ("everything", "everything"),
        ("big", "big"),
        ("big moments", "big"),
        ("daily digest", "digest"),
        ("all digest", "digest"),
    ],
)
def test_a_preset_can_be_typed(words: str, preset: str) -> None:
    choice = typed(words.split(), None)
    assert isinstance(choice, str)
    preferences = chosen(Preferences(loudness={"surge": "off"}), choice)
    assert preferences is not None
    assert preset_of(preferences.loudness.__getitem__) == preset


def test_all_as_usual_gives_up_every_choice_of_a_kind_and_nothing_else() -> None:
    digest = Digest(540)
    preferences = chosen(Preferences(loudness={"surge": "off"}, digest=digest), "loud.all.usual")
    assert preferences == Preferences(digest=digest)


def test_a_preset_nobody_offers_changes_nothing() -> None:
    assert chosen(Preferences(), "preset.tea") is None


def test_a_chat_that_hears_everything_again_is_as_if_it_had_never_chosen() -> None:
    preferences = chosen(Preferences(loudness={"surge": "off"}), "preset.everything")
    assert preferences is not None
    assert is_usual(without_usual(preferences), NOW)


# --- what the first page says --------------------------------------------------------------------


def first_text(**preferences: object) -> str:
    return first_page(SettingsContext(Chat(READER, preferences=Preferences(**preferences)), NOW))[
        0
    ].text  # type: ignore[arg-type]


def test_the_first_page_says_what_is_heard_how_and_no_more_than_a_screen() -> None:
    for loudness in ({}, *PRESETS.values()):
        text = first_text(loudness=dict(loudness), digest=Digest(540, 6), urgent=("debate",))
        assert len(text) <= 600, text
    text = first_text(loudness={"surge": "off", "count_fell": "digest"})
    assert "With sound: official thresholds" in text
    assert "Silent: other news from Parliament" in text
    assert "In the digest: signatures removed" in text
    assert "Off: surges" in text


def test_the_digest_is_spoken_of_only_if_something_goes_into_it() -> None:
    assert "Digest: " not in first_text()
    assert "Digest: every day at 18:00" in first_text(loudness={"count_fell": "digest"})


def test_a_weekly_digest_is_not_called_daily() -> None:
    weekly = first_text(loudness=dict(PRESETS["digest"]), digest=Digest(540, 0))
    assert "Alerts: Weekly digest" in weekly
    assert "Alerts: Daily digest" in first_text(loudness=dict(PRESETS["digest"]))


def test_a_petitions_page_says_what_it_takes_from_the_chat() -> None:
    about = petition()
    chat = Chat(READER, preferences=Preferences(loudness=dict(PRESETS["digest"])))
    followed = Followed(Subscription(READER, about.ref, NOW), about)
    message, keyboard = first_page(SettingsContext(chat, NOW, followed))
    assert "Alerts: same as this chat (Daily digest)" in message.text
    texts = [key.text for row in keyboard for key in row]
    assert texts[:4] == ["Everything", "Big moments", "Daily digest", "Custom…"]


# --- in a chat -----------------------------------------------------------------------------------


async def test_everything_goes_into_the_digest_after_one_message_and_one_press(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        page = await press(reader, await reader.ask("/settings"), "Daily digest")
        assert "✓ Daily digest" in labels(page)
        assert "With sound" not in page["text"]
        village.site.edit(TEA, signature_count=10_002)
        await village.looked(3)
        village.site.edit(TEA, **a_response())
        await village.looked(3)
        assert reader.unread() == []
        digest = await reader.ask("/digest", "10,002")
        assert "responded" in digest["text"]


async def test_one_petition_is_heard_at_big_moments_and_the_others_as_before(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        page = await press(reader, await reader.ask(f"/settings {TEA}"), "Big moments")
        assert "✓ Big moments" in labels(page)
        assert "Off: other milestones" in page["text"]
        chat = await reader.ask("/settings", "Alerts: Everything")
        assert "✓ Everything" in labels(chat)
        village.site.edit(TEA, signature_count=1_002)
        await village.looked(3)
        assert reader.unread() == []
        village.site.edit(TEA, **a_response())
        await reader.hears("responded")


async def test_everything_in_a_petitions_digest_shows_when_the_chats_digest_comes(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        before = await reader.ask("/settings", "Alerts: Everything")
        assert "Digest: " not in before["text"]
        await reader.ask(f"/settings {TEA} all digest", "Digest: every day at 18:00")
        after = await reader.ask("/settings", "Digest: every day at 18:00")
        assert "Digest times" in labels(after)


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "chat", "heard"),
    [
        ({}, {}, "loud"),
        ({}, {"response": "digest"}, "digest"),
        ({}, {"response": "silent"}, "silent"),
        ({"response": "loud"}, {"response": "digest"}, "loud"),
        ({}, {"response": "off"}, "loud"),  # a rule was made to hear it
    ],
)
def test_a_rule_is_heard_as_the_chat_hears_that_unless_it_was_chosen_for_the_rule(
    own: dict[Kind, Loudness], chat: dict[Kind, Loudness], heard: Loudness
) -> None:
    own_preferences, of_chat = Preferences(loudness=own), Preferences(loudness=chat)
    assert rule_loudness("response", own_preferences, of_chat) == heard


def test_what_rules_alone_bring_goes_into_the_digest_with_everything_else() -> None:
    preferences = chosen(Preferences(), "loud.all.digest")
    assert preferences is not None
    assert {rule_loudness(kind, Preferences(), preferences) for kind in DEFAULTS} == {"digest"}


async def test_a_rules_page_says_how_loud_it_is_and_a_press_makes_it_its_own(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await reader.ask("/settings all digest", "Alerts: Daily digest")
        menu = await reader.ask("/subscribe")
        reader.tap(menu, "All responses")
        draft = await reader.hears("Follow all government responses?")
        reader.tap(draft, "Save")
        saved = await reader.sees_edit(draft, "You're now following")
        page = await press(reader, saved, "Change")
        assert "✓ Digest" in labels(page)
        page = await press(reader, page, "With sound")
        assert "✓ With sound" in labels(page)
