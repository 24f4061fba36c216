"""Every exception this program raises on purpose, one class per reaction a caller can have."""

from collections.abc import Sequence


class PetitionBellError(Exception):
    """The root: catch this to catch everything raised on purpose."""


class ConfigError(PetitionBellError):
    """The configuration cannot be used; `problems` lists everything wrong with it, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class MalformedPetition(PetitionBellError):
    """A body that should be a petition is not; `field` says where it stops making sense."""

    def __init__(self, site: str, petition_id: int | str | None, field: str) -> None:
        self.site = site
        self.petition_id = petition_id
        self.field = field
        super().__init__(f"{site}:{petition_id or '?'} is malformed at {field}")


class ParliamentError(PetitionBellError):
    """A petitions site answered with something we cannot use."""

    def __init__(self, url: str, status: int | None, reason: str) -> None:
        self.url = url
        self.status = status
        self.reason = reason
        super().__init__(f"{url}: {reason}")


class ParliamentUnavailable(ParliamentError):
    """A petitions site cannot answer now; `retry_after` is its own wish in seconds, if any."""

    def __init__(
        self, url: str, status: int | None, reason: str, retry_after: float | None = None
    ) -> None:
        super().__init__(url, status, reason)
        self.retry_after = retry_after


class ParliamentUnasked(ParliamentUnavailable):
    """A petitions site was not asked: it `wants_quiet`, or what may be asked of it is used up.

    In `retry_after` seconds it may be.
    """

    def __init__(self, url: str, retry_after: float, *, wants_quiet: bool) -> None:
        super().__init__(url, None, "not asked now", retry_after)
        self.wants_quiet = wants_quiet


class StorageError(PetitionBellError):
    """The store could not keep or read something; nothing was half-written."""
