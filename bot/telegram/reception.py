"""Notes how receiving updates goes: the successes, and what keeps it from any."""

import time
from collections.abc import Callable
from enum import StrEnum

import structlog

from bot.messages.i18n import Said, marked
from bot.outages import IncidentLog
from bot.telegram.decoding import Cause, Failure, Undecodable

log = structlog.get_logger(__name__)

SILENT_TOO_LONG = 60.0  # seconds without a good answer
_LINE_EVERY = 60.0
_AFTER_THE_LAST = 50.0  # seconds for which what happens now and then is believed to go on
_TOO_MANY = 3  # once or twice is chance
_TOLD_FOR = 600.0  # seconds for which an update that was stepped over stays a trouble


class Outcome(StrEnum):
    """The outcome of an update that has come in."""

    TAKEN = "taken"
    REPLAY = "replay"
    UNDECODABLE = "undecodable"
    FLOOD = "flood"  # one too many of a person who sends far more than anybody needs
    FAILED = "failed"


class _Recurrence:
    """The count of what happens again and again, until it is known to have ended."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since = self._last = float("-inf")
        self.times = 0

    def happened(self) -> None:
        """Count that it happened once more."""
        now = self._monotonic()
        if not self.times or now - self._last > SILENT_TOO_LONG:
            self._since, self.times = now, 0
        self._last = now
        self.times += 1

    def ended(self) -> None:
        """Begin to count anew: what happens from now on has to do with nothing before."""
        self.times = 0

    @property
    def go_on(self) -> bool:
        """True while it has gone on for over a minute, and does so still."""
        now = self._monotonic()
        is_long = self.times >= _TOO_MANY and now - self._since > SILENT_TOO_LONG
        return is_long and now - self._last <= _AFTER_THE_LAST


class Reception:
    """The record of how well updates come in, for health, figures and the log."""

    def __init__(
        self,
        counted: Callable[[str], None] = lambda _: None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted = counted
        self._monotonic = monotonic
        self.last_answer = float("-inf")
        self.last_update = float("-inf")
        self._is_receiving = False
        self._is_waiting = False
        self._last_sign = monotonic()
        self._cause: Cause | None = None
        self._incident = IncidentLog(log, "no updates are arriving", monotonic)
        self.own_faults = IncidentLog(log, "updates cannot be handed on", monotonic)
        self._skip_line = float("-inf")
        self._skipped = self._skipped_unsaid = 0
        self._last_skip = float("-inf")
        self._unreadable = _Recurrence(monotonic)  # with nothing between that could be read
        self._conflicts = _Recurrence(monotonic)

    def begins(self) -> None:
        """Expect answers from now on."""
        self._is_receiving = True
        self._last_sign = self._monotonic()
        self._conflicts.ended()

    def ends(self) -> None:
        """Expect nothing any more."""
        self._is_receiving = self._is_waiting = False
        self._cause = None
        self._incident.forget()

    @property
    def is_failing(self) -> bool:
        """True while the last question had no good answer."""
        return self._cause is not None

    def answered(self) -> None:
        """Note that Telegram gave a good answer, be there updates in it or not."""
        self.last_answer = self._last_sign = self._monotonic()
        self._cause = None
        self._incident.recovered()

    def failed(self, failure: Failure, retry_in: float) -> None:
        """Note that Telegram gave no good answer; at most one line a minute says so."""
        self._cause = failure.cause
        if failure.cause is Cause.OTHER_PROGRAM:
            self._conflicts.happened()
        self._incident.failed(str(failure.cause), error=failure.detail, retry_in=round(retry_in, 1))

    def waits(self, *, for_room: bool) -> None:
        """Note that an update waits until there is room for it, or has found it."""
        self._is_waiting = for_room

    def took(self, outcome: Outcome) -> None:
        """Note that an update has come, and what became of it."""
        self.last_update = self._last_sign = self._monotonic()
        self._unreadable.ended()
        self._counted(outcome)

    def skipped(self, update: Undecodable) -> None:
        """Note that an update was stepped over.

        At most one line a minute says so, without what it held.
        """
        now = self._monotonic()
        if now - self._last_skip >= _TOLD_FOR:
            self._skipped = 0
        self._last_skip = now
        self._unreadable.happened()
        self._skipped += 1
        self._skipped_unsaid += 1
        self._counted(Outcome.UNDECODABLE)
        if now - self._skip_line >= _LINE_EVERY:
            log.warning(
                "update skipped: it cannot be decoded",
                kind=update.kind,
                error=update.error,
                times=self._skipped_unsaid,
            )
            self._skip_line, self._skipped_unsaid = now, 0

    def silence(self) -> float:
        """Return the seconds since anything good was heard."""
        return self._monotonic() - self._last_sign

    def problem(self) -> str:
        """Say why nothing has been heard for over a minute, or since the start; "" if it has."""
        if not self._is_receiving:
            return (
                Said(marked("No updates have arrived yet: {cause}."), cause=self._cause.said)
                if self._cause
                else ""
            )
        silence = self.silence()
        if silence <= SILENT_TOO_LONG:
            # Two programs that ask by turns get a part of the updates each.
            is_shared = self._conflicts.go_on
            elsewhere = Cause.OTHER_PROGRAM.said
            return Said("Some updates go elsewhere: {cause}.", cause=elsewhere) if is_shared else ""
        cause = Cause.FULL if self._is_waiting else self._cause or Cause.UNREACHABLE
        return Said(
            "No updates have arrived for {seconds} seconds: {cause}.",
            seconds=f"{silence:.0f}",
            cause=cause.said,
        )

    @property
    def reads_nothing(self) -> bool:
        """True if none of the many updates for over a minute could be read."""
        return self._unreadable.go_on

    def stepped_over(self) -> str:
        """Say that there were updates that could not be read lately; "" if there were none."""
        if self._monotonic() - self._last_skip >= _TOLD_FOR:
            return ""
        if self.reads_nothing:
            times = self._unreadable.times
            return Said("None of the last {count} updates could be read.", count=times)
        if self._skipped == 1:
            return Said("1 update couldn't be read and was skipped. See the log for its kind.")
        return Said(
            "{count} updates couldn't be read and were skipped. See the log for their kind.",
            count=self._skipped,
        )
