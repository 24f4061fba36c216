"""Runs the drawing process: matplotlib and its memory stay there, and so does a crash.

Drawing holds the interpreter for most of a second, so a thread beside the event loop would stop the
bot each time. One process of its own is started with the first picture, spoken to through a pipe,
and killed and started anew when it does not answer.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from bot.charts.picture import Picture
from bot.errors import PetitionBellError
from bot.messages.i18n import speaking


class Job(NamedTuple):
    """A picture by its name, the language of its words, and what it is drawn from."""

    name: str
    language: str
    arguments: dict[str, Any]


class ChartFailed(PetitionBellError):
    """A picture could not be drawn this time; the next one may be."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no picture: {reason}")


class Worker:
    """One drawing process, one picture at a time; its methods block."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._turn = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process that draws, None if there is none."""
        return self._process.pid if self._process else None

    def draw(self, job: Job) -> Picture | None:
        """Return the picture, or None where there is nothing to show; ChartFailed otherwise."""
        with self._turn:
            try:
                answer = self._ask(job)
            except (OSError, EOFError) as error:
                self._kill()
                raise ChartFailed("the drawing process died") from error
        if isinstance(answer, str):
            raise ChartFailed(answer)
        return answer

    def _ask(self, job: Job) -> Picture | str | None:
        pipe = self._pipe or self._start()
        pipe.send(job)
        if not pipe.poll(self._timeout):
            self._kill()
            raise ChartFailed(f"drawing took longer than {self._timeout:g} s")
        answer: Picture | str | None = pipe.recv()
        return answer

    def _start(self) -> Connection:
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # so that its end is the end of the pipe
        self._process, self._pipe = process, ours
        return ours

    def _kill(self) -> None:
        if self._process and self._pipe:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def stop(self) -> None:
        """End the process, after the picture it is drawing."""
        with self._turn:
            if self._process and self._pipe:
                self._pipe.close()
                self._process.join(self._timeout)
            self._kill()


def serve(pipe: Connection) -> None:
    """Draw what is asked for until the pipe ends (runs in the drawing process)."""
    # The bot itself never loads matplotlib.
    from bot.charts.curve import signature_curve  # noqa: PLC0415 - as above
    from bot.charts.regions import region_map  # noqa: PLC0415 - likewise
    from bot.charts.seats import constituency_bars  # noqa: PLC0415 - likewise

    drawings: Mapping[str, Callable[..., Picture | None]] = {
        "curve": signature_curve,
        "map": region_map,
        "bars": constituency_bars,
    }
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bot's to handle
    while True:
        try:
            job: Job = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            with speaking(job.language):
                picture = drawings[job.name](**job.arguments)
            pipe.send(picture)
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
