"""Bring the catalogues up to date with the source: new texts in, unused ones out.

    PYTHONPATH=. .venv/bin/python tests/catalogues.py

What is translated already stays as it is.
"""

import ast
from collections.abc import Container, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeAlias

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.messages.i18n import CATALOGUES, ENGLISH, LANGUAGES

ROOT = Path(__file__).parent.parent
SOURCES = ("bot", "handlers")
KEYWORDS = {
    "tr": (1,),
    "say": (1,),
    "marked": (1,),
    "Said": (1,),
    "many": (1, 2),
    "say_many": (1, 2),
}
# Only what a speaker has read may lose this mark.
NOT_REVIEWED = "not reviewed"
_HEADER = """\
Petition Bell in {language}.

These texts have not been reviewed by a speaker of the language. Every entry says so, as
"{mark}"; whoever reviews one writes "reviewed" there.
"""

MsgId: TypeAlias = str | tuple[str, ...]


Found: TypeAlias = tuple[int, str, list[str | None], list[str]]


def calls(file: IO[bytes], keywords: Container[str], *_: Any, **__: Any) -> Iterator[Found]:
    """An extraction method for Babel, whose own one misses a call within a call's argument."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name in keywords:
                yield node.lineno, name, [_literal(argument) for argument in node.args], []


def _literal(node: ast.expr) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None


@cache
def source_texts() -> Mapping[MsgId, list[str]]:
    """Every text of the source, with the files it stands in."""
    texts: dict[MsgId, list[str]] = {}
    for folder in SOURCES:
        for file, _, message, _, _ in extract_from_dir(
            ROOT / folder, [("**.py", calls)], keywords=KEYWORDS
        ):
            name = Path(folder, file).as_posix()
            if name not in texts.setdefault(message, []):
                texts[message].append(name)
    return texts


@cache
def read(language: str) -> Catalog:
    """A language's catalogue as it is on disk; an empty one if there is none."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def entries(catalogue: Catalog) -> Iterator[Message]:
    """The texts of a catalogue, without its header."""
    return (message for message in catalogue if message.id)


def renewed(language: str) -> Catalog:
    """The language's catalogue with exactly the texts of the source, translations kept."""
    old = read(language)
    new = Catalog(
        locale=language,
        project="Petition Bell",
        version="1",
        header_comment=_header(language),
        msgid_bugs_address="none",
        last_translator="none",
        language_team=LANGUAGES[language],
        creation_date=old.creation_date,
        revision_date=old.creation_date,
        fuzzy=False,
    )
    for text, files in sorted(source_texts().items(), key=lambda item: (item[1][0], item[0][0])):
        _take_over(new, old, text, files)
    return new


def _header(language: str) -> str:
    told = _HEADER.format(language=LANGUAGES[language], mark=NOT_REVIEWED)
    return "\n".join(f"# {line}".rstrip() for line in told.splitlines())


def _take_over(new: Catalog, old: Catalog, text: MsgId, files: list[str]) -> None:
    key = text if isinstance(text, str) else text[0]
    was = old.get(key)
    is_same = was is not None and was.id == text
    new.add(
        text,
        was.string if was and is_same else "",
        locations=[(file, None) for file in files],
        user_comments=was.user_comments if was and is_same else [NOT_REVIEWED],
    )


def main() -> None:
    """Write every catalogue anew."""
    for language in LANGUAGES:
        if language != ENGLISH:
            catalogue = renewed(language)
            with (CATALOGUES / f"{language}.po").open("wb") as file:
                write_po(file, catalogue, width=100, include_lineno=False)


if __name__ == "__main__":
    main()
