"""What Telegram's refusals prove, over real sockets: nothing but proof silences a chat."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from bell import TEA, Conversation, Village, open_petition
from office import Counter, Office
from office import office as office
from petitions import NOW, REF
from structlog.testing import capture_logs
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError
from telegram_stand_in import _Planned

from bot.delivery import deliverer as delivering
from bot.delivery.deliverer import classify
from bot.demo.calls import Call
from bot.demo.messenger import Refusal
from bot.messages.chat import groups
from bot.petitions.events import Closed, MilestoneReached, Reopened
from bot.subscriptions.delivery import ChatGone, ChatRefuses, Outcome, Refused, RetryAt
from bot.subscriptions.subscription import Chat

__all__ = ["office"]

HOUR = timedelta(hours=1)
QUARTER = timedelta(days=90)
CLUB, ADA, BEN = -100_777, 71, 72


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


LASTING = [
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (400, "Bad Request: have no rights to send a message"),
    (403, "Forbidden: CHAT_WRITE_FORBIDDEN"),
    (400, "Bad Request: need administrator rights in the channel chat"),
    (400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"),
    (400, "Bad Request: chat not found"),
    (400, "Bad Request: TOPIC_CLOSED"),
    (402, "Payment Required: PAYMENT_REQUIRED"),
    (400, "Bad Request: PAYMENT_REQUIRED"),
    (400, "Bad Request: CHAT_RESTRICTED"),
    (400, "Bad Request: USER_RESTRICTED"),
    (400, "Bad Request: SLOWMODE_WAIT_30"),
    (400, "Bad Request: something new"),
    (403, "Forbidden: something new"),
]


@pytest.mark.parametrize(("code", "words"), LASTING)
async def test_rights_that_come_back_a_minute_later_bring_the_alert_whole_and_once(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1)
    office.api.refuse(1, code, words)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.rested == 0
    (message,) = office.api.messages(1)
    assert {"entities", "reply_markup"} <= message.keys()
    assert office.passed <= timedelta(minutes=1)
    assert await office.storage.chat(1) == Chat(1, consented_at=(await kept(office)).consented_at)


async def kept(office: Office) -> Chat:
    chat = await office.storage.chat(1)
    assert chat is not None
    return chat


@pytest.mark.parametrize(("code", "words"), LASTING)
async def test_a_refusal_that_lasts_costs_an_alert_neither_its_form_nor_its_chat(
    office: Office, code: int, words: str
) -> None:
    await office.welcome(1)
    office.api.refuse(1, code, words, times=16)
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    (message,) = office.api.messages(1)
    assert {"entities", "reply_markup"} <= message.keys()
    assert office.passed > timedelta(minutes=8)


async def test_a_chat_that_refuses_for_a_year_is_tried_once_a_day_and_never_erased(
    office: Office,
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: not enough rights to send", times=374)
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.rings(1) == Counter({"1,000": 1})
    assert timedelta(days=330) < office.passed < timedelta(days=370)


async def test_a_hundred_waiting_alerts_are_one_try_an_hour(office: Office) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: not enough rights to send", times=10_000)
    petitions = office.many(100)
    await office.follow(1, petitions)
    await office.close(petitions)
    async with office.delivering() as deliverer:
        while office.passed < 6 * HOUR:
            due = await office.storage.next_due(office.now())
            if due and due > office.now() and not office.wire.busy and not deliverer.in_flight:
                office.passed += due - office.now()
            deliverer.wake()
            await either_sends_or_yields(office)
        assert deliverer.counts.chat_refused <= 8
    assert office.heard(1) == []


async def either_sends_or_yields(office: Office) -> None:
    if office.deliverer.in_flight:
        await asyncio.wait(office.deliverer.in_flight)
    await asyncio.sleep(0)


class AboutWords(_Planned):
    """Telegram refuses whatever holds these words, for a reason that nobody knows."""

    def __init__(self, words: str) -> None:
        super().__init__(None, "sendMessage", None, Refusal(400, "Bad Request: something new"))
        self.words = words

    def fits(self, call: Call) -> bool:
        return self.words in str(call.params.get("text"))


def texts(office: Office) -> list[str]:
    return [message["text"] for message in office.api.messages(1)]


async def test_an_alert_that_is_refused_alone_holds_up_only_its_own_petition(
    office: Office, logged: list[Any]
) -> None:
    await office.welcome(1)
    first, *others = office.many(4)
    await office.follow(1, [first, *others])
    office.api._planned.append(AboutWords(str(first.ref.id)))
    await office.close([first, *others])
    await office.happens(first, Reopened("closed", "open"))
    async with office.delivering():
        await office.settled(waiting=2)
    about = zip(others, texts(office), strict=True)
    assert all(str(each.ref.id) in text for each, text in about)
    assert office.passed <= timedelta(minutes=1)
    assert not (await kept(office)).is_shut
    # What comes later is told at once, however often the one is refused meanwhile.
    async with office.delivering():
        for number in (1_000, 2_500, 5_000):
            office.passed += timedelta(days=1)
            before = len(texts(office))
            await office.happens(others[0], MilestoneReached(number, number + 2))
            await office.settled(waiting=2)
            assert len(texts(office)) == before + 1
    assert {"chat refuses this alert alone"} <= {line["event"] for line in logged}
    # And in the end the one comes with what is behind it.
    office.api.accept_everything()
    async with office.delivering():
        await office.settled()
    last = texts(office)[-1]
    assert str(first.ref.id) in last
    assert "In the order it happened" in last


async def test_an_alert_that_is_refused_alone_is_tried_ever_more_rarely(office: Office) -> None:
    await office.welcome(1)
    first, other = office.many(2)
    await office.follow(1, [first, other])
    office.api._planned.append(AboutWords(str(first.ref.id)))
    await office.close([first, other])
    async with office.delivering() as deliverer:
        while office.passed < timedelta(days=30):
            due = await office.storage.next_due(office.now())
            if due and due > office.now() and not office.wire.busy and not deliverer.in_flight:
                office.passed += due - office.now()
            deliverer.wake()
            await either_sends_or_yields(office)
        assert 30 <= deliverer.counts.chat_refused <= 45
        office.api.accept_everything()
        await office.settled()
    assert len(texts(office)) == 2


async def test_rights_given_back_wake_a_chat_long_before_its_next_probe(office: Office) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: not enough rights to send", times=9)
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        while deliverer.counts.chat_refused < 9:
            due = await office.storage.next_due(office.now())
            if due and due > office.now() and not office.wire.busy and not deliverer.in_flight:
                office.passed += due - office.now()
            deliverer.wake()
            await either_sends_or_yields(office)
        before = office.passed
        assert await office.storage.wake_chat(1, office.now())
        await office.settled()
    (message,) = office.api.messages(1)
    assert all(f"{number:,} signatures" in message["text"] for number in (1_000, 2_500))
    assert office.passed - before < timedelta(minutes=2)


@pytest.mark.parametrize(
    "words",
    [
        "bot was blocked by the user",
        "user is deactivated",
        "bot was kicked from the group chat",
        "bot is not a member of the channel chat",
        "the group chat was deleted",
        "bot can't initiate conversation with a user",
    ],
)
async def test_proof_rests_a_chat_at_once_and_it_is_not_tried_again(
    office: Office, words: str
) -> None:
    await office.welcome(1)
    office.api.refuse(1, 403, f"Forbidden: {words}")
    await office.ring(1_000, 2_500)
    async with office.delivering() as deliverer:
        while not deliverer.counts.rested:
            await either_sends_or_yields(office)
        await either_sends_or_yields(office)
        assert (deliverer.counts.rested, deliverer.counts.chat_refused) == (1, 0)
        assert await office.storage.next_due(office.now()) is None
    assert (await kept(office)).resting
    assert (await office.storage.prune(office.now() + QUARTER, QUARTER)).chats == 1


async def test_a_refused_token_is_nobodys_chat(office: Office) -> None:
    await office.welcome(1)
    for code in (401, 404):
        office.api.refuse(1, code, "Unauthorized", times=3)
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert (deliverer.counts.chat_refused, deliverer.counts.retried) == (0, 6)
    assert office.rings(1) == Counter({"1,000": 1})


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Forbidden("Forbidden: bot was blocked by the user"), ChatGone),
        (BadRequest("Chat not found"), ChatRefuses),
        (BadRequest("Can't parse entities: boo"), Refused),
        (Forbidden("Forbidden: who knows"), ChatRefuses),
        (InvalidToken("no"), RetryAt),
        (NetworkError("Bad Gateway"), RetryAt),
    ],
)
def test_what_an_error_proves(error: Any, outcome: type[Outcome]) -> None:
    assert isinstance(classify(error, NOW), outcome)


# --- whoever can mend it is told -----------------------------------------------------------------


async def admins(office: Office) -> None:
    await office.welcome(CLUB)
    for person in (ADA, BEN):
        office.api.add_chat(person, "private")
    office.api.add_member(CLUB, ADA, "creator")
    office.api.add_member(CLUB, BEN, "administrator")
    await office.storage.save_chat(Chat(ADA, consented_at=office.now()))


async def test_admins_who_know_the_bot_are_told_once_that_their_group_refuses_it(
    office: Office,
) -> None:
    await admins(office)
    office.api.refuse(
        CLUB, 400, "Bad Request: not enough rights to send", times=5, method="sendMessage"
    )
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.heard(ADA) == [groups.lost_voice("Tea club").text.partition("\n")[0]]
    assert office.heard(BEN) == []  # who never spoke to the bot
    assert office.rings(CLUB) == Counter({"1,000": 1})


async def test_admins_are_not_told_of_what_passes_in_a_minute(office: Office) -> None:
    await admins(office)
    office.api.refuse(CLUB, 400, "Bad Request: chat not found", method="sendMessage")
    await office.ring(1_000)
    async with office.delivering():
        await office.settled()
    assert office.heard(ADA) == []


# --- a fault of the message's or of ours ---------------------------------------------------------


async def test_a_message_at_fault_is_sent_plainer_for_that_try_alone(office: Office) -> None:
    await office.welcome(1)
    office.api.refuse(1, 400, "Bad Request: can't parse entities: boo")
    office.api.refuse(1, 502, "Bad Gateway")
    await office.ring(1_000)
    async with office.delivering() as deliverer:
        await office.settled()
        assert (deliverer.counts.mended, deliverer.counts.chat_refused) == (1, 0)
    (message,) = office.api.messages(1)
    assert {"entities", "reply_markup"} <= message.keys()


async def test_an_alert_that_we_cannot_word_does_not_hold_up_the_rest(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.welcome(1)
    other = office.many(1)
    await office.follow(1, other)
    await office.ring(1_000)
    await office.happens(other[0], Closed(84))

    real = delivering.alert

    def broken(known: Any, *args: Any, **how: Any) -> Any:
        if known.petition.ref == REF:
            raise RuntimeError("a bug")
        return real(known, *args, **how)

    monkeypatch.setattr(delivering, "alert", broken)
    async with office.delivering() as deliverer:
        await office.settled()
        assert deliverer.counts.chat_refused == 0
    assert len(office.heard(1)) == 2


# --- the whole bot -------------------------------------------------------------------------------


async def club_of(village: Village) -> Conversation:
    village.api.add_chat(CLUB, type="supergroup", title="Tea club")
    village.api.add_member(CLUB, ADA, "administrator")
    village.api.add_member(CLUB, 123456, "member")
    village.site.put(TEA, open_petition(signature_count=900))
    return village.chat(CLUB)


async def test_a_group_that_takes_the_right_to_write_and_gives_it_back_hears_at_once(
    village: Village,
) -> None:
    club, ada = await club_of(village), village.chat(ADA)
    async with village.bell():
        await ada.ask("/about")
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        village.api.change_bot(CLUB, "restricted", ADA)
        await ada.hears("I can no longer post in Tea club")
        village.site.put(TEA, open_petition(signature_count=1_002))
        await village.looked(3)
        assert club.unread() == []
        village.api.change_bot(CLUB, "member", ADA)
        alert = await club.hears("1,000 signatures")
        assert {"entities", "reply_markup"} <= alert.keys()
        assert ada.unread() == []  # who took the right away was told once


async def test_a_group_that_sends_the_bot_away_rests_until_it_takes_it_back(
    village: Village,
) -> None:
    club = await club_of(village)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADA)
        village.api.change_bot(CLUB, "kicked", ADA)
        village.site.put(TEA, open_petition(signature_count=1_002))
        await village.looked(3)
        assert club.unread() == []
        village.api.change_bot(CLUB, "member", ADA)
        await club.hears("can tell this group")
        await club.hears("1,000 signatures")
