"""Use cases take turns here: many that wait together share one write, and one wait for the disk.

Memory and disk agree except while a batch is written; whoever reads waits for that moment to pass
(`calm`), so nobody sees what may yet be undone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import structlog
from msgspec import Struct

from bot.petitions.errors import StorageError
from storage.disk import reason
from storage.index import Index
from storage.tables import SHELVES, Changes, Database, Transaction
from storage.vault import Vault

log = structlog.get_logger(__name__)

_BATCH_FOR = 0.005  # seconds of use cases in one batch, while the event loop waits
_FOLD_AGAIN_AFTER = 30.0  # seconds after a fold that failed

R = TypeVar("R")


class _Waiting(NamedTuple):
    """A use case in the queue, and who waits for it."""

    work: Callable[[Transaction], Any]
    outcome: asyncio.Future[Any]


class _Done(NamedTuple):
    """A use case done in memory, and what would undo it."""

    outcome: asyncio.Future[Any]
    result: Any
    changes: Changes
    undo: Changes


class Commits:
    """The one way to change the store: in the order of asking, durable when it returns."""

    def __init__(self, database: Database, index: Index, vault: Vault) -> None:
        self._database = database
        self._index = index
        self._vault = vault
        self._loop = asyncio.get_running_loop()
        self._writer = ThreadPoolExecutor(1, "store")
        self._queue: deque[_Waiting] = deque()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._next_is_called = False
        self._closed = False
        self._fold: asyncio.Task[None] | None = None
        self._fold_not_before = 0.0
        self._must_erase = False

    async def do(self, work: Callable[[Transaction], R]) -> R:
        """Do one use case: on disk and in memory when this returns, or neither if it raises.

        Who is cancelled while waiting leaves it to finish, whole, behind their back.
        """
        if self._closed:
            raise StorageError(f"{self._vault.path} is closed")
        outcome: asyncio.Future[R] = self._loop.create_future()
        self._queue.append(_Waiting(work, outcome))
        if self._quiet.is_set() and not self._next_is_called:
            self._next_batch()
        return await outcome

    async def calm(self) -> None:
        """Wait until memory holds nothing but what is durable; so it stays until the next await."""
        while not self._quiet.is_set():
            await self._quiet.wait()

    async def close(self) -> None:
        """Finish what waits, and a fold under way; then let go of the files."""
        if self._closed:
            return
        self._closed = True
        while self._queue or not self._quiet.is_set():
            await self._quiet.wait()
            await asyncio.sleep(0)
        await self._finish_folds()
        if self._must_erase:  # the last chance, however the one before went
            self._start_fold()
            await self._finish_folds()
        self._writer.shutdown()
        self._vault.release()

    async def _finish_folds(self) -> None:
        while self._fold is not None:
            await asyncio.wait([self._fold])

    # --- one batch

    def _next_batch(self) -> None:
        self._next_is_called = False
        done = self._work_off()
        if any(each.changes for each in done):
            self._quiet.clear()
            changes = [each.changes for each in done]
            writing = self._writer.submit(self._vault.append, changes)
            writing.add_done_callback(lambda written: self._from_writer(done, written))
        else:
            _resolve(done)
            self._go_on()

    def _work_off(self) -> list[_Done]:
        """Do what waits, in memory, for as long as the event loop can spare."""
        done: list[_Done] = []
        until = monotonic() + _BATCH_FOR
        while self._queue and (not done or monotonic() < until):
            work, outcome = self._queue.popleft()
            transaction = Transaction(self._database)
            try:
                result = work(transaction)
            except Exception as error:
                _fail([outcome], error)
            else:
                undo = self._apply(transaction.changes)
                done.append(_Done(outcome, result, transaction.changes, undo))
        return done

    def _from_writer(self, done: list[_Done], written: Future[None]) -> None:
        self._loop.call_soon_threadsafe(self._written, done, written.exception())

    def _written(self, done: list[_Done], error: BaseException | None) -> None:
        if error is not None:
            for each in reversed(done):
                self._apply(each.undo)
        # Readers go first: they are called before anybody can start the next batch.
        self._quiet.set()
        if error is None:
            _resolve(done)
        else:
            _fail([each.outcome for each in done], self._complaint(error))
        self._fold_if_due()
        self._go_on()

    def _go_on(self) -> None:
        if self._queue and not self._next_is_called:
            self._next_is_called = True
            self._loop.call_soon(self._next_batch)

    def _complaint(self, error: BaseException) -> BaseException:
        if not isinstance(error, OSError):
            return error
        complaint = StorageError(f"{self._vault.path} is not written: {reason(error)}")
        complaint.__cause__ = error
        return complaint

    def _apply(self, changes: Changes) -> Changes:
        """Change the tables and the index; what would change them back."""
        undo: Changes = {}
        moves: list[tuple[str, Struct | None, Struct | None]] = []
        for (name, doc_id), document in changes.items():
            table, shelf = self._database.shelf(name), SHELVES[name]
            before = undo[name, doc_id] = table.live.get(doc_id)
            if shelf.indexed:
                moves.append((doc_id, shelf.read(before), shelf.read(document)))
            table.place(doc_id, document)
        self._index.apply(moves)
        return undo

    # --- folding

    def erase_traces(self) -> None:
        """Fold soon, so that what has been taken out is in no file any more."""
        self._must_erase = True
        if self._quiet.is_set():
            self._fold_if_due()

    def _fold_if_due(self) -> None:
        wanted = self._must_erase or self._vault.wants_fold
        if wanted and self._fold is None and monotonic() >= self._fold_not_before:
            self._start_fold()

    def _start_fold(self) -> None:
        """To be called while all is calm: the tables are then what the journals say."""
        tables = self._database.copied()
        erasing, self._must_erase = self._must_erase, False
        turning = self._writer.submit(self._vault.turn)
        self._fold = self._loop.create_task(self._finish_fold(tables, turning, erasing))

    async def _finish_fold(self, tables: Any, turning: Future[int], erasing: bool) -> None:
        try:
            generation = await asyncio.wrap_future(turning)
            await asyncio.to_thread(self._vault.fold, tables, generation, erasing=erasing)
        except OSError as error:
            log.warning("the journal could not be folded", reason=reason(error))
            self._must_erase |= erasing
            self._fold_not_before = monotonic() + _FOLD_AGAIN_AFTER
        finally:
            self._fold = None
        await self.calm()
        self._fold_if_due()


def _resolve(done: Iterable[_Done]) -> None:
    for each in done:
        if not each.outcome.done():
            each.outcome.set_result(each.result)


def _fail(outcomes: Iterable[asyncio.Future[Any]], error: BaseException) -> None:
    for outcome in outcomes:
        if not outcome.done():
            outcome.set_exception(error)
