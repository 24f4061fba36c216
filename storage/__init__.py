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

    If it was due at once (queue ""), `told_lately` counts the alerts of that sort that its chat was
    told within the last `bot.subscriptions.delivery_order.LATELY`, and `flood_until` is when the
    chat's flood of alerts is held until, None if none is held.
    """

    delivery: Delivery
    known: PetitionHistory
    occurrences: tuple[Occurrence, ...]
    chat: Chat | None = None
    rule: Rule | None = None
    told_lately: int = 0
    flood_until: datetime | None = None


class ChatData(Struct, frozen=True):
    """Everything kept about one chat, for `/mydata`; `waiting` counts the deliveries it is owed."""

    chat: Chat
    subscriptions: tuple[Subscription, ...]
    waiting: int
    rules: tuple[Rule, ...] = ()


class Tally(Struct, frozen=True):
    """Counts over the whole store; nothing in it says who follows what.

    `waiting` counts deliveries, and `oldest_waiting` is when the oldest of them was made, None if
    there is none. `oldest_due` is the same for the deliveries that are due at once or tried by
    themselves, in chats that neither rest nor refuse nor have just returned. `refusing` is how many
    chats refuse what they are sent.
    """

    chats: int
    subscriptions: int
    petitions: int
    waiting: int
    oldest_waiting: datetime | None
    oldest_due: datetime | None = None
    refusing: int = 0


class Pruned(Struct, frozen=True):
    """The numbers of readings, chats and petitions that `prune` removed."""

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
        """Return what is kept of a chat, or None for a stranger."""

    async def save_chat(self, chat: Chat) -> None:
        """Keep a chat as given, replacing what was known of it."""

    async def rest_chat(self, chat_id: int, reason: str, now: datetime) -> None:
        """Send nothing to this chat until it wakes; everything of it is kept. Unknown: no-op."""

    async def refuse_chat(
        self, chat_id: int, reason: str, refusals: int, now: datetime, probe_at: datetime
    ) -> bool:
        """Note that a chat has refused what it was sent `refusals` times in a row; keep all of it.

        From now on it gets one due delivery alone, the least tried, and that not before `probe_at`:
        what it refused may have been the one message. As it is there, it rests no more.

        Return False, with nothing done, unless `refusals` is one more than known: several messages
        under way are refused as one, and what was refused before a chat woke says nothing of it.
        """

    async def end_refusals(self, chat_id: int) -> bool:
        """Note that a chat takes what it is sent, so that all it waits for may come.

        Return whether it had refused anything.
        """

    async def wake_chat(self, chat_id: int, now: datetime) -> bool:
        """Take up sending again, what waited included; True if the chat was resting or refused.

        A chat that rested and waits for anything has `returned` then, until all it waited for is
        settled.
        """

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        """Carry everything of a chat over to its new id; what both follow is followed once.

        Leases on what is carried over end; those on what the new id was owed already go on.
        """

    async def chat_data(self, chat_id: int) -> ChatData | None:
        """Return everything kept about a chat, or None for a stranger."""

    async def forget_chat(self, chat_id: int) -> None:
        """Erase the chat, its subscriptions, its rules and whatever it was owed."""

    async def set_preferences(
        self, chat_id: int, preferences: Preferences, now: datetime
    ) -> Chat | None:
        """Have a chat told everything by these preferences, waiting alerts included.

        Return the changed chat, None for a stranger. What is due stays due; what waits for a time
        that the preferences set waits for the new one (`matching.replanned`).
        """

    async def release(
        self, chat_id: int, queue: str, now: datetime, petition: PetitionRef | None = None
    ) -> int:
        """Make what waits in a queue (of one petition, if named) due now; return how much that is.

        What is leased just now stays as it is.
        """

    async def chats(self, after: str, limit: int) -> Sequence[tuple[str, Chat]]:
        """Return up to `limit` chats that come after a place, each with its own; none at the end.

        The first place is "". The order is the store's own, and a chat keeps its place in it.
        """

    # --- subscriptions

    async def subscribe(self, subscription: Subscription) -> tuple[Subscription, bool]:
        """Follow a known petition; return the subscription in force, and whether it is new.

        The petition must be known already (`commit_poll`), else StorageError. An existing
        subscription is left as it is and returned.
        """

    async def unsubscribe(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        """Stop following; return the subscription that was, or None.

        What was still owed about the petition goes with it. The petition itself stays known, so
        that nothing is told twice should somebody follow it again.
        """

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        """Return a chat's subscription to a petition, or None if it does not follow it."""

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        """Return a chat's subscriptions, newest first."""

    async def mute(
        self, chat_id: int, petition: PetitionRef, muted: bool, now: datetime
    ) -> Subscription | None:
        """Have a chat told of one petition without a sound, or else as its preferences say.

        This holds for waiting alerts too. Return the changed subscription, None if unfollowed.
        """

    async def keep_card(self, chat_id: int, petition: PetitionRef, card_id: int | None) -> None:
        """Remember which message shows the petition's card in a chat; unfollowed: no-op."""

    async def set_subscription_preferences(
        self, chat_id: int, petition: PetitionRef, preferences: Preferences, now: datetime
    ) -> Subscription | None:
        """Have a chat told of one petition by these preferences, waiting alerts included.

        Return the changed subscription, None if unfollowed.
        """

    async def set_thread(
        self, chat_id: int, petition: PetitionRef, thread_id: int | None
    ) -> Subscription | None:
        """Have a chat told of one petition in a topic, waiting alerts included.

        None as `thread_id` is the chat itself. The petition's card stays where it is, so a change
        of topic ends its being kept. Return the changed subscription, None if unfollowed.
        """

    async def clear_thread(self, chat_id: int, thread_id: int) -> None:
        """Move what was meant for a topic that is gone to the chat itself, waiting alerts too."""

    # --- rules

    async def save_rule(self, rule: Rule, now: datetime) -> Rule:
        """Keep a rule as given; one with number 0 is new and gets its chat's next number.

        Return it with its number. What its chat is already owed by it is told as the rule says now
        (`matching.replanned`).
        """

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        """Return a chat's rules, by their numbers."""

    async def drop_rule(self, chat_id: int, number: int) -> Rule | None:
        """End a rule; return the one that was, or None. What is already owed by it still comes."""

    async def rules_of(self, site: str) -> Sequence[Rule]:
        """Return every chat's rules about a site, by chat and number."""

    async def ruled_sites(self) -> Mapping[str, int]:
        """Return the number of rules for each site that has any."""

    # --- petitions

    async def petitions(self) -> Sequence[PetitionRef]:
        """Return every petition that is known, followed or not, in a stable order."""

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        """Return what is known of a petition, or None."""

    async def followed(self) -> Sequence[PetitionRef]:
        """Return every petition that somebody follows, in a stable order."""

    async def followers(self) -> Mapping[PetitionRef, int]:
        """Return the number of chats that follow each petition that somebody follows."""

    async def custom_milestones(self) -> Mapping[PetitionRef, Collection[CustomMilestones]]:
        """Return the milestones that followers have set, for each petition that has any."""

    async def readings(self, petition: PetitionRef, since: datetime) -> Sequence[Reading]:
        """Return the counts of a petition that were read since then, oldest first."""

    async def commit_poll(
        self, known: PetitionHistory, occurrences: Sequence[Occurrence], now: datetime
    ) -> int:
        """Keep a reading and owe the alerts it causes, together or not at all; return their number.

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
        several can, leases last by one clock that they share, and `now` decides only what is due.

        At most one delivery per chat and queue is claimed, and only its oldest: while that is
        leased or waits for another try, the later ones wait too. Resting chats get none. Of a chat
        that refuses, only the head of one queue is claimed (the least tried, and of those the
        oldest), and until that lease ends nothing else.

        From a queue of its own (any but "") all that waits is claimed with the first, and a chat
        that has `returned` gets all that is due: up to fifty at once, whatever `limit` says, in
        their order. Several claimed for one chat in one queue are told in one summary.

        A chat is told of one petition in order (`bot.subscriptions.delivery_order`): older news of
        it that waits in another queue comes along, or what is due waits behind it, and is not
        claimed. While the older is in flight or waits for another try, the later waits.
        """

    async def defer(self, key: str, queue: str, until: datetime) -> None:
        """Give a delivery back, to be told with all else in that queue; it counts no attempt.

        Its lease ends, and it is due at `until`. An unknown key is a no-op.
        """

    async def settle(self, *keys: str, told_at: datetime | None = None) -> None:
        """Take out deliveries that are done with: accepted, or refused for good.

        Unknown keys are a no-op. With `told_at`, each chat that was told something due at once
        counts it as told then (`ClaimedDelivery.told_lately`), for a few minutes.
        """

    async def retry(self, key: str, not_before: datetime, queue: str | None = None) -> None:
        """Give a delivery back (to another queue, if one is named), claimable from `not_before`.

        It counts an attempt. An unknown key is a no-op.
        """

    async def next_due(self, now: datetime) -> datetime | None:
        """Return when a delivery becomes claimable next: `now` if one is, None if nothing waits."""

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
        """Return the whole store as plain JSON values, in a format of its own version."""

    async def import_(self, document: Mapping[str, Any]) -> None:
        """Replace an empty store's content by an exported one; StorageError if it is not empty."""

    # --- the rest

    async def tally(self) -> Tally:
        """Return counts over the whole store."""

    async def note(self, name: str) -> str | None:
        """Return a small fact that the program left for itself, or None."""

    async def save_note(self, name: str, value: str) -> None:
        """Leave a small fact for the next start; an empty one is dropped."""
