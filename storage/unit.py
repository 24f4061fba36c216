"""The primitives that a use case reads and changes a store by; each store implements them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bot.petitions.events import Occurrence
from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.subscription import Chat, Preferences, Rule, Subscription
from storage.tables import Tables

R = TypeVar("R")


class Unit(Protocol):
    """One use case's view of a store: all that it changes is kept when it ends, or nothing.

    A use case has the chats that it names to itself; polls, claims and what settles them go on
    beside it. So it first changes how a chat hears, by which it waits for polls that match the
    chat, and then reads what the chat is owed, theirs included. It takes things in the order in
    which they stand here, lest two use cases wait for each other. A unit of an embedded store
    awaits nothing, so that a use case runs in one go.
    """

    async def compute(self, work: Callable[[], R]) -> R:
        """Returns what a computation returns that may take long, without holding others up."""

    # --- rules

    async def rules(self, chat_id: int) -> Sequence[Rule]:
        """Returns a chat's rules, by their numbers."""

    async def taken_numbers(self, chat_id: int) -> Collection[int]:
        """Returns the numbers of a chat's rules, and of those gone that it is still owed for."""

    async def put_rule(self, rule: Rule) -> None:
        """Keeps a rule, which has its number, in the place of the one of that number."""

    async def delete_rule(self, rule: Rule) -> None:
        """Takes a rule out; what it is owed for stays."""

    # --- subscriptions

    async def subscription(self, chat_id: int, petition: PetitionRef) -> Subscription | None:
        """Returns how a chat follows a petition, or None."""

    async def subscriptions(self, chat_id: int) -> Sequence[Subscription]:
        """Returns what a chat follows, newest first."""

    async def add_subscription(self, subscription: Subscription) -> bool:
        """Keeps a new subscription, and notes that its petition has a follower.

        Returns False, with nothing done, if the petition is not known.
        """

    async def put_subscriptions(self, subscriptions: Collection[Subscription]) -> None:
        """Keeps subscriptions in the place of those of the same chats and petitions."""

    async def delete_subscription(self, subscription: Subscription) -> None:
        """Takes a subscription out; what is owed for it stays."""

    # --- deliveries

    async def deliveries(
        self, chat_id: int, petition: PetitionRef | None = None
    ) -> Sequence[Delivery]:
        """Returns what a chat is owed (about one petition, if named), oldest first.

        Nobody else changes it until the use case ends.
        """

    async def waiting(self, chat_id: int) -> int:
        """Returns how many deliveries a chat is owed."""

    async def put_deliveries(self, deliveries: Collection[Delivery]) -> None:
        """Keeps deliveries that were read before, otherwise than they were."""

    async def delete_deliveries(self, deliveries: Collection[Delivery]) -> None:
        """Takes deliveries out."""

    async def give_back(
        self, key: str, not_before: datetime, queue: str | None, tries: int = 0
    ) -> None:
        """Ends a delivery's lease, has it wait until then, and counts so many tries more.

        It waits in another queue, if one is named. An unknown key is a no-op.
        """

    async def settle(self, keys: Sequence[str], told_at: datetime | None) -> None:
        """Takes deliveries out, those that are there.

        With `told_at`, their chats count what was due at once as told then, for a few minutes.
        """

    # --- chats

    async def chat(self, chat_id: int) -> Chat | None:
        """Returns what is kept of a chat, or None for a stranger."""

    async def put_chat(self, chat: Chat) -> None:
        """Keeps a chat; what it follows and is owed is told, or rests, as the chat says."""

    async def clear_returned(self, chats: Collection[int]) -> None:
        """Ends `Chat.returned` for those of the chats that are owed nothing any more."""

    async def erase_chat(self, chat_id: int) -> None:
        """Takes out a chat with all that belongs to it."""

    # --- a chat that has another id now

    async def lock_for_migration(self, old_id: int, new_id: int, preferences: Preferences) -> None:
        """Waits for polls that match either chat; called before anything of them is changed.

        `preferences` are those that the chat has under its new id from now on.
        """

    async def migrate_subscription(self, old: Subscription, moved: Subscription) -> None:
        """Puts a subscription in the place of an old chat's, and of the new chat's if it has one.

        A poll that waits for the old chat's goes on with it.
        """

    async def migrate_deliveries(self, moved: Collection[tuple[Delivery, Delivery]]) -> None:
        """Replaces deliveries, each the first of a pair, by their seconds, which have other keys.

        One is dropped where there is already one of its new key.
        """

    async def migrate_chat(self, old_id: int, new_id: int) -> None:
        """Takes out a chat of which all but itself has gone to another.

        The alerts that it was told lately then count as told to the other.
        """

    # --- petitions

    async def history(self, petition: PetitionRef) -> PetitionHistory | None:
        """Returns what is known of a petition, or None."""

    async def histories(
        self, petitions: Collection[PetitionRef]
    ) -> Mapping[PetitionRef, PetitionHistory]:
        """Returns what is known of each of some petitions."""

    async def occurrences(self, keys: Collection[str]) -> Mapping[str, Occurrence]:
        """Returns what happened, by its keys."""

    # --- the rest

    async def note(self, name: str) -> str | None:
        """Returns a note, or None."""

    async def put_note(self, name: str, value: str) -> None:
        """Keeps a note; an empty one is taken out."""

    async def has_content(self) -> bool:
        """Returns whether there is anything but notes; nobody else makes it so meanwhile."""

    async def tables(self) -> Tables:
        """Returns the whole store, as its tables; they are the reader's own."""

    async def fill(self, tables: Tables) -> None:
        """Puts a whole store into this one, which has no content; its notes are replaced."""
