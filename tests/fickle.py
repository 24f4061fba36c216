"""Stand-ins that answer or fail as they are told."""

from datetime import timedelta
from typing import Any

from bot.errors import StorageError
from bot.operations.admin_alerts import AdminAlerts
from bot.subscriptions.subscription import Chat


class Fickle:
    """A storage for notes that can go away."""

    def __init__(self) -> None:
        self.language = ""
        self.notes: dict[str, str] = {}
        self.is_away = False

    async def note(self, name: str) -> str | None:
        if self.is_away:
            raise StorageError("away")
        return self.notes.get(name)

    async def chat(self, _: int) -> Chat | None:
        return Chat(77, language=self.language)

    async def save_note(self, name: str, value: str) -> None:
        if self.is_away:
            raise StorageError("away")
        self.notes[name] = value


class Told(AdminAlerts):
    """An alarm whose messages are only counted."""

    def __init__(self, storage: Fickle, **how: Any) -> None:
        super().__init__(
            None,  # type: ignore[arg-type]
            storage,  # type: ignore[arg-type]
            [77],
            calm=timedelta(minutes=3),
            **how,
        )
        self.sent: list[str] = []

    async def _send(self, admin: int, message: object) -> bool:
        self.sent.append(str(message))
        return True
