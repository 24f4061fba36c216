"""Says each text in the reader's language: English in the source, others from catalogues.

The language belongs to what is being done, not to the process: each task sets its own. A text is a
whole sentence with named gaps, so that another language may order it differently.
"""

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Self

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from bot.messages.message import Rich, Styled, bold, code, italic
from bot.petitions.parliaments import description

ENGLISH = "en"
# What each language is called in its own words, and the locale of its numbers and dates.
LANGUAGES = {ENGLISH: "English", "cy": "Cymraeg"}
_LOCALES = {ENGLISH: "en_GB", "cy": "cy"}

CATALOGUES = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)

_MARKS = {"b": bold, "i": italic, "code": code}
_PIECE = re.compile(r"<(b|i|code)>(.*?)</\1>|\{(\w+)\}", re.DOTALL)


def speak(language: str) -> None:
    """Speak this language for the rest of this task; English if nobody has it."""
    _language.set(language if language in LANGUAGES else ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak this language until the block ends; English if nobody has it."""
    before = _language.set(language if language in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(before)


def language() -> str:
    """Return the language that is spoken now, as a locale's name ("cy")."""
    return _language.get()


def locale() -> str:
    """Return the locale of numbers and dates in the language that is spoken now."""
    return _LOCALES[language()]


# The names that stand below messages are translated as well.
marked = description.marked


class Said(str):
    """A text in English with its gaps filled, for logs and probes, that any language can say.

    A gap that is `Said` itself is said in that language too.
    """

    _text: str
    _gaps: dict[str, object]

    def __new__(cls, text: str, /, **gaps: object) -> Self:
        """Fill the gaps of `text`, which is one that the catalogues know."""
        said = super().__new__(cls, text.format(**gaps))
        said._text, said._gaps = text, gaps
        return said

    def now(self) -> str:
        """Return the same text in the language that is spoken now."""
        gaps = {n: each.now() if isinstance(each, Said) else each for n, each in self._gaps.items()}
        return tr(self._text, **gaps)


def in_all_languages(text: str) -> list[str]:
    """Return a text without gaps as each language says it."""
    return [catalogue(name).gettext(text) for name in LANGUAGES]


def tr(text: str, /, **gaps: object) -> str:
    """Return a text in the reader's language, its gaps filled."""
    return catalogue(language()).gettext(text).format(**gaps)


def many(one: str, more: str, count: int, /, **gaps: object) -> str:
    """Return a text about `count` things, in the plural form the language has for that number.

    `{count}` is the number as the language writes it, unless a gap says otherwise.
    """
    found = catalogue(language()).ngettext(one, more, count)
    return found.format(**{"count": _written(count), **gaps})


def say(text: str, /, **gaps: Rich) -> Rich:
    """Return a text whose gaps may be formatted; it may have `<b>`, `<i>` and `<code>` itself."""
    return _laid_out(catalogue(language()).gettext(text), gaps)


def say_many(one: str, more: str, count: int, /, **gaps: Rich) -> Rich:
    """Return a formatted text about a number of things; see `many`."""
    found = catalogue(language()).ngettext(one, more, count)
    return _laid_out(found, {"count": _written(count), **gaps})


def preload() -> None:
    """Read every language's texts, so that nobody waits for them; blocks, so run it in a thread."""
    for name in LANGUAGES:
        catalogue(name)
        with speaking(name):
            _written(0)  # reads the locale's figures and dates as well


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(name: str) -> gettext.NullTranslations:
    """Return the texts of a language, read from its file the first time, which takes a moment."""
    path = CATALOGUES / f"{name}.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _written(count: int) -> str:
    return str(format_decimal(count, format="#,##0", locale=locale()))


def _laid_out(text: str, gaps: dict[str, Rich]) -> Rich:
    """Return a text as pieces, marks and gaps read; what fills a gap is never read for marks."""
    parts: list[Rich] = []
    at = 0
    for found in _PIECE.finditer(text):
        parts.append(text[at : found.start()])
        mark, inner, gap = found.groups()
        parts.append(_MARKS[mark](_laid_out(inner, gaps)) if mark else gaps[gap])
        at = found.end()
    return Styled(None, (*parts, text[at:]))
