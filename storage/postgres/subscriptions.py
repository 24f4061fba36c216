"""The subscriptions in PostgreSQL, each under the mark of the policy by which it hears."""

from bot.errors import StorageError
from bot.petitions.petition import PetitionRef
from bot.subscriptions.chat_migration import moved_subscription
from bot.subscriptions.subscription import Preferences, Subscription
from storage.postgres.pool import Connection
from storage.postgres.preferences import StoredPreferences, policy_of
from storage.postgres.row_cipher import RowCipher, address_of

_PUT = """
insert into subscription (chat, petition, wishes, policy, resting, sealed)
values ($1, $2, $3, $4, coalesce((select resting from chat where handle = $1), false), $5)
on conflict (chat, petition) do update set wishes = excluded.wishes, policy = excluded.policy,
    resting = excluded.resting, sealed = excluded.sealed
"""


class Subscriptions:
    """The subscriptions of a store; `terms` are always those of the chat."""

    def __init__(self, veil: RowCipher, policies: StoredPreferences) -> None:
        self._veil = veil
        self._policies = policies

    async def find(
        self, connection: Connection, chat_id: int, petition: PetitionRef
    ) -> Subscription | None:
        """How a chat follows a petition, or None."""
        row = await connection.fetchrow(
            "select * from subscription where chat = $1 and petition = $2",
            self._veil.handle(chat_id),
            self._veil.petition(petition),
        )
        return None if row is None else self._veil.subscription(row)

    async def of(self, connection: Connection, chat_id: int) -> list[Subscription]:
        """What a chat follows, newest first."""
        handle = self._veil.handle(chat_id)
        rows = await connection.fetch("select * from subscription where chat = $1", handle)
        follows = [self._veil.subscription(row) for row in rows]
        return sorted(follows, key=lambda each: (each.created_at, each.petition), reverse=True)

    async def put(self, connection: Connection, follows: Subscription, terms: Preferences) -> None:
        """Keep a subscription; StorageError if its petition is not known."""
        await self._policies.keep(connection, [policy_of(follows, terms)])
        # A poll of it is waited for, or finds what we put here and waits for us.
        status = await connection.execute(
            "select from petition where ref = $1 for share", str(follows.petition)
        )
        if status.endswith(" 0"):
            raise StorageError(f"{follows.petition} is not known, so nobody can follow it")
        await self._write(connection, follows, terms)

    async def _write(
        self, connection: Connection, follows: Subscription, terms: Preferences
    ) -> None:
        await connection.execute(
            _PUT,
            self._veil.handle(follows.chat_id),
            self._veil.petition(follows.petition),
            follows.terms.milestones is not None,
            self._veil.mark(policy_of(follows, terms)),
            self._seal(follows),
        )

    async def reseal(self, connection: Connection, follows: Subscription) -> None:
        """Keep what does not change how a subscription hears."""
        await connection.execute(
            "update subscription set sealed = $3 where chat = $1 and petition = $2",
            self._veil.handle(follows.chat_id),
            self._veil.petition(follows.petition),
            self._seal(follows),
        )

    def _seal(self, follows: Subscription) -> bytes:
        return self._veil.seal_address(address_of(follows))

    async def retune(self, connection: Connection, chat_id: int, terms: Preferences) -> None:
        """Have all that a chat follows heard as the terms say."""
        handle = self._veil.handle(chat_id)
        follows = await self.of(connection, chat_id)
        policies = [policy_of(each, terms) for each in follows]
        await self._policies.keep(connection, policies)
        await lock_subscriptions(connection, handle)
        await connection.execute(
            "update subscription set policy = heard.mark"
            " from unnest($2::bytea[], $3::bytea[]) heard (petition, mark)"
            " where chat = $1 and subscription.petition = heard.petition",
            handle,
            [self._veil.petition(each.petition) for each in follows],
            [self._veil.mark(each) for each in policies],
        )

    async def move(
        self, connection: Connection, old_id: int, new_id: int, terms: Preferences
    ) -> None:
        """Carry over what a chat follows to another, that may follow some of it already."""
        old = self._veil.handle(old_id)
        kept = {each.petition: each for each in await self.of(connection, new_id)}
        for follows in await self.of(connection, old_id):
            present = kept.get(follows.petition)
            moved = moved_subscription(follows, present, new_id)
            if present is None:
                await self._carry_over(connection, old, moved)
            elif moved != present:
                await self._write(connection, moved, terms)
        await connection.execute("delete from subscription where chat = $1", old)

    async def _carry_over(self, connection: Connection, old: bytes, moved: Subscription) -> None:
        # Changed, not made anew: a fan-out that waits for the row goes on with what became of it.
        await connection.execute(
            "update subscription set chat = $3, sealed = $4 where chat = $1 and petition = $2",
            old,
            self._veil.petition(moved.petition),
            self._veil.handle(moved.chat_id),
            self._seal(moved),
        )


async def lock_subscriptions(connection: Connection, *handles: bytes) -> None:
    """Nobody else changes what these chats follow, or matches it, meanwhile."""
    await connection.execute(
        "select from subscription where chat = any($1) order by petition, number for update",
        list(handles),
    )
