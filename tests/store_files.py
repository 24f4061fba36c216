"""Does from outside what tests do to the files of a store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_device(name: str) -> Iterator[None]:
    """Every file this process has open whose path holds `name` is a device without space."""
    full = os.open("/dev/full", os.O_WRONLY)
    found = [each for each in _open_files(name)]
    kept = {descriptor: os.dup(descriptor) for descriptor in found}
    for descriptor in found:
        os.dup2(full, descriptor)
    try:
        yield
    finally:
        for descriptor, original in kept.items():
            os.dup2(original, descriptor)
            os.close(original)
        os.close(full)


def _open_files(name: str) -> list[int]:
    links = {int(each.name): each for each in Path("/proc/self/fd").iterdir()}
    return [number for number, link in links.items() if name in _target(link)]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
