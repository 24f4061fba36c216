"""The contract that every storage keeps: what the bot remembers, as use cases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef, Reading
from bot.petitions.thresholds import CustomMilestones
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription


class ClaimedDelivery(Struct, frozen=True):
    """A delivery with all that is needed to word it; `rule` is the one it comes from, if any.

    Of what is due at once it says as well how many such alerts its chat was told lately
    (`bot.subscriptions.delivery_order.LATELY`), and until when a flood of them is held, if one is.
    """

    delivery: Delivery
    known: PetitionHistory
    occurrences: tuple[Occurrence, ...]
    chat: Chat | None = None
    rule: Rule | None = None
    told_lately: int = 0
    flood_until: datetime | None = None


class ChatData(Struct, frozen=True):
    """Everything kept about one chat, for `/mydata`."""

    chat: Chat
    subscriptions: tuple[Subscription, ...]
    waiting: int
    rules: tuple[Rule, ...] = ()


class Tally(Struct, frozen=True):
    """Counts over the whole store; nothing in it says who follows what.

    `oldest_due` is when the oldest delivery was made that is due at once, or is tried by itself, in
    a chat that neither rests nor refuses nor has just returned; so many chats are `refusing` what
    they are sent.
    """

    chats: int
    subscriptions: int
    petitions: int
    waiting: int
    oldest_waiting: datetime | None
    oldest_due: datetime | None = None
    refusing: int = 0


class Pruned(Struct, frozen=True):
    """How much `prune` removed."""

    readings: int
    chats: int
    petitions: int


class Storage(Protocol):
    """Use cases, each atomic and durable when it returns; all times aware, in UTC.

    Any method may raise StorageError, after which nothing of that use case has happened; or, where
    the store is another machine's and its last answer was lost, all of it.
    """

    async def close(self) -> None:
        """Let go of the store; nothing may be called afterwards."""

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        """What is kept of a chat, or None for a stranger."""

    async def save_chat(self, chat: Chat) -> None:
        """Keep a chat as given, replacing what was known of it."""

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        """Send nothing to this chat until it wakes; everything of it is kept. Unknown: no-op."""

    async def refuse_chat(
        self, chat_id: int, reason: str, refusals: int, now: datetime, probe_at: datetime
    ) -> bool:
        """The chat has refused what it was sent so often in a row; everything of it is kept.

        From now on it gets one due delivery alone, the least tried, and that not before `probe_at`:
        what it refused may have been the one message. False
        and nothing done unless it is one refusal more than known: several messages under way are
        refused as one, and what was refused before a chat woke says nothing of it. Being there, it
        rests no more.
        """

    async def end_refusals(self, chat_id: int) -> bool:
        """The chat takes what it is sent: all it waits for may come; True if it had refused."""

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        """Take up sending again, what waited included; True if the chat was resting or refused.

        A chat that rested and waits for anything has `returned` then, until all it waited for is
        settled.
        """

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        """Carry everything of a chat over to its new id; what both follow is followed once.

        What is carried over is nobody's any more; what the new id was owed stays in flight.
        """

    async def chat_data(self, chat_id: int) -> ChatData | None:
        """Everything kept about a chat, or None for a stranger."""

    async def forget_chat(self, chat_id: int) -> None:
        """Erase the chat, its subscriptions, its rules and whatever it was owed."""

    async def set_preferences(
        self, chat_id: int, preferences: Preferences, now: datetime
    ) -> Chat | None:
        """Hear everything by these preferences from now on, waiting alerts included.

        None for a stranger. What is due stays due, and what waits for a moment of its own waits
        for the new one (`matching.replanned`).
        """

    async def release(
        self, chat_id: int, queue: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        """Have what waits in a queue (of one petition, if named) told now; how much that is."""

    async def chats(self, after: str, limit: int) -> Sequence[tuple[str, Chat]]:
        """Up to so many of the chats behind a place, each with its own; none at the end.

        The first place is "". The order is the store's own, and a chat keeps its place in it.
        """

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        """Follow a known petition; the subscription in force, and whether it is new.

        The petition must be known already (`commit_poll`), else StorageError. An existing
        subscription is left as it is and returned.
        """

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        """Stop following: the subscription that was, or None. What was still owed goes with it.

        The petition itself stays known, so that nothing rings twice should somebody follow again.
        """

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        """How a chat follows a petition, or None."""

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        """What a chat follows, newest first."""

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        """Hear of one petition without a sound, or as its preferences say, from now on.

        So are waiting alerts. None if unfollowed.
        """

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        """Remember which message shows the petition's card in a chat; unfollowed: no-op."""

    async def set_subscription_preferences(
        self, chat_id: int, petition: PetitionRef, preferences: Preferences, now: datetime
    ) -> Subscription | None:
        """Hear of one petition by these preferences from now on, waiting alerts included.

        None if unfollowed.
        """

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        """Hear of one petition in a topic from now on, waiting alerts included; None if unfollowed.

        Its card stays where it is, so it is not kept any longer.
        """

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        """A topic is gone: what was meant for it, waiting alerts included, goes to the chat."""

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        """Keep a rule as given; one with number 0 is new and gets its chat's next number.

        What it is owed for already is heard as it says now (`matching.replanned`).
        """

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        """A chat's rules, by their numbers."""

    async def drop_rule(self, chat_id: int, number: int) -> Rule | None:
        """End a rule: the one that was, or None. What it is owed for already still comes."""

    async def rules_of(self, site: str) -> Sequence[Rule]:
        """Every chat's rules about a site, by chat and number."""

    async def ruled_sites(self) -> Mapping[str, int]:
        """How many rules there are for each site that has any."""

    # --- petitions

    async def petitions(self) -> Sequence[PetitionRef]:
        """Every petition that is known, followed or not, in a stable order."""

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        """What is known of a petition, or None."""

    async def followed(self) -> Sequence[PetitionRef]:
        """Every petition somebody follows, in a stable order."""

    async def followers(self) -> Mapping[PetitionRef, int]:
        """How many chats follow each petition that somebody follows."""

    async def custom_milestones(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        """Followers' own milestones of each petition, where anybody has set some."""

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """The counts read since then, oldest first."""

    async def commit_poll(
        self, known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        """Keep a reading and owe the alerts it causes, together or not at all; how many are owed.

        Occurrences whose key is kept already are dropped, so a replay is a no-op. Deliveries are
        matched against the subscriptions and rules of that very moment, followers' own milestones
        included, and each chat's own preferences. A reading is added when the count differs from
        the last one kept. `known.seen` never shrinks: a store that several processes share drops a
        commit that has not seen all that is kept.
        """

    # --- deliveries

    async def claim_deliveries(
        self, now: datetime, limit: int, lease: timedelta
    ) -> Sequence[ClaimedDelivery]:
        """Take up to `limit` due deliveries, oldest first; nobody else gets them during `lease`.

        Where only one process can open the store, its leases end when it is opened anew; where
        several can, they last by one clock, whatever `now` says, which tells only what is due.

        At most one per chat and queue, and only its oldest one: while that is leased or waits for
        another try, the later ones wait too. Resting chats get none; of a chat that refuses only
        the head of one queue is claimed (the least tried, and of those the oldest), and until that
        lease ends nothing else. In a queue
        of its own (any but "") all that waits goes with the first, and a chat that has `returned`
        gets all that is due: up to fifty at once, whatever `limit` says, in their order. Several
        claimed for one chat in one queue are told in one summary.

        A chat hears of one petition in order (`bot.subscriptions.delivery_order`): older news of
        it that waits in another queue comes along, or what is due waits behind it, and is not
        claimed. While the older is in flight or waits for another try, the later waits.
        """

    async def defer(self, key: str, queue: str, until: datetime) -> None:
        """Give it back, to be told with all else in that queue; no attempt. Unknown key: no-op."""

    async def settle(self, *keys: str, told_at: datetime | None = None) -> None:
        """These deliveries are done with (accepted, or refused for good). Unknown keys: no-op.

        Chats that were told something due at once count it as told then, for a few minutes.
        """

    async def retry(self, key: str, not_before: datetime, queue: str | None = None) -> None:
        """Give it back (to another queue, if one is named), claimable from `not_before`.

        It counts an attempt. Unknown key: no-op.
        """

    async def next_due(self, now: datetime) -> datetime | None:
        """When a delivery becomes claimable next (`now` if one is), or None if nothing waits."""

    async def clock_set_back(self, now: datetime, by: timedelta) -> None:
        """Have what waits by a wall clock that was ahead `by` this wait by the right one.

        Tries, deferrals and probes end as much sooner (leases too, unless they last by a clock that
        all processes share), and what waits for hours that somebody chose waits for the next of
        them (`bot.subscriptions.set_back`); readings are dated as they should have been.
        Done in steps, each atomic; what is done twice is as done once, or sooner.
        """

    # --- the whole store

    async def prune(self, now: datetime, rest_for: timedelta) -> Pruned:
        """Thin out what age has made superfluous, and say how much went.

        Readings are kept as they came for two days, then one an hour for two months, then one a
        day for ever (the last of each). Chats that have rested longer than `rest_for` are
        forgotten. Petitions go, with their readings and occurrences, once that long has passed
        since a pruning first found nobody who follows them. Done in steps, each atomic, so that
        nobody waits for it; a StorageError leaves what was done before.
        """

    async def export(self) -> dict[str, Any]:
        """The whole store as plain JSON values, in a format of its own version."""

    async def import_(self, document: Mapping[str, Any]) -> None:
        """Replace an empty store's content by an exported one; StorageError if it is not empty."""

    # --- the rest

    async def tally(self) -> Tally:
        """Counts over the whole store."""

    async def note(self, name: str) -> str | None:
        """A small fact the program left for itself, or None."""

    async def save_note(self, name: str, value: str) -> None:
        """Leave a small fact for the next start; an empty one is dropped."""
