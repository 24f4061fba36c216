"""Opens, writes, compacts and restores the files of a store.

petition-bell.db              the snapshot of generation n, sealed
petition-bell.db.journal.n    what was committed since; n+1, n+2 … while one is compacted
petition-bell.db.previous     the snapshot before, with its journal: as complete as the newer
petition-bell.db.lock         keeps other processes out
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import structlog

from bot.errors import StorageError
from storage.disk import Disk, reason
from storage.integrity import sound
from storage.key_file import KeyRing
from storage.tables import Tables
from storage.tinydb.chain import BrokenFile, Chain, check_format
from storage.tinydb.journal import Changes, Journal, pieces_of, rows_of
from storage.tinydb.paths import (
    State,
    StoreLock,
    StorePaths,
    generation_of,
    holds_commits,
    state_of,
)
from storage.tinydb.salvage import salvaged
from storage.tinydb.sealed import Sealed, format_of, new_store

log = structlog.get_logger(__name__)


T = TypeVar("T")

_COMPACT_FROM = 1_000_000  # bytes of journal


class StoreFiles:
    """The store's files. Its methods block: they are called off the event loop."""

    def __init__(self, path: Path, keys: KeyRing, disk: Disk) -> None:
        self._paths = StorePaths(path, disk)
        self.path = self._paths.path
        self._keys = keys
        self._disk = disk
        self._key = b""
        self._store = ""
        self._lock = StoreLock(self.path)
        self._journal: Journal | None = None
        self._snapshot_size = 0
        self._snapshot: State | None = None  # as it was left; None while it is replaced
        self._key_state: State | Literal["unknown"] | None = "unknown"
        self._generation = 0  # of the journal that is written
        self._salts: dict[int, str] = {}  # of the journals, by their generations

    # --- opening

    def load(self) -> Tables:
        """Take the lock and read the store, made if there is none.

        StorageError for one that is in use, damaged, sealed with another key or not ours.
        """
        return self._locked(self._load)

    def _locked(self, read: Callable[[], T]) -> T:
        self._lock.take()
        try:
            return read()
        except OSError as error:
            self.release()
            raise StorageError(f"{self.path} cannot be read or written: {reason(error)}") from error
        except BaseException:
            self.release()
            raise

    def _load(self) -> Tables:
        # A crash between the two renames of a compaction leaves the finished snapshot aside.
        if self._paths.next.exists() and not self.path.exists() and self._paths.previous.exists():
            self._disk.replace(self._paths.next, self.path)
        raw = self._raw_snapshot()
        if raw is None:
            self._found({})
            return {}
        check_format(self.path, raw)
        if format_of(raw) is None:
            raise self._not_ours(raw)
        self._snapshot = state_of(self.path)
        tables = self._go_on(self._begin(self.path, raw))
        if self._key != self._keys.find()[0]:
            # Cut off amid being sealed anew: the key that goes now is the one of the files before.
            self._copy_snapshot()
        self._keys.settle_on(self._key, self._disk)
        self._paths.tidy()
        return tables

    def _raw_snapshot(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            self._check_nothing_is_lost()
            return None

    def _check_nothing_is_lost(self) -> None:
        """Raise StorageError where only the snapshot has gone, lest a new store be made there."""
        lived = any(holds_commits(path) for path in self._paths.journals().values())
        if lived or self._paths.previous.exists():
            raise StorageError(
                f"{self.path} is gone, but files of its store are still beside it; "
                f"{self._paths.offer()}"
            )

    def _begin(self, path: Path, raw: bytes) -> Chain:
        """Read a snapshot; StorageError if it cannot be, and a copy is kept if it is damaged."""
        with self._keeping_aside():
            chain = Chain(path, raw, self._keys)
        self._key, self._store, self._generation = chain.key, chain.store, chain.generation
        self._snapshot_size = len(raw)
        return chain

    def _go_on(self, chain: Chain) -> Tables:
        """Read the journals that a snapshot goes on with; the last one is to be written on."""
        last = self._drop_unused_journals()
        for generation in range(chain.generation, last + 1):
            path = self._paths.journal(generation)
            if not path.exists():
                raise StorageError(
                    f"{path} is gone, so {self.path} is not complete; {self._paths.offer()}"
                )
            raw, is_last = path.read_bytes(), generation == last
            with self._keeping_aside():
                content = chain.add(path, raw, is_last=is_last)
            if is_last:
                if unfinished := len(raw) - content.end:
                    log.warning("unfinished commit discarded", bytes=unfinished)
                sealed = content.sealed(self._key)
                self._journal = Journal(
                    path, sealed, self._disk, sequence=content.sequence, size=content.end
                )
        self._generation, self._salts = last, chain.salts
        return chain.tables

    def _drop_unused_journals(self) -> int:
        """Remove the journals that a vain compaction began; return the newest generation left."""
        journals = self._paths.journals()
        last = max(journals, default=0)
        while last > self._generation and not holds_commits(journals[last]):
            self._disk.remove(journals.pop(last))
            last = max(journals, default=0)
        return max(last, self._generation)

    @contextmanager
    def _keeping_aside(self) -> Iterator[None]:
        try:
            yield
        except BrokenFile as error:
            raise self._paths.damaged(error.path, error.why) from error

    def _not_ours(self, raw: bytes) -> StorageError:
        if raw.startswith(b"\xf1PB"):
            return self._paths.damaged(self.path, "its header does not check")
        return StorageError(f"{self.path} isn't a petition-bell store")

    # --- making

    def _found(self, tables: Tables) -> None:
        """Make a store of these tables, whose snapshot then stands at the path."""
        self._key = self._keys.make(self._disk)
        self._store, self._generation = new_store(), 1
        self._journal = self._new_journal(1)
        self._write_snapshot(tables, 1)
        self._disk.replace(self._paths.next, self.path)
        self._disk.sync_folder(self.path.parent)
        self._snapshot = state_of(self.path)

    def fill(self, tables: Tables) -> None:
        """Make a store of these tables, and let go of it; StorageError if there is one."""

        def fill() -> None:
            if self.path.exists() or self._paths.previous.exists() or self._paths.journals():
                raise StorageError(
                    f"there is a store at {self.path} already: move {self.path}* away first"
                )
            self._found(tables)

        self._locked(fill)
        self.release()

    # --- restoring, sealing anew

    def restore(self) -> bool:
        """Make a whole store of what can still be read; return whether that is all there was."""
        return self._locked(self._restore)

    def _restore(self) -> bool:
        if self.path.exists():
            check_format(self.path, self.path.read_bytes())
        tables, is_all = self._newest()
        tables, unsound = sound(tables)
        if unsound:
            log.warning("records with broken references left out", records=unsound)
        if not (is_all := is_all and not unsound):
            for path in self._paths.journals().values():
                self._paths.keep_aside(path)
        self._generation = max(self._generation, *self._paths.journals(), 0)
        self.compact(tables, self.rotate(), erasing=True)
        self._keys.settle_on(self._key, self._disk)
        self.release()
        return is_all

    def _newest(self) -> tuple[Tables, bool]:
        """Return the newest tables to be had, and whether they are complete."""
        complaint = StorageError(f"there is nothing to restore at {self.path}")
        newest = generation_of(self.path)
        # The journal that a snapshot goes on with is there even where the snapshot cannot be read.
        is_there = newest is None or newest in self._paths.journals()
        for path in (self.path, self._paths.previous):
            try:
                chain = self._begin(path, path.read_bytes())
            except FileNotFoundError:
                continue
            except StorageError as error:
                self._paths.keep_aside(path)
                complaint = error
                continue
            try:
                return self._go_on(chain), is_there
            except StorageError as error:
                complaint = error
                break
        left = salvaged(self._paths, self._keys)
        if left is None:
            raise complaint
        self._store, self._key, self._generation = left.store, left.key, left.generation
        return left.tables, False

    def rekey(self, key: bytes) -> None:
        """Seal everything with another key, which waits beside its file until that is done."""
        tables = self._locked(self._load)
        try:
            self._keys.prepare(key, self._disk)
            self.compact(tables, self.rotate(key), erasing=True)
            self._keys.settle_on(key, self._disk)
        except OSError as error:
            raise StorageError(f"{self.path} couldn't be written: {reason(error)}") from error
        finally:
            self.release()

    # --- committing

    def append(self, batch: Sequence[Changes]) -> None:
        """Write these changes to disk, all of them, or none (OSError)."""
        self._check_in_place()
        rows = ((table, name, doc) for each in batch for (table, name), doc in each.items())
        self._open_journal.append(b"[%b]" % b",".join(pieces_of(rows)))

    def _check_in_place(self) -> None:
        """Raise OSError if somebody else could not open the store as it was left here."""
        # A compaction may be replacing it just now, in a thread of its own.
        left, found = self._snapshot, state_of(self.path)
        if left is not None and found != left and self._snapshot is left:
            raise OSError(errno.ESTALE, f"{self.path.name} was moved, replaced or deleted")
        self._lock.keep()
        self._check_key()

    def _check_key(self) -> None:
        """Raise OSError if the key's file does not hold it any more."""
        file = self._keys.file
        if self._keys.is_given or file is None or (state := state_of(file)) == self._key_state:
            return
        try:
            is_there = self._key in self._keys.find()
        except StorageError as error:
            raise OSError(errno.EKEYREJECTED, str(error)) from error
        if not is_there:
            found = "is gone" if state is None else "holds another key"
            todo = "put the right one back, since nobody can open the store without it"
            raise OSError(errno.EKEYREJECTED, f"the key file {file} {found}: {todo}")
        self._key_state = state

    @property
    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise StorageError(f"{self.path} is closed")
        return self._journal

    def release(self) -> None:
        """Let another process have the store."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.release()

    # --- compacting

    @property
    def wants_compaction(self) -> bool:
        """True if the journal has grown enough to be compacted into a snapshot."""
        return self._open_journal.size > max(_COMPACT_FROM, self._snapshot_size // 2)

    def rotate(self, key: bytes | None = None) -> int:
        """Begin a new journal; return the generation of the snapshot that has to go under it."""
        self._check_in_place()
        self._key, before = key or self._key, self._key
        try:
            journal = self._new_journal(self._generation + 1)
        except BaseException:
            self._key = before
            raise
        if self._journal is not None:
            self._journal.close()
        self._journal = journal
        self._generation += 1
        return self._generation

    def compact(self, tables: Tables, generation: int, *, erasing: bool) -> None:
        """Put a snapshot of the tables in the place of the one before, and of its journals.

        Erasing, what the one before held goes too: a copy of the new one takes its place.
        """
        self._write_snapshot(tables, generation)
        self._snapshot = None
        if not erasing:
            self._disk.replace(self.path, self._paths.previous)
        self._disk.replace(self._paths.next, self.path)
        self._disk.sync_folder(self.path.parent)
        self._snapshot = state_of(self.path)
        if erasing:
            self._copy_snapshot()
        self._snapshot_size = self.path.stat().st_size
        self._paths.tidy()

    def _copy_snapshot(self) -> None:
        """Put a copy of the snapshot in the place of the one before."""
        self._disk.write_file(self._paths.next, [self.path.read_bytes()])
        self._disk.replace(self._paths.next, self._paths.previous)
        self._disk.sync_folder(self.path.parent)

    def drop_copies(self) -> None:
        """Take away the copies kept of damaged files, which hold what has been erased since."""
        self._paths.drop_copies()

    def _write_snapshot(self, tables: Tables, generation: int) -> None:
        after = self._salts.get(generation, "")
        sealed = Sealed.new(self._key, "snapshot", self._store, generation, after=after)
        self._disk.write_file(self._paths.next, sealed.whole(rows_of(tables)))

    def _new_journal(self, generation: int) -> Journal:
        after = self._journal.end if self._journal is not None else ""
        sealed = Sealed.new(self._key, "journal", self._store, generation, after=after)
        journal = Journal.new(self._paths.journal(generation), sealed, self._disk)
        self._salts[generation] = sealed.salt
        return journal
