"""Gives use cases their turns: many that wait together share one write, and one wait for the disk.

A batch is worked off and written in one thread of its own, however large it is, so the event loop
goes on meanwhile. Memory and disk agree except in that moment; whoever reads waits for it to pass
(`wait_until_idle`), so nobody sees what may yet be undone.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import structlog
from msgspec import Struct

from bot.errors import StorageError
from bot.outages import IncidentLog
from storage.disk import reason
from storage.tables import ERASE, NOTES, Tables
from storage.tinydb.database import Database, Transaction
from storage.tinydb.journal import Changes
from storage.tinydb.journalled import COMPACT_AGAIN_AFTER

# So many new documents are walked through in a few milliseconds.
_FEW_DOCUMENTS = 5_000


class Garbage:
    """Decides when the interpreter looks for garbage, and among what objects.

    It is used by the thread that makes documents.
    """

    def __init__(self) -> None:
        self._made = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Look for no garbage meanwhile."""
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()

    def made(self, documents: int) -> None:
        """Count new documents; once they are not few any more, set them aside from the search."""
        self._made += documents
        if self._made < _FEW_DOCUMENTS:
            return
        if documents < _FEW_DOCUMENTS:
            gc.collect(1)  # what is garbage now would be set aside with them
        gc.freeze()
        self._made = 0


log = structlog.get_logger(__name__)

_BATCH_FOR = 0.005  # seconds of use cases in one batch, while those who read wait

R = TypeVar("R")


class _Waiting(NamedTuple):
    """A use case in the queue, and who waits for it."""

    work: Callable[[Transaction], Any]
    outcome: asyncio.Future[Any]


class _Done(NamedTuple):
    """A use case done in memory, and what would undo it; or the error that kept it from being."""

    outcome: asyncio.Future[Any]
    result: Any = None
    changes: Changes | None = None
    undo: Changes | None = None
    error: BaseException | None = None


class Commits:
    """The one way to change the store: in the order of asking, durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transaction = Transaction(database)
        self._storage = database.records
        self._storage.route = self._route
        self._files = self._storage.files
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._writer = ThreadPoolExecutor(1, "store")
        self._queue: deque[_Waiting] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._next_is_called = False
        self._closed = False
        self._compact: asyncio.Task[None] | None = None
        self._compact_not_before = 0.0
        self._must_erase = False
        self._compactions = IncidentLog(log, "the journal cannot be compacted")
        self._garbage = Garbage()

    async def do(self, work: Callable[[Transaction], R]) -> R:
        """Do one use case: on disk and in memory when this returns, or neither if it raises.

        Who is cancelled while waiting leaves it to finish, whole, behind their back.
        """
        if self._closed:
            raise StorageError(f"{self._files.path} is closed")
        outcome: asyncio.Future[R] = self._loop.create_future()
        self._queue.append(_Waiting(work, outcome))
        if self._idle.is_set() and not self._next_is_called:
            self._next_batch()
        return await outcome

    async def wait_until_idle(self) -> None:
        """Wait until memory holds nothing but what is durable; so it stays until the next await."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def close(self) -> None:
        """Finish what waits, and a compaction under way; then let go of the files."""
        if self._closed:
            return
        self._closed = True
        while self._queue or not self._idle.is_set():
            await self._idle.wait()
            await asyncio.sleep(0)
        await self._wait_for_compaction()
        if self._must_erase:  # the last chance, however the one before went
            self._start_compaction()
            await self._wait_for_compaction()
        self._writer.shutdown()
        self._database.close()

    def _route(self, work: Callable[[], R]) -> Callable[[], R] | None:
        """Return what does a transaction in its turn for any thread but the event loop's, or None.

        The event loop's does its own at once: nobody reads meanwhile, and the lock keeps the writer
        out. None, too, once closed.
        """
        if self._closed or get_ident() == self._thread:
            return None
        waiting = partial(self.do, lambda _: work())
        return lambda: asyncio.run_coroutine_threadsafe(waiting(), self._loop).result()

    async def _wait_for_compaction(self) -> None:
        while self._compact is not None:
            await asyncio.wait([self._compact])

    # --- one batch

    def _next_batch(self) -> None:
        self._next_is_called = False
        self._idle.clear()
        batch = self._writer.submit(self._batch)
        batch.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._finished, batch))

    def _batch(self) -> list[_Done]:
        """Do what waits and write it; in the writer's thread, as all that changes the tables is."""
        with self._garbage.waiting(), self._storage.lock:
            done = self._write()
            self._garbage.made(sum(len(each.changes or ()) for each in done))
            # What may be large is let go of here, where it holds up nobody.
            return [each._replace(changes=None, undo=None) for each in done]

    def _write(self) -> list[_Done]:
        """Do what waits, and have it on disk, or undo it all."""
        done = self._work_off()
        changes = [each.changes for each in done if each.changes]
        try:
            if changes:
                self._storage.append(changes)
        except Exception as error:
            for each in reversed(done):
                self._storage.apply(each.undo or {})
            return [each if each.error else each._replace(error=error) for each in done]
        return done

    def _work_off(self) -> list[_Done]:
        """Do what waits, in memory, for as long as readers can spare."""
        done: list[_Done] = []
        until = monotonic() + _BATCH_FOR
        while self._queue and (not done or monotonic() < until):
            work, outcome = self._queue.popleft()
            try:
                result, changes = self._storage.collect(partial(work, self._transaction))
                undo = self._storage.apply(changes)
            except Exception as error:
                done.append(_Done(outcome, error=error))
            else:
                done.append(_Done(outcome, result, changes, undo))
        return done

    def _finished(self, batch: Future[list[_Done]]) -> None:
        # Readers go first: they are called before anybody can start the next batch.
        self._idle.set()
        try:
            for each in batch.result():
                _settle(each)
        finally:
            self._compact_if_due()
            self._go_on()

    def _go_on(self) -> None:
        if self._queue and not self._next_is_called:
            self._next_is_called = True
            self._loop.call_soon(self._next_batch)

    # --- compaction

    def erase_traces(self) -> None:
        """Compact the files soon, so that what has been taken out is in no file any more."""
        self._must_erase = True
        if self._idle.is_set():
            self._compact_if_due()

    def _note_erased(self, request: Struct | None) -> None:
        """Note that what was to be erased is, unless that was requested again since.

        A store that closes first erases again when it is opened.
        """

        def work(transaction: Transaction) -> None:
            if transaction.get(NOTES, ERASE) == request:
                transaction.remove(NOTES, ERASE)

        if request and not self._closed:
            outcome = self._loop.create_future()
            # If it fails, the request stands.
            outcome.add_done_callback(lambda done: done.exception())
            self._queue.append(_Waiting(work, outcome))
            if self._idle.is_set():  # else whoever finishes the batch under way goes on
                self._go_on()

    def _compact_if_due(self) -> None:
        wanted = self._must_erase or self._files.wants_compaction
        if wanted and self._compact is None and monotonic() >= self._compact_not_before:
            self._start_compaction()

    def _start_compaction(self) -> None:
        erasing, self._must_erase = self._must_erase, False
        rotating = self._writer.submit(self._rotate)
        self._compact = self._loop.create_task(self._finish_compaction(rotating, erasing))

    def _rotate(self) -> tuple[Tables, int, Struct | None]:
        """Return the tables so far, the generation of the new journal, and the request to erase.

        It runs in the writer's thread, so that no commit comes between them.
        """
        with self._storage.lock:
            return self._storage.copied(), self._files.rotate(), self._database.get(NOTES, ERASE)

    async def _finish_compaction(
        self, rotating: Future[tuple[Tables, int, Struct | None]], erasing: bool
    ) -> None:
        try:
            tables, generation, request = await asyncio.wrap_future(rotating)
            await asyncio.to_thread(self._files.compact, tables, generation, erasing=erasing)
            if erasing:
                await asyncio.to_thread(self._files.drop_copies)
                self._note_erased(request)
            self._compactions.recovered()
        except OSError as error:
            self._compactions.failed(reason(error))
            self._must_erase |= erasing
            self._compact_not_before = monotonic() + COMPACT_AGAIN_AFTER
        finally:
            self._compact = None
        await self.wait_until_idle()
        self._compact_if_due()


def _settle(done: _Done) -> None:
    """Tell who waits, unless they have left."""
    if done.outcome.done():
        return
    if done.error is None:
        done.outcome.set_result(done.result)
    else:
        done.outcome.set_exception(done.error)
