"""What share of mutants the tests kill: one thing is broken at a time, and a test should fail.

    make mutants                                 each place once: hours
    make mutants ARGS="--sample 60 --seed 7"     so many places, by chance, the same each time

Cosmic Ray finds the places and breaks them, in a copy of the working tree. A mutant meets first the
tests that import its module, then all of its room, and is killed by the first that fails or takes
far too long, unless that test does so without the mutant, too: then it proves nothing, and nor do
annotations, decorators, and `is` for `==`, which are left out.
"""

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
ROOMS = ("petitions", "subscriptions", "delivery")
WHOLE = ("tests/test_bell.py", "tests/test_whole.py")  # what shows all rooms together
WANTED = 90  # per cent
_LEFT_OUT = re.compile(r"BitOr|Decorator|_Is(Not)?$|_Is(Not)?_")
_LONGEST = 240  # seconds
_RESULTS = {True: "killed  ", False: "SURVIVED", None: "unclear "}
_NAMED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


class Mutant(NamedTuple):
    """One change of one module, as Cosmic Ray makes it."""

    module: str
    line: int
    column: int
    operator: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator.removeprefix('core/')}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every change that can be made to a module, by place."""
    source = (ROOT / module).read_text()
    tree, skipped = get_ast(source), set(annotated(source))
    for name in filter(lambda name: not _LEFT_OUT.search(name), operator_names()):
        operator = get_operator(name)
        if operator.arguments():
            continue
        places = (at for node in ast_nodes(tree) for at in operator().mutation_positions(node))
        for occurrence, ((line, column), _) in enumerate(places):
            if (line, column) not in skipped:
                yield Mutant(module, line, column, name, occurrence)


def annotated(source: str) -> Iterator[tuple[int, int]]:
    """The places within annotations, which nothing reads while it runs."""
    for node in ast.walk(ast.parse(source)):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            for each in ast.walk(part) if part else ():
                if isinstance(each, ast.expr):
                    yield each.lineno, each.col_offset


def chosen(sample: int, seed: int, rooms: Sequence[str]) -> list[Mutant]:
    """One mutant for each place, or for so many places, by chance."""
    chance = random.Random(seed)  # noqa: S311 - which mutants are tried is no secret
    modules = [
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in sorted((ROOT / "bot" / room).rglob("*.py"))
    ]
    found = sorted(each for module in modules for each in mutants(module))
    places = [list(group) for _, group in groupby(found, key=lambda each: each[:3])]
    taken = chance.sample(places, min(sample, len(places))) if sample else places
    print(f"{len(found)} mutants at {len(places)} places; {len(taken)} are tried", flush=True)
    return [chance.choice(group) for group in taken]


def tests_of(module: str) -> tuple[list[str], list[str]]:
    """The tests that import a module, smallest first, and all others of its room."""
    dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    parent, _, name = dotted.rpartition(".")
    imports = re.compile(
        rf"from {dotted} import|import {dotted}\b|from {parent} import .*\b{name}\b"
    )
    files = sorted((ROOT / "tests").rglob("test_*.py"), key=lambda path: path.stat().st_size)
    near = [file for file in files if imports.search(file.read_text())]
    rest = [file for file in files if file.parent.name == module.split("/")[1] and file not in near]
    return [[file.relative_to(ROOT).as_posix() for file in some] for some in (near, rest)]


def failing(python: Path, tree: Path, tests: Sequence[str]) -> list[str]:
    """The first of these tests that fails in a tree; all of them if they take far too long."""
    if not tests:
        return []
    command = [str(python), "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider", *tests]
    try:
        ended = subprocess.run(
            command,
            cwd=tree,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # it would outlive its mutant
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return list(tests)
    if ended.returncode in {0, 5}:  # 5: there was none
        return []
    return _NAMED.findall(ended.stdout) or list(tests)


def is_killed(mutant: Mutant, python: Path, tree: Path) -> bool | None:
    """Whether a test notices a mutant; None if one does that fails without it, too."""
    path = tree / mutant.module
    whole = path.read_text()
    broken = mutate_code(whole, get_operator(mutant.operator)(), mutant.occurrence)
    near, rest = tests_of(mutant.module)
    try:
        path.write_text(broken)
        noticed = failing(python, tree, near) or failing(python, tree, [*rest, *WHOLE])
    finally:
        path.write_text(whole)
    return bool(noticed) if not noticed or not failing(python, tree, noticed) else None


def copied(folder: Path) -> Path:
    """A copy of the working tree, without what is built in it."""
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "data")
    )
    return folder


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--sample", type=int, default=0, help="how many places; all unless given")
    words.add_argument("--seed", type=int, default=1, help="another seed, another sample")
    words.add_argument("--minutes", type=float, default=0, help="begin none after so long")
    words.add_argument("--workers", type=int, default=2, help="how many at once")
    words.add_argument("--rooms", nargs="+", default=ROOMS, choices=ROOMS)
    words.add_argument("--python", type=Path, default=Path(".venv/bin/python"))
    asked = words.parse_args()
    python = asked.python.absolute()
    began = time.monotonic()
    found: dict[bool | None, list[Mutant]] = {True: [], False: [], None: []}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.workers):
            trees.put(copied(Path(folder, str(number))))

        def tried(mutant: Mutant) -> None:
            if asked.minutes and time.monotonic() - began > 60 * asked.minutes:
                return
            tree = trees.get()
            try:
                result = is_killed(mutant, python, tree)
            finally:
                trees.put(tree)
            found[result].append(mutant)
            print(f"{_RESULTS[result]} {mutant}", flush=True)

        with ThreadPoolExecutor(asked.workers) as pool:
            list(pool.map(tried, chosen(asked.sample, asked.seed, asked.rooms)))
    killed, survivors = len(found[True]), found[False]
    tried_in_all = killed + len(survivors)
    share = 100 * killed / tried_in_all if tried_in_all else 0.0
    for mutant in survivors:
        line = (ROOT / mutant.module).read_text().splitlines()[mutant.line - 1]
        print(f"survived: {mutant}\n          {line.strip()}")
    print(f"killed {killed} of {tried_in_all}: {share:.0f} % (wanted: {WANTED} %)")
    if found[None]:
        print(f"not counted: {len(found[None])}, noticed only by tests that fail without them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
