"""A disk that takes nothing more."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def full_disk(_: str) -> Iterator[None]:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.disk.Disk.write_some", full)
        yield
