"""Eight people reach what they came for, in so many messages and presses at most."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bell import READER, TEA, Conversation, Json, Village, a_response
from transcripts import Transcript, write_page

from bot.demo.messenger import buttons_of

CLUB, TOPIC, ADA = -1_001, 7, 51
LINK = f"https://petition.parliament.uk/petitions/{TEA}"
_SCREEN = 600  # characters that are read without unfolding or scrolling


# Where `make transcripts` has the walks written down.
PAGE = os.environ.get("PRINT_TRANSCRIPTS")


@pytest.fixture(scope="module")
def transcripts() -> Iterator[list[Transcript]]:
    """What is said in all walks; a page of it if that is asked for."""
    told: list[Transcript] = []
    yield told
    if PAGE:
        write_page(Path(PAGE), told)


@pytest.fixture(autouse=True)
def _taken_down(
    village: Village,
    transcripts: list[Transcript],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Takes down what is said in a walk, presses included."""
    title = request.node.name.removeprefix("test_").replace("_", " ").capitalize()
    transcript, tap = Transcript(title, village.api), village.api.tap

    def noted(chat_id: int, message_id: int, label: str, **how: int | None) -> str:
        transcript.pressed(chat_id, label)
        return tap(chat_id, message_id, label, **how)

    monkeypatch.setattr(village.api, "tap", noted)
    transcripts.append(transcript)


@dataclass
class Walk:
    """A conversation that counts what a person has to do in it."""

    chat: Conversation
    messages: int = 0
    presses: int = 0

    async def says(self, text: str, words: str, *, is_long: bool = False, **how: object) -> Json:
        """Say something and read the answer."""
        self.messages += 1
        answer = await self.chat.ask(text, words, **how)
        assert is_long or len(answer["text"]) <= _SCREEN, answer["text"]
        return answer

    async def taps(self, message: Json, label: str, words: str) -> Json:
        """Press a button; the answer, or the message as it reads then."""
        self.presses += 1
        last = max(each["message_id"] for each in self.chat.api.messages(self.chat.chat_id))
        self.chat.tap(message, label)

        def after(_: object) -> Json | None:
            return next(
                (
                    each
                    for each in self.chat.api.messages(self.chat.chat_id)
                    if each["message_id"] in {message["message_id"], *range(last + 1, last + 9)}
                    and re.search(words, each.get("text", ""))
                    and each != message
                ),
                None,
            )

        answer = await self.chat.api.wait_for(after)
        self.chat.read = max(self.chat.read, answer["message_id"])
        assert len(answer["text"]) <= _SCREEN, answer["text"]
        return answer

    def took(self, messages: int, presses: int) -> None:
        """Fails if it took more than that."""
        assert (self.messages, self.presses) <= (messages, presses)
        assert self.presses <= presses


def labels(message: Json) -> list[str]:
    return [key["text"] for key in buttons_of(message)]


async def test_a_newcomer_is_greeted_in_sixty_words_and_everything_to_tap_works(
    village: Village,
) -> None:
    async with village.bell():
        walk = Walk(village.reader)
        hello = await walk.says("/start", "tells you when something happens")
        assert len(hello["text"].split()) <= 60
        assert labels(hello) == ["Find a petition", "Follow a place or topic", "See an example"]
        # Telegram makes only the command itself tappable, so nothing may stand behind one.
        assert not re.search(r"(?m)/\w+ \d", hello["text"])
        await walk.taps(hello, "Find a petition", "What are you looking for")
        menu = await walk.taps(hello, "Follow a place or topic", "What should I look for")
        await walk.taps(menu, "Cancel", "Cancelled")
        await walk.taps(hello, "See an example", "Free tea")


async def test_the_signer_follows_a_pasted_link(village: Village) -> None:
    async with village.bell():
        walk = Walk(village.reader)
        card = await walk.says(LINK, "Free tea", is_long=True)
        asked = await walk.taps(card, "Follow", "To alert you about Free tea in every library")
        assert labels(asked) == ["Follow it", "Not now", "What's kept?"]
        told = await walk.taps(asked, "Follow it", "You're now following Free tea")
        assert "I'll tell you about milestones" in told["text"]
        assert "Alerts arrive with sound" in told["text"]
        assert "Change alerts" in labels(told)
        walk.took(1, 2)
        await village.reader.ask("/subscriptions", "Free tea")


async def test_who_says_not_now_is_kept_nothing_of_and_asked_again(village: Village) -> None:
    async with village.bell():
        walk = Walk(village.reader)
        asked = await walk.says(f"/subscribe {TEA}", "I need to keep")
        await walk.taps(asked, "Not now", "Nothing is kept")
        await walk.says("/mydata", "I don't keep anything")
        asked = await walk.says(f"/subscribe {TEA}", "I need to keep")
        await walk.taps(asked, "Follow it", "You're now following")
        await walk.taps(asked, "Not now", "You agreed earlier")
        await walk.says(f"/unsubscribe {TEA}", "You've unfollowed")
        await walk.says(f"/subscribe {TEA}", "You're now following")  # once only


async def test_nobody_is_asked_for_consent_to_a_petition_there_is_not(village: Village) -> None:
    async with village.bell():
        await Walk(village.reader).says("/subscribe 999999", "There's no petition")
        assert village.reader.unread() == []


async def test_the_campaigner_has_a_milestone_of_their_own_from_the_card(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        walk = Walk(village.reader)
        card = await walk.says(str(TEA), "Free tea", is_long=True)
        ladder = await walk.taps(card, "Milestones", "Milestones")
        await walk.taps(ladder, "At 100", "Your milestones: 100")
        walk.took(1, 2)
        village.site.edit(TEA, signature_count=120)
        await village.reader.hears("100 signatures")


async def test_the_journalist_has_everything_in_a_digest(village: Village) -> None:
    async with village.bell():
        began = await village.reader.subscribes()
        walk = Walk(village.reader)
        page = await walk.says("/settings", "Alerts: Everything")
        page = await walk.taps(page, "Daily digest", "Alerts: Daily digest")
        assert "Digest: every day at 18:00" in page["text"]
        walk.took(1, 2)
        # From the confirmation as well, for one petition.
        walk = Walk(village.reader)
        own = await walk.taps(began, "Change alerts", "Settings for one petition")
        await walk.taps(own, "Big moments", "Alerts: Big moments")
        walk.took(0, 2)
        village.site.edit(TEA, signature_count=1_002)
        await village.looked(3)
        assert village.reader.unread() == []


async def test_the_topic_admin_has_alerts_in_the_topic_and_nobody_a_button_that_refuses(
    village: Village,
) -> None:
    village.api.add_chat(CLUB, type="supergroup", title="Tea club")
    village.api.add_topic(CLUB, TOPIC)
    village.api.add_member(CLUB, ADA, "administrator")
    async with village.bell():
        walk = Walk(village.chat(CLUB))
        await walk.says(f"/subscribe {TEA}", "is now following", user_id=ADA, thread_id=TOPIC)
        walk.took(1, 0)
        village.site.edit(TEA, **a_response())
        alert = await walk.chat.hears("responded")
        assert alert["message_thread_id"] == TOPIC
        assert labels(alert) == ["Read in full", "Open", "Follow it yourself"]
        own = next(key for key in buttons_of(alert) if key["text"] == "Follow it yourself")
        assert own["url"].endswith(f"?start=p_uk_{TEA}")


async def test_the_light_sleeper_has_quiet_nights(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        walk = Walk(village.reader)
        page = await walk.says("/settings", "Quiet hours: none")
        page = await walk.taps(page, "Quiet 22:00 to 07:00", "Quiet hours: 22:00 to 07:00")
        assert "✓ 22:00–07:00" in labels(page)
        walk.took(1, 1)


async def test_the_leaver_takes_everything_along_and_leaves_nothing(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        walk = Walk(village.reader)
        walk.messages += 1
        village.reader.say("/mydata")
        file = await village.api.next_message(READER, after=village.reader.read)
        assert file["document"]["file_name"].endswith(".json")
        village.reader.read = file["message_id"]
        asked = await walk.says("/forget", "Delete everything")
        await walk.taps(asked, "Delete everything", "Deleted")
        walk.took(2, 1)
        await village.reader.ask("/mydata", "I don't keep anything")


async def test_the_welsh_speaker_follows_a_pasted_link(village: Village) -> None:
    village.api.messenger.user(READER)["language_code"] = "cy"
    async with village.bell():
        walk = Walk(village.reader)
        card = await walk.says(LINK, "Free tea", is_long=True)
        asked = await walk.taps(card, "Dilyn", "mae angen imi gadw")
        await walk.taps(asked, "Dilyn y ddeiseb", "Rydych nawr yn dilyn Free tea")
        walk.took(1, 2)


async def test_the_screen_reader_user_meets_no_symbol_that_alone_says_something(
    village: Village,
) -> None:
    async with village.bell():
        walk = Walk(village.reader)
        card = await walk.says(LINK, "Free tea", is_long=True)
        asked = await walk.taps(card, "Follow", "To alert you about")
        told = await walk.taps(asked, "Follow it", "You're now following")
        page = await walk.taps(told, "Change alerts", "Settings for one petition")
        page = await walk.taps(page, "Big moments", "Alerts: Big moments")
        for message in (card, asked, told, page):
            for line in filter(None, message["text"].splitlines()):
                assert re.search(r"\w", line), line
            assert all(re.search(r"\w", label) for label in labels(message))
        # What is chosen is said in words, not by a tick alone; so is how each kind is heard.
        spoken = re.sub(r"[^\w\s:,.]", "", page["text"])
        for words in ("Alerts: Big moments", "With sound: official", "Off: other milestones"):
            assert words in spoken
