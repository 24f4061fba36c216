"""Finds texts for people in the source that are in no catalogue, by reading its syntax."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Functions that put a text into the catalogues, and how many of their arguments are such texts.
CATALOGUED = {"tr": 1, "say": 1, "marked": 1, "many": 2, "say_many": 2}

# What shows its arguments to people, letter by letter; a word is enough to be a text there.
SHOWS = {
    "Button",
    "KeyboardButton",
    "answer",
    "bold",
    "button",
    "compose",
    "cut",
    "italic",
    "lines",
    "quote",
    "row",
    "rewrite",
    "short_title",
}
# Arguments by which Telegram's own methods show a text.
SHOWN = {"caption", "description", "input_field_placeholder", "title"}

UNSHOWN = {"pattern", "press"}

# What people type, as an example of it, and names that nobody sees. No language changes them.
TYPED = frozenset(
    {
        "-//Petition Bell//petition-bell//EN",
        "TRANSPARENT",
        "SW1A 1AA",
        "Paris",
        "all digest",
        "/constituency SW1A 1AA",
        "/constituency Holborn and St Pancras",
        "Home Office",
        "300239 3 days",
        "closing 7d 3d 6h",
        "closing none",
        "digest daily 18:00",
        "digest weekly monday 9:00",
        "every {}",
        "every 5000",
        "health",
        "language cy",
        "language {}",
        "managing ",
        "quiet 22:00-07:00",
        "quiet off",
        "response silent",
        "response usual",
        "thread not found",
        "urgent off",
        "urgent response debate",
        "{} 3 days",
    }
)

# Functions whose arguments are names, patterns or formats, and never shown.
READS = {
    "CommandHandler",
    "Command",
    "ZoneInfo",
    "code",  # what people type
    "compile",
    "endswith",
    "findall",
    "format_date",
    "format_datetime",
    "format_decimal",
    "format_percent",
    "format_time",
    "fullmatch",
    "get_logger",
    "getattr",
    "match",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rest_chat",
    "refuse_chat",
    "search",
    "split",
    "startswith",
    "strftime",
    "strptime",
    "sub",
}
LOGS = {"debug", "info", "warning", "error", "exception"}

_LETTERS = re.compile(r"[^\W\d_]")
# An identifier, a code, a file's name, a pattern: nobody translates it where it is not shown.
_NAME = re.compile(r"[a-z0-9_.:/|{}@?#=&-]+|[A-Z]{2,3}|.*\(\?:.*")
# A command with numbers or gaps behind it, an address, a time zone, the bot's own name: the same
# in every language, even where it is shown.
_ALWAYS = re.compile(
    r"/(?:[a-z]+|\{\})(?: (?:\{\}|-?\d+))*|https?://\S+|[A-Z][a-z]+/[A-Z]\w+|Petition Bell"
)

_TEXTS = {"str", "str | None", "Rich", "Rich | None", "Message", "Iterator[str]"}


# What only holds texts shows them as it is shown itself.
_HOLDS = ast.Tuple | ast.List | ast.Set | ast.IfExp | ast.Starred | ast.BoolOp | ast.Dict


class Loose(NamedTuple):
    """A text outside every catalogue, and where it stands."""

    line: int
    text: str
    why: str


def loose_texts(source: str) -> list[Loose]:
    """Every text of a module that no catalogue can know."""
    tree = ast.parse(source)
    return sorted(set(_Reader().read(tree)))


def loose_in(path: Path) -> list[str]:
    """The same of a file, one line each."""
    return [
        f"{path}:{each.line}: {each.why}: {each.text}" for each in loose_texts(path.read_text())
    ]


class _Reader:
    """Walks a module; `shown` says whether what is below is shown as it stands."""

    _gives_text = False

    def read(self, node: ast.AST, *, shown: bool = False) -> Iterator[Loose]:
        match node:
            case ast.Call():
                yield from self._call(node)
            case ast.JoinedStr():
                yield from self._f_string(node, shown)
            case ast.Constant(value=str(text)):
                if self._is_text(text, shown):
                    yield Loose(node.lineno, text, "not in a catalogue")
            case ast.BinOp(op=ast.Add() | ast.Mod()):
                yield from self._glued(node, shown)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._function(node)
            case _:
                below_shows = isinstance(node, _HOLDS) and shown
                for below in self._below(node):
                    yield from self.read(below, shown=below_shows or self._is_given(node))

    def _below(self, node: ast.AST) -> Iterator[ast.AST]:
        """The parts of a node in which a text could stand."""
        match node:
            case ast.Raise() | ast.Assert() | ast.MatchValue() | ast.Compare():
                return
            case ast.Expr(value=ast.Constant()):
                return  # a docstring
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                return
            case ast.Dict():
                yield from node.values
            case ast.Subscript():
                yield node.value
            case ast.AnnAssign(value=ast.expr() as value):
                yield value
            case ast.AnnAssign():
                return
            case _:
                yield from ast.iter_child_nodes(node)

    def _is_given(self, node: ast.AST) -> bool:
        return self._gives_text and isinstance(node, ast.Return | ast.Yield)

    def _is_text(self, text: str, shown: bool) -> bool:
        if not _LETTERS.search(text):
            return False
        if text in TYPED or _ALWAYS.fullmatch(text):
            return False
        return shown or not _NAME.fullmatch(text)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Loose]:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                yield from self.read(default)
        # Whatever a function gives back as a text may be shown anywhere.
        around, self._gives_text = self._gives_text, _gives_text(node)
        for statement in node.body:
            yield from self.read(statement)
        self._gives_text = around

    def _call(self, node: ast.Call) -> Iterator[Loose]:
        name = _called(node.func)
        if name == "TypeVar" or (name in LOGS and _owner(node.func) == "log"):
            return
        if name in CATALOGUED and isinstance(node.func, ast.Name):
            yield from self._catalogued(node, CATALOGUED[name])
            return
        if isinstance(node.func, ast.Attribute):
            if name == "format" and isinstance(node.func.value, ast.Constant):
                yield Loose(node.lineno, ast.unparse(node), "filled by .format")
            yield from self.read(node.func.value)
        for argument in node.args:
            if not (name in READS and isinstance(argument, ast.Constant | ast.JoinedStr)):
                yield from self.read(argument, shown=self._shows(name, node, argument))
        for keyword in node.keywords:
            if keyword.arg not in UNSHOWN:
                yield from self.read(keyword.value, shown=keyword.arg in SHOWN)

    def _shows(self, name: str, node: ast.Call, argument: ast.expr) -> bool:
        is_first = node.args[0] is argument
        return name in SHOWS and (is_first or name not in {"button", "Button"})

    def _catalogued(self, node: ast.Call, texts: int) -> Iterator[Loose]:
        for argument in node.args[:texts]:
            if isinstance(argument, ast.JoinedStr | ast.BinOp | ast.IfExp | ast.Call):
                yield Loose(
                    node.lineno, ast.unparse(argument), "put together before it is looked up"
                )
        for argument in node.args[texts:]:
            yield from self.read(argument)
        for keyword in node.keywords:
            yield from self.read(keyword.value, shown=True)

    def _f_string(self, node: ast.JoinedStr, shown: bool) -> Iterator[Loose]:
        around = "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
        if self._is_text(around, shown):
            yield Loose(node.lineno, around, "put together by an f-string")
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from self.read(part.value, shown=shown or not _NAME.fullmatch(around))

    def _glued(self, node: ast.BinOp, shown: bool) -> Iterator[Loose]:
        if sum(_is_worded(side) for side in (node.left, node.right)) == 2 or (
            isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant)
        ):
            yield Loose(node.lineno, ast.unparse(node), "put together")
        for side in (node.left, node.right):
            yield from self.read(side, shown=shown)


def _is_worded(node: ast.expr) -> bool:
    """Return whether an expression is a text with letters, or one from a catalogue."""
    if isinstance(node, ast.Call):
        return _called(node.func) in CATALOGUED
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = (part.value for part in parts if isinstance(part, ast.Constant))
    return any(isinstance(text, str) and _LETTERS.search(text) for text in texts)


def _gives_text(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.returns is not None and ast.unparse(node.returns) in _TEXTS


def _called(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _owner(node: ast.expr) -> str:
    return _called(node.value) if isinstance(node, ast.Attribute) else ""
