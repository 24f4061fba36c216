"""Several bots on one PostgreSQL: one polls, one asks for updates, all of them send."""

import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from bell import TEA, Village
from cluster import SECOND_PROCESS, Cluster
from postgres import PostgresGround
from site_stand_in import Fault
from telegram import Bot

from bot.app import utc_now
from bot.delivery.deliverer import DeliveryCounts
from bot.errors import ConfigError, StorageError
from bot.messages.format import clock
from bot.operations.health import Health
from bot.operations.leadership import holding
from bot.operations.metrics import Metrics
from bot.petitions.petition import Site
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.polling.status_reports import NOTE
from storage import Storage, Tally
from storage.shared import RoleState

ADMIN = 77


@pytest.fixture
async def cluster(village: Village, tmp_path: Path) -> Cluster:
    ground = PostgresGround(tmp_path)
    await (await ground.open()).close()
    return Cluster(village, ground)


async def test_one_polls_and_reads_both_send_and_each_subscriber_hears_once(
    cluster: Cluster,
) -> None:
    village, chats = cluster.village, range(5001, 5101)
    async with cluster.bell() as first, cluster.bell() as second:
        assert await second.stands_by() == ["poller", "updates"]
        await village.reader.subscribes()
        await cluster.follow(chats)
        await village.looked(2)
        village.site.edit(TEA, signature_count=10_002)
        everybody = [village.reader.chat_id, *chats]
        await village.api.wait_for(
            lambda _: all(cluster.heard(chat) for chat in everybody) or None, timeout=20
        )
        await village.looked(2)
        assert [len(cluster.heard(chat)) for chat in everybody] == [1] * 101
        assert min(await first.sent(), await second.sent()) > 10
        assert await first.sent() + await second.sent() == 101
        assert await first.rounds() > 0
        assert await first.asked_for_updates() > 0
        assert await second.rounds() == await second.asked_for_updates() == 0
        assert "standby" not in await first.ready()


async def test_a_standby_takes_over_from_a_leader_that_ends(cluster: Cluster) -> None:
    village = cluster.village
    async with AsyncExitStack() as leader, AsyncExitStack() as other:
        await leader.enter_async_context(cluster.bell())
        second = await other.enter_async_context(cluster.bell())
        await second.stands_by()
        await village.reader.subscribes()
        await leader.aclose()
        village.site.edit(TEA, signature_count=10_002)
        await village.reader.hears("10,002 signatures")
        await village.reader.ask("/subscriptions", "You're following 1 petition")
        assert "standby" not in await second.ready()
        await village.looked(2)
        assert village.reader.unread() == []


async def test_kill_9_of_the_leader_hands_over_within_thirty_seconds_and_loses_nothing(
    cluster: Cluster,
) -> None:
    village = cluster.village
    async with cluster.process() as leader:
        village.reader.say(f"/subscribe {TEA}")
        await village.reader.consents(await village.reader.hears("I need to keep", SECOND_PROCESS))
        async with cluster.bell() as second:
            await second.stands_by()
            leader.send_signal(signal.SIGKILL)
            village.site.edit(TEA, signature_count=10_002)
            village.reader.say("/subscriptions")
            told = [(await village.reader.hears("", SECOND_PROCESS))["text"] for _ in range(2)]
            assert sum("10,002 signatures" in text for text in told) == 1
            assert sum("You're following 1 petition" in text for text in told) == 1
            await village.looked(2)
            assert village.reader.unread() == []


async def test_an_admin_hears_of_a_trouble_once_from_all_of_them(cluster: Cluster) -> None:
    village, admin = cluster.village, cluster.village.chat(ADMIN)
    village.api.add_chat(ADMIN)
    async with cluster.bell(admins=(ADMIN,)), cluster.bell(admins=(ADMIN,)) as second:
        await second.stands_by()
        await village.reader.subscribes()
        village.site.fail("/petitions", Fault(500))
        await admin.hears("🔧 UK Parliament: not answering since")
        (warning,) = await second.warns()
        assert warning.startswith("UK Parliament: not answering since")
        ready = await second.ready()
        assert (ready["ready"], ready["problems"]) == (True, [])
        village.site.heal()
        await admin.hears("✅ Site uk is answering again.")
        assert admin.unread() == []


# --- a poller that is another process ------------------------------------------------------------


async def leave_report(storage: Storage, at: datetime, **changes: Any) -> None:
    """What a process that polled left at an instant, at which the site had just answered."""
    site = SiteHealth(Site("uk", "UK Parliament", "http://uk"), at, None, None, 0)
    report = StatusReport(at, (site._replace(**changes),))
    await storage.save_note(NOTE, msgspec.json.encode(report).decode())


async def test_a_standby_tells_how_the_sites_stand_with_whoever_polls(cluster: Cluster) -> None:
    village = cluster.village
    async with cluster.bell(mode="webhook"), cluster.bell(mode="webhook") as second:
        assert await second.stands_by(1) == ["poller"]
        await village.reader.subscribes()
        await village.looked(2)
        told = await village.reader.ask("/status", "UK Parliament: answered less than a minute ago")
        assert "Oldest check of a followed petition: less than a minute ago." in told["text"]
        village.site.fail("/petitions", Fault(500))
        await second.warns()
        await village.reader.ask("/status", "UK Parliament: not answering since")
        assert await second.rounds() == 0


async def test_an_admin_hears_once_that_whoever_should_poll_does_not(cluster: Cluster) -> None:
    village, admin = cluster.village, cluster.village.chat(ADMIN)
    village.api.add_chat(ADMIN)
    async with AsyncExitStack() as bells, AsyncExitStack() as leader:
        storage = await leader.enter_async_context(cluster.idle_leader())
        await leave_report(storage, long_ago := utc_now() - timedelta(days=2))
        first = await bells.enter_async_context(cluster.bell(admins=(ADMIN,)))
        await bells.enter_async_context(cluster.bell(admins=(ADMIN,)))
        since = clock(long_ago, utc_now())
        await admin.hears(
            f"🔧 The process that checks the petitions sites hasn't reported since {since}."
        )
        assert await first.warns()
        assert (await first.ready())["ready"]
        await village.reader.ask("/status", f"Last report: {since}")
        await leader.aclose()
        await admin.hears("✅ Checks of the petitions sites are running again.")
        assert admin.unread() == []
        await village.reader.ask("/status", "UK Parliament: not checked yet.")


@pytest.mark.parametrize("note", [None, "", "{", '{"at": 5}', '{"sites": [1]}'])
async def test_a_report_that_is_missing_or_makes_no_sense_tells_nothing(
    cluster: Cluster, note: str | None
) -> None:
    async with cluster.idle_leader() as storage:
        if note is not None:
            await storage.save_note(NOTE, note)
        async with cluster.bell() as bell:
            await bell.stands_by(1)
            assert await bell.warns() == [
                "The process that checks the petitions sites hasn't reported yet."
            ]
            await cluster.village.reader.ask(
                "/status", "can't tell yet when petitions were last checked"
            )


async def test_a_standby_does_not_take_its_last_failed_look_for_all_there_was(
    cluster: Cluster,
) -> None:
    village, began = cluster.village, utc_now()
    time = began
    village.site.fail("/petitions", Fault(500))
    async with cluster.idle_leader() as storage, cluster.bell(lambda: time) as bell:
        await bell.stands_by(1)
        await leave_report(storage, time, failing_since=began - timedelta(minutes=5))
        earlier = clock(began - timedelta(minutes=5), time)
        await village.reader.ask("/petition 1", f"hasn't answered since {earlier}.")
        time = began + timedelta(days=1)
        await leave_report(storage, time)
        await village.reader.ask("/petition 1", f"hasn't answered since {clock(time, time)}.")


async def test_a_role_is_held_by_one_at_a_time(cluster: Cluster) -> None:
    one, other = await cluster.ground.open(), await cluster.ground.open()
    async with holding(one, "alarm") as first, holding(other, "alarm") as second:
        assert (first, second) == (True, False)
    async with holding(other, "alarm") as afterwards:
        assert afterwards
    await one.close()
    await other.close()


async def test_money_is_not_spent_by_several_processes_at_once(cluster: Cluster) -> None:
    with pytest.raises(ConfigError, match="paid_broadcast_per_minute"):
        async with cluster.bell(paid_broadcast_per_minute=5):
            pass


# --- the health of a standby ---------------------------------------------------------------------

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
AWAY = SiteHealth(Site("uk", "UK Parliament", "http://uk"), None, NOW - timedelta(hours=1), None, 0)
FAILING = StatusReport(NOW, (AWAY,))


class Quiet:
    """Telegram and a storage, both well."""

    async def save_note(self, name: str, value: str) -> None:
        """Kept."""

    async def get_webhook_info(self, **_: object) -> Any:
        return type("Info", (), {"url": ""})

    async def tally(self) -> Tally:
        return Tally(chats=0, subscriptions=0, petitions=0, waiting=0, oldest_waiting=None)


class Patient:
    """A bot that has polled nothing for an hour, and whose site has failed for long."""

    def __init__(self, report: StatusReport | None = FAILING) -> None:
        self._report = report
        self.standing = RoleState("poller")
        self.now = 1000.0
        self._health = Health(
            Metrics(monotonic=lambda: self.now),
            DeliveryCounts(),
            storage=cast(Storage, Quiet()),
            bot=cast(Bot, Quiet()),
            report=self._read,
            now=lambda: NOW,
            interval=timedelta(minutes=1),
            is_running=lambda: True,
            polling=self.standing,
            monotonic=lambda: self.now,
        )
        self.now += 3600

    async def _read(self) -> StatusReport:
        if self._report is None:
            raise StorageError("away")
        return self._report

    async def ails(self) -> set[str]:
        return {result.name for result in await self._health.checks() if result.problem}

    async def is_ready(self) -> bool:
        return not any(f.problem for f in await self._health.checks() if f.is_grave)


async def test_who_should_poll_and_does_not_is_unwell() -> None:
    assert await Patient().ails() == {"polling", "site uk"}
    assert not await Patient().is_ready()


@pytest.mark.parametrize(
    ("report", "ails"),
    [
        (StatusReport(NOW, (AWAY._replace(failing_since=None),)), set()),
        (FAILING, {"site uk"}),
        (StatusReport(NOW), {"polling"}),
        (StatusReport(), {"polling"}),
        (None, set()),
    ],
)
async def test_a_standby_tells_what_ails_the_poller_and_is_ready_itself(
    report: StatusReport | None, ails: set[str]
) -> None:
    patient = Patient(report)
    patient.standing.heard(False)
    assert await patient.ails() == ails
    assert await patient.is_ready()


async def test_who_takes_over_has_the_time_to_show_that_it_polls() -> None:
    patient = Patient()
    patient.standing.is_standby, patient.standing.since = False, patient.now
    assert await patient.ails() == set()
    patient.now += 99
    assert await patient.ails() == set()
    patient.now += 2
    assert await patient.ails() == {"site uk"}
    patient.now += 80
    assert await patient.ails() == {"polling", "site uk"}
