"""Keeps Python's search for garbage out of the documents, which refer to nothing but themselves.

There can be a million of them, and a search among them all holds up everybody for a second.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many new documents are walked through in a few milliseconds.
_FEW_DOCUMENTS = 5_000


class Garbage:
    """Says when to look for garbage, and among what; called by the thread that makes documents."""

    def __init__(self) -> None:
        self._made = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Nothing is looked for meanwhile."""
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()

    def made(self, documents: int) -> None:
        """So many documents have come; once they are not few any more, they are set aside."""
        self._made += documents
        if self._made < _FEW_DOCUMENTS:
            return
        if documents < _FEW_DOCUMENTS:
            gc.collect(1)  # what is garbage now would be set aside with them
        gc.freeze()
        self._made = 0
