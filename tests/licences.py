"""The licences of all that is installed with the bot: PYTHONPATH=. python tests/licences.py."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

# Under each of these a program under the MIT licence may use a library as it is.
COMPATIBLE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
    "LGPL-3.0-only",  # python-telegram-bot: used unchanged, and exchangeable
}

# What older packages say in words of their own.
_IN_WORDS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}


class Licensed(NamedTuple):
    """A package, and the licences that hold for it (SPDX)."""

    name: str
    version: str
    licences: frozenset[str]


def installed() -> Iterator[Licensed]:
    """Every package of the locks that is installed here."""
    locks = (ROOT / "requirements.lock", ROOT / "requirements-postgres.lock")
    pins = {
        pin for lock in locks for pin in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.M)
    }
    for name in sorted(pins):
        try:
            found = distribution(name).metadata
        except PackageNotFoundError:
            continue  # for other systems only
        said = found.get("License-Expression") or ""
        if not said and len(found.get("License", "")) < 40:
            said = found.get("License", "")
        if not said:
            classifiers = found.get_all("Classifier", [])
            kinds = [each.split(" :: ")[-1] for each in classifiers if each.startswith("License")]
            said = " AND ".join(kinds)
        parts = {part.strip(" ()") for part in re.split(r" AND | OR |, ", said)}
        licences = frozenset(_IN_WORDS.get(part, part) for part in parts if part)
        yield Licensed(name, found["Version"], licences)


def main() -> None:
    """Print a line for each."""
    for each in installed():
        print(f"{each.name} {each.version}: {', '.join(sorted(each.licences))}")


if __name__ == "__main__":
    main()
