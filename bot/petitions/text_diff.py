"""The comparison of two texts: whether they say the same, and which sentences changed (pure).

The site re-renders its texts now and then: line ends, bullets and links change without a word being
different. Only words count here.
"""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

# None of these looks at any letter more than a few times, whatever the text.
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s\[\]]*)\)")
_FOOTNOTE = re.compile(r"^[^\S\n]*\[([0-9]{1,3})\]:[ \t]*(.*)$", re.MULTILINE)
_MARKER = re.compile(r"\[([0-9]{1,3})\]")
_LIST_MARK = re.compile(r"^[^\S\n]*(?:[0-9]{1,3}[.)]|[-•*>])[^\S\n]+", re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+|\n")

# Longer than any government response; bounds the work a hostile body can cause.
_MOST_SENTENCES = 400


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, without its punctuation, layout, links and footnotes."""
    return tuple(_WORD.findall(plain(text)))


def same_words(one: str, other: str) -> bool:
    """Return whether two texts have the same words, however they are set."""
    return one == other or words(one) == words(other)


def plain(text: str) -> str:
    """Return the text without Markdown links, footnotes and addresses: to compare, not to read."""
    return _ADDRESS.sub(" ", _MARKER.sub("", _FOOTNOTE.sub("", _LINK.sub(r"\1", text))))


def readable(text: str) -> str:
    """Return the text as people read it: each address behind its words, without footnotes."""
    notes = {found[1]: found[2] for found in _FOOTNOTE.finditer(text)}
    text = _FOOTNOTE.sub("", _LINK.sub(r"\1 (\2)", text))
    return _MARKER.sub(lambda found: f" ({notes[found[1]]})" if found[1] in notes else "", text)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text as people read them, without list marks and empty ones."""
    body = _LIST_MARK.sub("", readable(text))
    parts = (part.strip() for part in _SENTENCE_END.split(body) if part)
    return [part for part in parts if _WORD.search(part)][:_MOST_SENTENCES]


def changed_sentences(old: str, new: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sentences taken out of `old` and those put into `new`, each in its order."""
    before, after = sentences(old), sentences(new)
    matcher = SequenceMatcher(a=_told_apart(before), b=_told_apart(after), autojunk=False)
    removed: list[str] = []
    added: list[str] = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag != "equal":
            removed += before[a1:a2]
            added += after[b1:b2]
    return tuple(removed), tuple(added)


def _told_apart(parts: Sequence[str]) -> list[tuple[tuple[str, ...], int]]:
    """Pair the words of each sentence with how often they stood before it.

    Without that number, comparing hundreds of sentences that say the same would take seconds.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    told: list[tuple[tuple[str, ...], int]] = []
    for said in map(words, parts):
        told.append((said, seen[said]))
        seen[said] += 1
    return told
