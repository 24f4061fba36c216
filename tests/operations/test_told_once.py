"""One incident is one message to the admins at its start and one at its end, however it shows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fickle import Fickle, Told
from watching import NOW

from bot.operations.admin_alerts import AdminAlerts
from bot.operations.health import HealthCheck
from bot.operations.supervisor import _OF_UPDATES

NAMES = ("storage", "Telegram", "updates", "sending", "site uk", "answers", "waiting alerts")
HALF = timedelta(seconds=30)


class Story:
    """What admins are told while findings come and go, looked at every half minute."""

    def __init__(self, *makes: Callable[[Fickle], AdminAlerts]) -> None:
        self.storage = Fickle()
        self.makes = makes
        self.alarms = [make(self.storage) for make in makes]
        self.now = NOW

    async def goes(self, minutes: float, *ailing: str) -> list[str]:
        """So many minutes in which these ail; what was told meanwhile, by everybody."""
        before = sum(len(alerts.sent) for alerts in self._told())
        checks = [HealthCheck(name, f"{name} ails." if name in ailing else "") for name in NAMES]
        for _ in range(round(minutes * 2)):
            for alerts in self.alarms:
                await alerts.tell(checks, self.now)
            self.now += HALF
        told = [text for alerts in self._told() for text in alerts.sent]
        return told[before:] if len(self.alarms) == 1 else told

    def restarts(self) -> None:
        self.alarms = [make(self.storage) for make in self.makes]

    def _told(self) -> list[Told]:
        return [alerts for alerts in self.alarms if isinstance(alerts, Told)]


CAUSES = [
    ("Telegram", ["updates", "sending"]),
    ("site uk", ["answers"]),
    ("storage", ["waiting alerts"]),
    ("sending", ["waiting alerts"]),
]


@pytest.mark.parametrize(("cause", "rest"), CAUSES)
async def test_what_comes_of_a_trouble_is_not_told_beside_it_nor_right_after_it(
    cause: str, rest: list[str]
) -> None:
    story = Story(Told)
    assert [cause in text for text in await story.goes(2, cause)] == [True]
    assert await story.goes(10, cause, *rest) == []
    assert await story.goes(1, *rest) == []  # what is cured first is its cause
    assert len(await story.goes(10)) == 1


@pytest.mark.parametrize(("cause", "rest"), CAUSES)
async def test_the_same_without_a_cause_is_told(cause: str, rest: list[str]) -> None:
    story = Story(Told)
    assert len(await story.goes(2, *rest)) == len(rest)
    assert [cause in text for text in await story.goes(2, cause, *rest)] == [True]
    assert len(await story.goes(10)) == 1 + len(rest)


async def test_what_outlasts_its_cause_is_told_for_itself() -> None:
    story = Story(Told)
    assert len(await story.goes(2, "Telegram", "updates")) == 1
    told = await story.goes(10, "updates")
    assert len(told) == 2
    assert any("updates" in text for text in told)


async def test_it_stays_so_through_a_restart() -> None:
    story = Story(Told)
    assert len(await story.goes(2, "Telegram")) == 1
    story.restarts()
    assert await story.goes(2, "Telegram", "updates") == []
    story.restarts()
    assert len(await story.goes(10)) == 1


def of_polling(storage: Fickle) -> Told:
    return Told(storage, tells=lambda name: name not in _OF_UPDATES)


def of_updates(storage: Fickle) -> Told:
    return Told(storage, note="alarms of updates", tells=_OF_UPDATES.__contains__)


async def test_who_asks_for_updates_tells_of_them_and_who_polls_of_the_rest() -> None:
    story = Story(of_polling, of_updates)
    assert len(await story.goes(5, "updates", "site uk")) == 2
    polling, hearing = story._told()
    assert [len(each.sent) for each in (polling, hearing)] == [1, 1]
    assert "updates" in hearing.sent[0]
    await story.goes(10)
    assert [len(each.sent) for each in (polling, hearing)] == [2, 2]
