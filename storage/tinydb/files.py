"""The files of a store: a snapshot, the journals since then, and who may open them.

petition-bell.db              the snapshot of generation n, sealed
petition-bell.db.journal.n    what was committed since; n+1, n+2 … while a fold is under way
petition-bell.db.previous     the snapshot before, with its journal: as complete as the newer
petition-bell.db.lock         keeps other processes out
"""

import errno
import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from math import inf
from pathlib import Path
from typing import IO, Literal, TypeAlias, TypeVar

import msgspec
import structlog

from bot.errors import StorageError
from storage.disk import Disk, reason, user_name
from storage.integrity import RESTORE, sound
from storage.key_file import KeyRing
from storage.tables import TABLE_SPECS, Fields, Tables
from storage.tinydb.frames import Damaged, Torn, frames
from storage.tinydb.sealed import FORMAT, Content, Kind, Sealed, WrongKey, format_of, new_store


class Journal:
    """An append-only file, which never holds half a frame for long."""

    def __init__(
        self, path: Path, sealed: Sealed, disk: Disk, *, sequence: int = 0, size: int = 0
    ) -> None:
        """Go on after the frame `sequence`, which ends at `size`; whatever follows is cut off."""
        self.path = path
        self.size = size or len(sealed.beginning)
        self._sealed = sealed
        self._disk = disk
        self._sequence = sequence
        self._descriptor = disk.reopen(path)
        self._torn = os.fstat(self._descriptor).st_size > self.size
        with suppress(OSError):  # if it fails here, the first append says so
            self._mend()

    @classmethod
    def new(cls, path: Path, sealed: Sealed, disk: Disk) -> "Journal":
        """A new journal, durable with its name before the first append."""
        aside = path.with_name(f".{path.name}.next")
        disk.write_file(aside, [sealed.beginning])
        disk.replace(aside, path)
        disk.sync_folder(path.parent)
        return cls(path, sealed, disk)

    def append(self, plain: bytes) -> None:
        """Have it on disk, or the journal as it was (OSError)."""
        if not self._disk.is_at(self._descriptor, self.path):
            # Whoever opened the store next would never see what goes into this one.
            raise OSError(errno.ESTALE, f"{self.path.name} was moved, replaced or deleted")
        self._mend()
        if not self._disk.has_size(self._descriptor, self.size):
            raise OSError(errno.ESTALE, f"{self.path.name} was changed by another program")
        frame = self._sealed.frame(plain, self._sequence + 1)
        try:
            self._disk.write(self._descriptor, frame)
            self._disk.sync(self._descriptor)
        except BaseException:
            self._torn = True
            with suppress(OSError):
                self._mend()
            raise
        self._sequence += 1
        self.size += len(frame)

    @property
    def end(self) -> str:
        """Which journal this is and how many frames it has, as the next one names it."""
        return f"{self._sealed.salt}:{self._sequence}"

    def close(self) -> None:
        os.close(self._descriptor)

    def _mend(self) -> None:
        """Cut off what a failed append left behind."""
        if self._torn:
            self._disk.truncate(self._descriptor, self.size)
            self._disk.sync(self._descriptor)
            self._torn = False


log = structlog.get_logger(__name__)

# What a transaction did, by table and document id; None is a document taken out. Without an id it
# is the table itself: there, if without documents, or None.
Changes: TypeAlias = dict[tuple[str, str | None], Fields | None]

# A change as it is written: table, document id, document, as in `Changes`.
Row: TypeAlias = tuple[str, str | None, Fields | None]

T = TypeVar("T")

ROWS = msgspec.json.Decoder(list[Row])
_ROWS_A_FRAME = 200
_BREATH = 0.0005  # seconds
_HEADER_AT_MOST = 4096
_COMPACT_FROM = 1_000_000  # bytes of journal


class StoreFiles:
    """The store's files. Its methods block: they are called off the event loop."""

    def __init__(self, path: Path, keys: KeyRing, disk: Disk) -> None:
        self.path = path.resolve()
        self._keys = keys
        self._disk = disk
        self._key = b""
        self._store = ""
        self._lock: IO[str] | None = None
        self._journal: Journal | None = None
        self._next = self.path.with_name(f".{self.path.name}.next")
        self._previous = self.path.with_name(f"{self.path.name}.previous")
        self._lock_path = self.path.with_name(f"{self.path.name}.lock")
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
        self._take_lock()
        try:
            return read()
        except OSError as error:
            self.release()
            raise StorageError(f"{self.path} cannot be read: {reason(error)}") from error
        except BaseException:
            self.release()
            raise

    def _load(self) -> Tables:
        if self._next.exists() and not self.path.exists() and self._previous.exists():
            self._disk.replace(self._next, self.path)
        raw = self._raw_snapshot()
        if raw is None:
            self._found({})
            return {}
        found = format_of(raw)
        if found is None:
            raise self._not_ours(raw)
        if found != FORMAT:
            raise self._unknown(found)
        return self._read(raw)

    def _raw_snapshot(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            self._check_nothing_is_lost()
            return None

    def _check_nothing_is_lost(self) -> None:
        """A snapshot that has gone is not a new store."""
        lived = any(_holds_commits(path) for path in self._journals().values())
        if lived or self._previous.exists():
            raise StorageError(
                f"{self.path} is gone, but files of its store are still beside it; {self._offer()}"
            )

    def _read(self, raw: bytes) -> Tables:
        self._snapshot = _state(self.path)
        tables = self._read_snapshot(self.path, raw)
        self._read_journals(tables)
        self._tidy()
        return tables

    def _read_snapshot(self, path: Path, raw: bytes) -> Tables:
        content = self._checked(path, lambda: Content(raw))
        self._key = self._key_for(content)
        self._store, self._generation = content.header.store, content.header.generation
        self._snapshot_size = len(raw)
        self._salts = {content.header.generation: content.header.after}
        tables: Tables = {}
        for plain in self._pieces(path, content.whole(self._key)):
            replay(tables, ROWS.decode(plain))
        return tables

    def _key_for(self, content: Content) -> bytes:
        keys = self._keys.find()
        if not keys:
            raise StorageError(
                f"The key file {self._keys.file} is missing. {self.path} can't be opened without it"
            )
        for key in keys:
            try:
                content.sealed(key)
            except WrongKey:
                continue
            self._keys.settle_on(key, self._disk)
            return key
        raise StorageError(f"{self.path} is encrypted with a different key")

    def _read_journals(self, tables: Tables) -> None:
        first, last, before = self._generation, self._drop_unused_journals(), ""
        for generation in range(first, last + 1):
            before = self._read_journal(generation, tables, before, is_last=generation == last)
        self._generation = last

    def _drop_unused_journals(self) -> int:
        """Take away what a fold that came to nothing has begun; the newest generation left."""
        journals = self._journals()
        last = max(journals, default=0)
        while last > self._generation and not _holds_commits(journals[last]):
            self._disk.remove(journals.pop(last))
            last = max(journals, default=0)
        return max(last, self._generation)

    def _read_journal(self, generation: int, tables: Tables, before: str, *, is_last: bool) -> str:
        """Replay a journal, which goes on after the end of the one before; its own end."""
        path = self._journal_path(generation)
        if not path.exists():
            raise StorageError(f"{path} is gone, so {self.path} is not complete; {self._offer()}")
        raw = path.read_bytes()
        content = self._content(path, raw, "journal", generation)
        header, named = content.header, self._salts.get(generation)
        if (named and named != header.salt) or (before and header.after != before):
            raise self._damaged(path, "it does not go on where the file before it ends")
        self._salts[generation] = header.salt
        try:
            for plain in self._pieces(path, content.plains(self._key)):
                replay(tables, ROWS.decode(plain))
        except Torn:
            if not is_last:
                raise self._damaged(path, "it ends in the middle") from None
            log.warning("unfinished commit discarded", bytes=len(raw) - content.end)
        if is_last:
            sealed = content.sealed(self._key)
            self._journal = Journal(
                path, sealed, self._disk, sequence=content.sequence, size=content.end
            )
        return f"{header.salt}:{content.sequence}"

    def _content(self, path: Path, raw: bytes, kind: Kind, generation: int) -> Content:
        content = self._checked(path, lambda: Content(raw))
        header = content.header
        if (header.kind, header.store, header.generation) != (kind, self._store, generation):
            raise self._damaged(path, "it belongs elsewhere")
        return content

    def _pieces(self, path: Path, plains: Iterator[bytes]) -> Iterator[bytes]:
        while (plain := self._checked(path, lambda: next(plains, None))) is not None:
            yield plain

    def _checked(self, path: Path, read: Callable[[], T]) -> T:
        try:
            return read()
        except WrongKey as error:
            raise self._damaged(path, "it is encrypted with a different key") from error
        except Damaged as error:
            raise self._damaged(path, str(error)) from error

    # --- what is refused

    def _damaged(self, path: Path, why: str) -> StorageError:
        """The complaint about a damaged file, of which a copy is kept aside."""
        kept = self._keep_aside(path)
        return StorageError(f"{path} is damaged: {why}. A copy is kept as {kept}; {self._offer()}")

    def _keep_aside(self, path: Path) -> Path:
        """A copy named after the time of the damage, so that trying again makes no further one."""
        when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(path.stat().st_mtime))
        aside = path.with_name(f"{path.name}.damaged-{when}")
        if not aside.exists():
            self._disk.write_file(aside, [path.read_bytes()])
        return aside

    def _offer(self) -> str:
        if self._previous.exists():
            return f"{RESTORE}, {self._previous} included"
        return RESTORE

    def _unknown(self, found: int) -> StorageError:
        return StorageError(f"{self.path} has format {found}; this version knows format {FORMAT}")

    def _not_ours(self, raw: bytes) -> StorageError:
        if raw.startswith(b"\xf1PB"):
            return self._damaged(self.path, "its header does not check")
        return StorageError(f"{self.path} isn't a petition-bell store")

    def _take_lock(self) -> None:
        side = self._lock_path
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = open(side, "a", opener=_privately)  # noqa: SIM115 - until `release`
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StorageError(
                f"{self.path} is in use by another process: stop that first"
            ) from error
        except OSError as error:
            self.release()
            user = user_name(os.geteuid())
            todo = f"let {user} write to {side.parent}, or change storage.url"
            raise StorageError(f"{side} cannot be locked: {reason(error)}; {todo}") from error

    # --- making

    def _found(self, tables: Tables) -> None:
        """Make a store of these tables, whose snapshot then stands at the path."""
        self._key = self._keys.make(self._disk)
        self._store, self._generation = new_store(), 1
        self._journal = self._new_journal(1)
        self._write_snapshot(tables, 1)
        self._disk.replace(self._next, self.path)
        self._disk.sync_folder(self.path.parent)
        self._snapshot = _state(self.path)

    def fill(self, tables: Tables) -> None:
        """Make a store of these tables, and let go of it; StorageError if there is one."""

        def fill() -> None:
            if self.path.exists() or self._previous.exists() or self._journals():
                raise StorageError(
                    f"there is a store at {self.path} already: move {self.path}* away first"
                )
            self._found(tables)

        self._locked(fill)
        self.release()

    # --- restoring, sealing anew

    def restore(self) -> bool:
        """Make a whole store of what can still be read; whether that is all there was."""
        return self._locked(self._restore)

    def _restore(self) -> bool:
        found = format_of(self.path.read_bytes()) if self.path.exists() else None
        if found not in {None, FORMAT}:
            raise self._unknown(found)
        tables, is_all = self._salvaged()
        tables, unsound = sound(tables)
        if unsound:
            log.warning("records with broken references left out", records=unsound)
        if not (is_all := is_all and not unsound):
            for path in self._journals().values():
                self._keep_aside(path)
        self._generation = max(self._generation, *self._journals(), 0)
        self.compact(tables, self.rotate(), erasing=True)
        self.release()
        return is_all

    def _salvaged(self) -> tuple[Tables, bool]:
        """The newest tables to be had, and whether they are complete."""
        complaint = StorageError(f"there is nothing to restore at {self.path}")
        for path in (self.path, self._previous):
            try:
                tables = self._read_snapshot(path, path.read_bytes())
            except FileNotFoundError:
                continue
            except StorageError as error:
                self._keep_aside(path)
                complaint = error
                continue
            try:
                self._read_journals(tables)
            except StorageError as error:
                complaint = error
                break
            return tables, True
        tables = {}
        if not self._read_what_is_left(tables):
            raise complaint
        return tables, False

    def _read_what_is_left(self, tables: Tables) -> bool:
        """Replay every frame that can be read, of all files in their order; whether one could.

        The snapshot before comes first: what was taken out of the store since may come back from
        it, which is better than to lose what stands nowhere else.
        """
        files = self._files_left()
        for path, content in sorted(files, key=lambda file: file[1].header.generation):
            plains = list(content.left(self._key))
            for plain in plains:
                if plain:
                    replay(tables, ROWS.decode(plain))
            if lost := plains.count(None):
                log.warning("parts of a file cannot be read", file=path.name, frames=lost)
        return bool(files)

    def _files_left(self) -> list[tuple[Path, Content]]:
        """The files of this store whose headers can be read, the snapshot before first.

        What is another store's, or sealed with another key, is kept aside: of most of the files, or
        else of the snapshot, it is plain which store this is. StorageError if there is no key.
        """
        journals = [path for _, path in sorted(self._journals().items())]
        found: list[tuple[Path, Content]] = []
        keys: dict[str, bytes] = {}
        refusal: StorageError | None = None
        for path in (self.path, self._previous, *journals):
            try:
                content = Content(path.read_bytes())
                keys.setdefault(content.header.store, self._key_for(content))
                found.append((path, content))
            except FileNotFoundError:
                continue
            except Damaged:
                log.warning("a file cannot be read at all", file=path.name)
            except StorageError as error:
                refusal = error
                self._leave_out(path)
        if refusal and not found:
            raise refusal
        stores = Counter(content.header.store for _, content in found)
        for store, _ in stores.most_common(1):
            self._store, self._key = store, keys[store]
        ours = [each for each in found if each[1].header.store == self._store]
        for path, content in found:
            if content.header.store != self._store:
                self._leave_out(path)
        return sorted(ours, key=lambda file: file[0] != self._previous)

    def _leave_out(self, path: Path) -> None:
        log.warning("a file of another store is left out", file=path.name)
        self._keep_aside(path)

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
        """Have these changes on disk, all of them, or none (OSError)."""
        self._check_in_place()
        rows = ((table, name, doc) for each in batch for (table, name), doc in each.items())
        self._open_journal.append(b"[%b]" % b",".join(_pieces_of(rows)))

    def _check_in_place(self) -> None:
        """Raise OSError if somebody else could not open the store as it was left here."""
        # A compaction may be replacing it just now, in a thread of its own.
        left, found = self._snapshot, _state(self.path)
        if left is not None and found != left and self._snapshot is left:
            raise OSError(errno.ESTALE, f"{self.path.name} was moved, replaced or deleted")
        self._keep_lock()
        self._check_key()

    def _keep_lock(self) -> None:
        """Take the lock anew where its file was taken away; OSError if another was faster."""
        if self._lock is None or _state(self._lock_path) == _state(self._lock.fileno()):
            return
        lock = open(self._lock_path, "a", opener=_privately)  # noqa: SIM115 - until `release`
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise OSError(
                errno.EBUSY, f"{self._lock_path.name} was deleted, and another process has it now"
            ) from None
        self._lock.close()
        self._lock = lock

    def _check_key(self) -> None:
        """Raise OSError if the key's file does not hold it any more."""
        file = self._keys.file
        if self._keys.is_given or file is None or (state := _state(file)) == self._key_state:
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
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # --- folding

    @property
    def wants_compaction(self) -> bool:
        """Whether the journal has grown enough to be folded into a snapshot."""
        return self._open_journal.size > max(_COMPACT_FROM, self._snapshot_size // 2)

    def rotate(self, key: bytes | None = None) -> int:
        """Begin a new journal; the generation of the snapshot that has to go under it."""
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
            self._disk.replace(self.path, self._previous)
        self._disk.replace(self._next, self.path)
        self._disk.sync_folder(self.path.parent)
        self._snapshot = _state(self.path)
        if erasing:
            self._disk.write_file(self._next, [self.path.read_bytes()])
            self._disk.replace(self._next, self._previous)
            self._disk.sync_folder(self.path.parent)
        self._snapshot_size = self.path.stat().st_size
        self._tidy()

    def drop_copies(self) -> None:
        """Take away the copies kept of damaged files, which hold what has been erased since."""
        for copy in self.path.parent.glob(f"{self.path.name}*.damaged-*"):
            self._disk.remove(copy)

    def _write_snapshot(self, tables: Tables, generation: int) -> None:
        after = self._salts.get(generation, "")
        sealed = Sealed.new(self._key, "snapshot", self._store, generation, after=after)
        self._disk.write_file(self._next, sealed.whole(rows_of(tables)))

    def _new_journal(self, generation: int) -> Journal:
        after = self._journal.end if self._journal is not None else ""
        sealed = Sealed.new(self._key, "journal", self._store, generation, after=after)
        journal = Journal.new(self._journal_path(generation), sealed, self._disk)
        self._salts[generation] = sealed.salt
        return journal

    def _tidy(self) -> None:
        """Take away what no snapshot needs any more."""
        oldest = min(_generation_of(self.path), _generation_of(self._previous))
        for generation, path in self._journals().items():
            if generation < oldest:
                self._disk.remove(path)
        for unfinished in self.path.parent.glob(f".{self.path.name}.*next"):
            self._disk.remove(unfinished)

    def _journal_path(self, generation: int) -> Path:
        return self.path.with_name(f"{self.path.name}.journal.{generation}")

    def _journals(self) -> dict[int, Path]:
        start = f"{self.path.name}.journal."
        found = (each for each in self.path.parent.iterdir() if each.is_file())
        names = [each.name for each in found if each.name.startswith(start)]
        numbers = [name.removeprefix(start) for name in names]
        return {int(each): self._journal_path(int(each)) for each in numbers if each.isdigit()}


# What tells a file from the one that has taken its place, and from itself once it has changed.
State: TypeAlias = tuple[int, int, int, int]


def _state(file: Path | int) -> State | None:
    """The state of a file by its name, or of an open one; None if there is none."""
    try:
        found = os.stat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def empty_tables() -> Tables:
    """Every table, with nothing in it."""
    return {name: {} for name in TABLE_SPECS}


def replay(tables: Tables, rows: Iterable[Row]) -> None:
    """Changes the tables as these rows say."""
    for table, name, document in rows:
        if name is None and document is None:
            tables.pop(table, None)
            continue
        documents = tables.setdefault(table, {})
        if name is not None and document is None:
            documents.pop(name, None)
        elif name is not None and document is not None:
            documents[name] = document


def _pieces_of(rows: Iterator[Row]) -> Iterator[bytes]:
    """Rows as JSON, some at a time; between them, whoever waits for the processor has a turn."""
    while piece := list(islice(rows, _ROWS_A_FRAME)):
        yield msgspec.json.encode(piece)[1:-1]


def rows_of(tables: Tables) -> Iterator[bytes]:
    """All documents, some at a time; between them, whoever waits for the processor has a turn."""
    empty: list[Row] = [(table, None, {}) for table, documents in tables.items() if not documents]
    if empty:
        yield msgspec.json.encode(empty)
    for table, documents in tables.items():
        rows = iter(documents.items())
        while piece := [(table, name, doc) for name, doc in islice(rows, _ROWS_A_FRAME)]:
            yield msgspec.json.encode(piece)
            time.sleep(_BREATH)


def _generation_of(snapshot: Path) -> float:
    """The generation that a snapshot's header names; without one, later than all others."""
    try:
        with snapshot.open("rb") as file:
            return Content(file.read(_HEADER_AT_MOST)).header.generation
    except (FileNotFoundError, Damaged, Torn):
        return inf


def _holds_commits(journal: Path) -> bool:
    found = frames(journal.read_bytes())
    try:
        return len(list(islice(found, 2))) > 1
    except Torn:
        return False
    except Damaged:
        return True
