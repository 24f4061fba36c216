"""Works out which petitions the marks beside chats stand for, once in a process.

A database that could join the two would give them away, so only who has the key can.
"""

from collections.abc import Collection, Mapping

from bot.petitions.petition import PetitionRef
from storage.postgres.pool import Connection
from storage.postgres.row_cipher import RowCipher

_FOLLOWED = """
select mark from unnest($1::bytea[]) known (mark)
where exists (select from subscription where petition = mark)
"""

_NEEDED = """
select mark from unnest($1::bytea[]) known (mark)
where exists (select from subscription where petition = mark)
    or mark in (select petition from delivery)
"""


class PetitionNames:
    """The petitions of a store by their marks."""

    def __init__(self, cipher: RowCipher) -> None:
        self._cipher = cipher
        self._named: dict[bytes, PetitionRef] = {}
        self._marks: dict[str, bytes] = {}

    async def behind(
        self, connection: Connection, marks: Collection[bytes]
    ) -> Mapping[bytes, PetitionRef]:
        """Return the petitions that marks stand for, by mark; unknown marks are left out."""
        if any(mark not in self._named for mark in marks):
            await self._all(connection)
        return {mark: self._named[mark] for mark in marks if mark in self._named}

    async def followed(self, connection: Connection) -> list[PetitionRef]:
        """Return the petitions that somebody follows."""
        rows = await connection.fetch(_FOLLOWED, await self._all(connection))
        return [self._named[row["mark"]] for row in rows]

    async def needed(self, connection: Connection) -> list[PetitionRef]:
        """Return the petitions that somebody follows or is owed something of."""
        rows = await connection.fetch(_NEEDED, await self._all(connection))
        return [self._named[row["mark"]] for row in rows]

    async def _all(self, connection: Connection) -> list[bytes]:
        """Return the marks of all petitions there are."""
        rows = await connection.fetch("select ref from petition")
        return [self._mark(row["ref"]) for row in rows]

    def _mark(self, name: str) -> bytes:
        if name not in self._marks:
            petition = PetitionRef.parse(name)
            mark = self._marks[name] = self._cipher.petition(petition)
            self._named[mark] = petition
        return self._marks[name]
