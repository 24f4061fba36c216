"""The store of version 0.1, format 1: one plain JSON file, read here once to be sealed (pure)."""

import msgspec

from storage.tables import Fields, Tables
from storage.tinydb.frames import Damaged


class Foreign(Exception):
    """The file is another program's, or of a format that nobody here knows."""


def read_plain(raw: bytes) -> Tables:
    """The tables of a plain file; raises Foreign or Damaged."""
    try:
        tables = msgspec.json.decode(raw, type=Tables)
    except msgspec.ValidationError as error:
        raise Foreign("isn't a petition-bell store") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(str(error)) from error
    _check_about(tables.pop("about", {}).get("file", {}))
    return tables


def _check_about(about: Fields) -> None:
    if about.get("program") != "petition-bell":
        raise Foreign("isn't a petition-bell store")
    if about.get("format") != 1:
        raise Foreign(f"has format {about.get('format')!r}, which is unknown here")
