"""What comes together in one message: summaries, queues and floods."""

import asyncio
from datetime import timedelta

import pytest
from msgspec import structs
from office import Office, Tripwire
from office import office as office
from petitions import REF, petition

from bot.app import utc_now
from bot.delivery.deliverer import LEASE
from bot.messages.digest import Missed, summary
from bot.messages.format import clock
from bot.messages.message import TEXT_LIMIT, width
from bot.petitions.events import Closed, ClosingSoon, MilestoneReached, Occurrence, Surged
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.subscription import Chat, Preferences, Quiet, Rule

# --- the summary ----------------------------------------------------------------------------------


def missed(number: int, *, title: str = "Free tea") -> Missed:
    ref = PetitionRef("uk", number)
    event = MilestoneReached(1_000, 1_002)
    now = utc_now()
    known = PetitionHistory(structs.replace(petition(action=title), ref=ref), now)
    return Missed(known, [Occurrence(f"{ref}:{event.key}", ref, now, event)])


def test_a_summary_tells_what_fits_and_says_that_there_is_more() -> None:
    things = [missed(number, title="Tea 🫖 " * 20) for number in range(1, 51)]
    whole = summary(things, utc_now())
    assert width(whole.message.text) <= TEXT_LIMIT
    assert 10 < whole.told < 50
    assert f"here are the first {whole.told}." in whole.message.text
    assert len(whole.buttons) == 10


def test_a_summary_of_few_things_tells_them_all() -> None:
    whole = summary([missed(1), missed(2), missed(1)], utc_now())
    assert whole.told == 3
    assert "first" not in whole.message.text
    assert [row[0].press for row in whole.buttons] == [
        "card|uk:2|",
        "card|uk:1|",
    ]


async def test_a_summary_too_long_for_one_message_goes_on_in_the_next(office: Office) -> None:
    await office.welcome(1)
    office.title = "Free tea, milk and scones in each library"
    petitions = office.many(45)
    await office.follow(1, petitions)
    await office.storage.rest_chat(1, "blocked", office.now())
    for each in petitions:
        await office.happens(each, Surged(1_240, 45.0, each.signature_count))
    await office.storage.wake_chat(1, office.now())
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.summaries == 2
    told = " ".join(message["text"] for message in office.api.messages(1))
    assert all(told.count(f"{office.title} {each.ref.id}") == 1 for each in petitions)


class LastMessage(Tripwire):
    """Has the deliverer start nothing more once a message was sent."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.sent = asyncio.Event()
        self._office = office

    def pass_by(self, what: str) -> None:
        if what == "sent":
            self._office.deliverer.stop()
            self.sent.set()


async def test_what_a_summary_had_no_room_for_was_not_tried(office: Office) -> None:
    await office.welcome(1)
    office.title = "Free tea, milk and scones in each library"
    petitions = office.many(45)
    await office.follow(1, petitions)
    await office.storage.rest_chat(1, "blocked", office.now())
    for each in petitions:
        await office.happens(each, Surged(1_240, 45.0, each.signature_count))
    await office.storage.wake_chat(1, office.now())
    office.wire = wire = LastMessage(office)
    async with office.delivering():
        await wire.sent.wait()
    left = await office.storage.claim_deliveries(office.now(), 1, LEASE)
    assert 0 < len(left) < 45
    assert not any(each.delivery.attempts for each in left)


def test_a_summary_tells_the_things_of_one_petition_together_in_their_order() -> None:
    now = utc_now()
    things = [missed(1), missed(2, title="Coffee"), missed(1)]
    closed = Occurrence("k", things[2].known.petition.ref, now, Closed(1_002))
    things[2] = Missed(things[2].known, [closed])
    text = summary(things, now, "digest").message.text
    at = clock(now, now)
    assert text.splitlines() == [
        "📰 Your digest: 3 updates.",
        "",
        "Free tea",
        f"{at} 🔔 1,000 signatures reached.",
        f"{at} 🏁 Closed with 1,002 signatures.",
        "",
        "Coffee",
        f"{at} 🔔 1,000 signatures reached.",
    ]


# --- queues and floods ----------------------------------------------------------------------------


async def test_a_dissolution_closes_fourteen_petitions_in_one_message(office: Office) -> None:
    await office.welcome(1)
    petitions = office.many(14)
    await office.follow(1, petitions)
    await office.close(petitions, early=True)
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert message["text"].startswith("🏁 14 petitions you follow have closed.")
    assert all(f"{office.title} {each.ref.id}" in message["text"] for each in petitions)


async def test_of_fourteen_that_close_on_the_same_day_the_sixth_and_on_are_told_together(
    office: Office,
) -> None:
    await office.welcome(1, 2)
    petitions = office.many(14)
    await office.follow(1, petitions)
    await office.follow(2, petitions[:5])
    await office.close(petitions)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.deferred == 9
    assert len(office.api.messages(2)) == 5
    *single, together = (message["text"] for message in office.api.messages(1))
    assert [text.partition("\n")[0] for text in single] == ["🏁 Closed with 84 signatures."] * 5
    assert together.startswith("🏁 9 petitions you follow have closed.")
    told = " ".join([*single, together])
    assert all(told.count(f"{office.title} {each.ref.id}") == 1 for each in petitions)


async def test_what_a_flood_holds_back_is_not_overtaken(office: Office) -> None:
    await office.welcome(1)
    async with office.delivering() as deliverer:
        await office.ring(1_000, 2_500, 5_000, 10_000, 25_000, 50_000)
        while deliverer.counts.deferred < 1:
            deliverer.wake()
            await asyncio.sleep(0)
        office.passed += timedelta(seconds=50)
        await office.ring(100_000)
        await office.settled()
    text = "\n".join(message["text"] for message in office.api.messages(1))
    assert deliverer.counts.deferred == 1
    numbers = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000)
    where = [text.index(f"{n:,} signatures") for n in numbers]
    assert where == sorted(where)
    assert "📬 Several updates at once: 2 updates." in text


async def test_alerts_with_time_between_them_are_no_flood(office: Office) -> None:
    await office.welcome(1)
    async with office.delivering() as deliverer:
        for number in (1_000, 2_500, 5_000, 10_000, 25_000):
            await office.ring(number)
            await office.settled()
            office.passed += timedelta(seconds=61)
        assert deliverer.counts.deferred == 0
    assert len(office.heard(1)) == 5


async def test_an_alert_that_was_tried_already_is_not_held_back(office: Office) -> None:
    await office.welcome(1)
    await office.ring(1_000, 2_500, 5_000)
    async with office.delivering() as deliverer:
        await office.settled()
        office.api.refuse(1, 502, "Bad Gateway")
        office.passed += timedelta(seconds=119)
        await office.ring(10_000)
        await office.settled()
        assert deliverer.counts.deferred <= 1
    assert office.rings(1)["10,000"] == 1


@pytest.mark.parametrize(
    ("preferences", "head"),
    [
        (Preferences(quiet=Quiet(0, 24 * 60 - 1)), "🌅 During your quiet hours: 2 updates."),
        (Preferences(loudness={"milestone": "digest"}), "📰 Your digest: 2 updates."),
        (
            Preferences(snoozed_until=utc_now() + timedelta(days=1)),
            "⏰ Your snooze has ended: 2 updates.",
        ),
    ],
)
async def test_what_waited_for_its_moment_comes_in_one_message_that_says_why(
    office: Office, preferences: Preferences, head: str
) -> None:
    await office.welcome(1)
    await office.storage.set_preferences(1, preferences, office.now())
    await office.ring(1_000, 2_500)
    async with office.delivering():
        await office.settled()
    assert office.heard(1) == [head]


async def test_one_thing_that_waited_comes_as_ever(office: Office) -> None:
    await office.welcome(1)
    await office.storage.set_preferences(
        1, Preferences(loudness={"milestone": "digest"}), office.now()
    )
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.heard(1) == ["🔔 1,000 signatures reached."]


async def test_what_waited_for_two_topics_comes_in_each(office: Office) -> None:
    office.api.add_chat(-9, "supergroup", title="Tea club")
    petitions = office.many(3)
    await office.storage.save_chat(
        Chat(-9, preferences=Preferences(loudness={"closing": "digest"}))
    )
    await office.follow(-9, petitions)
    for topic, each in zip((7, 8, 7), petitions, strict=True):
        office.api.add_topic(-9, topic)
        await office.storage.set_thread(-9, each.ref, topic)
    await office.close(petitions)
    async with office.delivering():
        await office.settled()
    told = {m["message_thread_id"]: m["text"] for m in office.api.messages(-9)}
    assert told[7].startswith("📰 Your digest: 2 updates.")
    assert told[8].startswith("🏁 Closed with 84 signatures.")


async def test_what_a_rule_brings_says_so_and_offers_to_subscribe(office: Office) -> None:
    office.api.add_chat(1, "private")
    await office.storage.save_chat(Chat(1, consented_at=office.now()))
    await office.storage.save_rule(
        Rule(1, "uk", office.now(), ("closing",), words=("tea",)), office.now()
    )
    await office.close(office.many(1))
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert message["text"].splitlines()[-1] == "From your rule “petitions mentioning tea”."
    labels = [key["text"] for row in message["reply_markup"]["inline_keyboard"] for key in row]
    assert labels == ["Follow", "Open"]


async def test_a_kind_that_makes_no_sound_does_not_read_as_a_muted_petition(
    office: Office,
) -> None:
    await office.welcome(1)
    await office.happens(petition(), Surged(1_240, 45.0, 9_000))
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert office.api.is_silent(1, message["message_id"])
    labels = [key["text"] for row in message["reply_markup"]["inline_keyboard"] for key in row]
    assert "Make silent" in labels


async def test_two_reminders_that_come_due_together_are_one_message(office: Office) -> None:
    await office.welcome(1)
    closes_at = office.now() + timedelta(hours=6)
    found = [
        Occurrence(f"{REF}:{event.key}", REF, office.now(), event)
        for event in (ClosingSoon(hours, closes_at, 84) for hours in (72, 6))
    ]
    await office.storage.commit_poll(PetitionHistory(petition(), office.now()), found, office.now())
    async with office.delivering():
        await office.settled()
    (line,) = office.heard(1)
    assert line.startswith("⏳ Closes in ")
