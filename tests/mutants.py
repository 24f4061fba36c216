"""What share of mutants the tests kill: one thing is broken at a time, and a test should fail.

    make mutants                                 each place once: hours
    make mutants ARGS="--sample 60 --seed 7"     so many places, by chance, the same each time

Cosmic Ray finds the places and breaks them, in a copy of the working tree. First all tests run once
under coverage.py, which notes who comes by which line. A mutant then meets the tests that come by
its own, and is killed by the first that fails or takes far too long, unless that test does so
without the mutant, too: then it proves nothing. Left out is what no test could notice: annotations,
decorators, whether a class is frozen, and `is` for `==`.
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
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from itertools import chain, groupby
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

ROOT = Path(__file__).parents[1]
ROOMS = ("petitions", "subscriptions", "delivery")
WANTED = 90  # per cent
_LEFT_OUT = re.compile(r"BitOr|Decorator|_Is(Not)?$|_Is(Not)?_")
_LONGEST = 240  # seconds
_ENOUGH = 60  # seconds of tests for one mutant
_AT_LEAST = 0.005  # seconds; pytest tells of no test that took less
_TOOK = re.compile(r"^([\d.]+)s (?:call|setup|teardown) +(tests/.+)$", re.MULTILINE)
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
    tree, skipped = get_ast(source), set(unnoticed(source))
    for name in filter(lambda name: not _LEFT_OUT.search(name), operator_names()):
        operator = get_operator(name)
        if operator.arguments():
            continue
        places = (at for node in ast_nodes(tree) for at in operator().mutation_positions(node))
        for occurrence, ((line, column), _) in enumerate(places):
            if (line, column) not in skipped:
                yield Mutant(module, line, column, name, occurrence)


def unnoticed(source: str) -> Iterator[tuple[int, int]]:
    """The places within annotations, decorators, and what classes are declared with (`frozen`)."""
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        parts += getattr(node, "decorator_list", [])
        if isinstance(node, ast.ClassDef):
            parts += [keyword.value for keyword in node.keywords]
        for each in chain.from_iterable(ast.walk(part) for part in parts if part):
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


class Suite:
    """What the tests come by, and how long each takes.

    `file` is what coverage.py noted, in files of the tree the tests ran in.
    """

    def __init__(self, file: Path, tree: Path, seconds: dict[str, float]) -> None:
        self._data = CoverageData(str(file))
        self._data.read()
        self._tree = tree
        self._seconds = seconds

    @classmethod
    def run(cls, python: Path, tree: Path, workers: int) -> "Suite":
        """Run all tests once in a tree."""
        file = tree / ".coverage"
        rooms = (f"--cov=bot/{room}" for room in ROOMS)
        ended = subprocess.run(
            [
                *(str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-n", str(workers), "--dist", "worksteal", "--timeout", str(_LONGEST)),
                *(*rooms, "--cov-context=test", "--cov-report=", "--durations=0"),
            ],
            cwd=tree,
            env=os.environ | {"COVERAGE_FILE": str(file)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds: dict[str, float] = defaultdict(float)
        for took, name in _TOOK.findall(ended.stdout):
            seconds[name] += float(took)
        print(ended.stdout.rstrip().rpartition("\n")[2], flush=True)
        return cls(file, tree, seconds)

    def by(self, module: str, line: int) -> list[str]:
        """The tests to meet a mutant: those of its module first, of each the quickest."""
        lines = self._data.contexts_by_lineno(str(self._tree / module))
        by_line = _named(lines.get(line, ()))
        # What is worked out at the import is met by whoever comes by anything of the module.
        names = by_line or _named(each for contexts in lines.values() for each in contexts)
        near = importing(module)
        chosen, left = [] if by_line else [*near], _ENOUGH
        for name in sorted(names, key=lambda name: (file_of(name) not in near, self._took(name))):
            left -= self._took(name)
            if left < 0:
                break
            chosen.append(name)
        return chosen

    def _took(self, name: str) -> float:
        return self._seconds.get(name, _AT_LEAST)


def _named(contexts: Iterable[str]) -> set[str]:
    return {name for context in contexts if (name := context.rpartition("|")[0])}


def file_of(test: str) -> str:
    """tests/petitions/test_diff.py: the file a test is in."""
    return test.partition("::")[0]


def importing(module: str) -> set[str]:
    """The files of tests that import a module, or something of its package itself."""
    dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    parent = dotted.rpartition(".")[0]
    imports = re.compile(rf"from ({dotted}|{parent}) import|import {dotted}\b")
    files = (ROOT / "tests").rglob("test_*.py")
    return {path.relative_to(ROOT).as_posix() for path in files if imports.search(path.read_text())}


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


def mutated(mutant: Mutant, source: str) -> str:
    """A module's source with one change."""
    return str(mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence))


def is_killed(mutant: Mutant, suite: Suite, python: Path, tree: Path) -> bool | None:
    """Whether a test notices a mutant; None if one does that fails without it, too."""
    path = tree / mutant.module
    whole = path.read_text()
    broken = mutated(mutant, whole)
    tests = suite.by(mutant.module, mutant.line)
    try:
        path.write_text(broken)
        noticed = failing(python, tree, tests)
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
    asked = words.parse_args()
    python = Path(sys.executable)
    found: dict[bool | None, list[Mutant]] = {True: [], False: [], None: []}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(asked.workers):
            trees.put(copied(Path(folder, str(number))))
        suite = Suite.run(python, copied(Path(folder, "covered")), asked.workers + 1)
        began = time.monotonic()

        def tried(mutant: Mutant) -> None:
            if asked.minutes and time.monotonic() - began > 60 * asked.minutes:
                return
            tree = trees.get()
            try:
                result = is_killed(mutant, suite, python, tree)
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
        source = (ROOT / mutant.module).read_text()
        changed = unified_diff(source.splitlines(), mutated(mutant, source).splitlines(), n=0)
        print(f"survived: {mutant}", *list(changed)[3:], sep="\n    ")
    print(f"killed {killed} of {tried_in_all}: {share:.0f} % (wanted: {WANTED} %)")
    if found[None]:
        print(f"not counted: {len(found[None])}, noticed only by tests that fail without them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
