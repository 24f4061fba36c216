"""How the followers in PostgreSQL hear: every policy kept once, sealed, under a mark that hides it.

A policy never changes under its mark, so a process opens each only once. The rows that nobody
refers to any more are swept.
"""

from collections.abc import Collection, Iterable

from bot.petitions.match import way_of
from bot.petitions.model import Subscription, Terms
from bot.petitions.terms import Policy
from storage.postgres_pool import Connection
from storage.postgres_rows import Veil

_AT_MOST = 20_000

_KEEP = """
insert into policy (mark, sealed)
select * from unnest($1::bytea[], $2::bytea[]) agreed (mark, sealed) order by mark
on conflict (mark) do nothing
"""

_SWEEP = """
delete from policy
where not exists (select from subscription where subscription.policy = policy.mark)
"""


def policy_of(follows: Subscription, chat: Terms) -> Policy:
    """All that decides how a subscription hears, given its chat's own terms."""
    return way_of(follows, chat).policy


class Policies:
    """The policies of a store, as one process has opened them."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self._opened: dict[bytes, Policy] = {}

    async def keep(self, connection: Connection, policies: Iterable[Policy]) -> None:
        """Have these stand in the table.

        Before anything of a subscription is locked: two who keep the same one wait for each other.
        """
        sealed = {self._veil.mark(each): self._veil.seal_policy(each) for each in policies}
        if sealed:
            await connection.execute(_KEEP, list(sealed), list(sealed.values()))

    async def behind(self, connection: Connection, marks: Collection[bytes]) -> dict[bytes, Policy]:
        """The policies that marks stand for."""
        if len(self._opened) > _AT_MOST:
            self._opened.clear()
        missing = [mark for mark in marks if mark not in self._opened]
        if missing:
            rows = await connection.fetch("select * from policy where mark = any($1)", missing)
            self._opened |= {row["mark"]: self._veil.policy(row) for row in rows}
        return {mark: self._opened[mark] for mark in marks}


async def sweep_policies(connection: Connection) -> None:
    """Let go of the policies nobody has any more; in a transaction of its own."""
    # Who has kept one and not yet used it is waited for, and nobody keeps one meanwhile.
    await connection.execute("lock table policy in share row exclusive mode")
    await connection.execute(_SWEEP)
