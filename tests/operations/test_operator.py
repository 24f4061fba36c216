"""Whoever runs the bot hears of a trouble once, and once that it is over; figures hide people."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from bell import READER, Village
from site_stand_in import Fault
from watching import ADMIN, CALM, NOW, Patient, Watch
from watching import watch as watch

from bot.app import running
from bot.delivery.deliverer import DeliveryCounts
from bot.errors import StorageError
from bot.messages.chat.for_admins import _FIGURES, stats
from bot.operations.admin_alerts import AdminAlerts
from bot.operations.health import HealthCheck
from bot.polling.status_reports import NOTE
from storage import Tally
from storage.opening import open_storage

FULL = HealthCheck("storage", "Storage can't be written to")
WELL = HealthCheck("storage", "")


async def test_a_trouble_is_told_once_and_once_more_when_it_is_over(watch: Watch) -> None:
    assert await watch.finds(WELL) == []
    for _ in range(5):
        (told,) = await watch.finds(FULL, after=1)
    assert "Storage can't be written to" in told
    assert len(await watch.finds(WELL, after=1)) == 1
    assert (await watch.finds(WELL, after=3))[1:] == ["✅ Storage can be written to again."]
    assert len(await watch.finds(WELL, after=60)) == 2


async def test_a_trouble_that_comes_and_goes_is_not_told_each_time(watch: Watch) -> None:
    for _ in range(10):
        await watch.finds(FULL, after=1)
        await watch.finds(WELL, after=1)
    assert len(await watch.finds(WELL, after=1)) == 1
    assert len(await watch.finds(WELL, after=3)) == 2


async def test_two_troubles_are_told_apart(watch: Watch) -> None:
    polling = HealthCheck("polling", "No round of looks has ended.")
    assert len(await watch.finds(FULL, polling)) == 2
    assert len(await watch.finds(FULL, HealthCheck("polling", ""), after=5)) == 3
    assert len(await watch.finds(FULL, HealthCheck("polling", ""), after=5)) == 3


async def test_what_could_not_be_sent_is_sent_later(watch: Watch) -> None:
    watch.village.api.refuse(ADMIN, 502, "Bad Gateway", times=2)
    assert await watch.finds(FULL) == []
    assert await watch.finds(FULL) == []
    assert len(await watch.finds(FULL)) == 1


async def test_what_was_over_before_it_could_be_told_is_never_told(watch: Watch) -> None:
    watch.village.api.refuse(ADMIN, 502, "Bad Gateway")
    assert await watch.finds(FULL) == []
    assert await watch.finds(WELL, after=60) == []


async def test_an_admin_who_blocked_the_bot_is_not_tried_again_and_again(watch: Watch) -> None:
    watch.village.api.block(ADMIN)
    for _ in range(3):
        await watch.finds(FULL, after=1)
    assert len(watch.village.api.calls_to("sendMessage")) == 1


async def test_a_restart_tells_nothing_twice_and_still_tells_the_end(watch: Watch) -> None:
    await watch.finds(FULL)
    watch.restart()
    assert len(await watch.finds(FULL, after=1)) == 1
    watch.restart()
    assert len(await watch.finds(WELL, after=1)) == 1
    assert len(await watch.finds(WELL, after=5)) == 2


async def test_what_another_process_has_told_is_not_told_again(watch: Watch) -> None:
    assert await watch.finds(WELL) == []
    await AdminAlerts(watch.bot, watch.storage, [ADMIN], calm=CALM).tell([FULL], NOW)
    assert len(await watch.finds(FULL, after=1)) == 1
    assert len(await watch.finds(WELL, after=1)) == 1
    assert len(await watch.finds(WELL, after=3)) == 2


async def test_a_bot_that_has_its_store_for_itself_leaves_no_report(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        await village.looked(2)
    storage = await open_storage(village.config().storage)
    assert await storage.note(NOTE) is None
    await storage.close()


async def test_an_admin_hears_of_a_site_that_stays_away_and_of_its_return(
    village: Village,
) -> None:
    config = village.config()
    admin = village.chat(ADMIN)
    village.api.add_chat(ADMIN)
    config = replace(config, telegram=replace(config.telegram, admins=(ADMIN,)))
    async with running(config):
        await village.reader.subscribes()
        village.site.fail("/petitions", Fault(500))
        await admin.hears("🔧 UK Parliament: not answering since")
        village.site.heal()
        await admin.hears("✅ Site uk is answering again.")
        assert admin.unread() == []
        assert village.reader.unread() == []


async def test_an_admin_hears_of_the_end_though_the_clock_was_set_back_meanwhile(
    village: Village,
) -> None:
    config = village.config()
    admin = village.chat(ADMIN)
    village.api.add_chat(ADMIN)
    config = replace(config, telegram=replace(config.telegram, admins=(ADMIN,)))
    wrong_by = timedelta(days=365)
    async with running(config, now=lambda: datetime.now(UTC) + wrong_by):
        await village.reader.subscribes()
        village.site.fail("/petitions", Fault(500))
        await admin.hears("🔧 UK Parliament: not answering since")
        wrong_by = timedelta(0)
        village.site.heal()
        await admin.hears("✅ Site uk is answering again.")


# --- what is found -------------------------------------------------------------------------------


class FullDisk:
    """A storage that reads and cannot write."""

    async def save_note(self, name: str, value: str) -> None:
        raise StorageError("no space left on device")

    async def tally(self) -> Tally:
        return Tally(0, 0, 0, 0, None)


@pytest.fixture
async def patient(watch: Watch) -> Patient:
    return Patient(watch.bot, watch.storage)


async def test_a_well_bot_ails_from_nothing(patient: Patient) -> None:
    assert await patient.ails() == set()
    assert await patient.is_ready()


async def test_a_disk_that_is_full_is_found(watch: Watch) -> None:
    patient = Patient(watch.bot, FullDisk())
    assert await patient.ails() == {"storage"}
    assert not await patient.is_ready()


async def test_a_telegram_that_is_away_is_found(watch: Watch, patient: Patient) -> None:
    watch.village.api.refuse(None, 502, "Bad Gateway", method="getWebhookInfo")
    assert await patient.ails() == {"Telegram"}
    assert await patient.ails(after=60) == set()


async def test_rounds_that_no_longer_end_are_found(patient: Patient) -> None:
    assert await patient.ails(after=179) == set()
    assert await patient.ails(after=2) == {"polling"}
    patient.metrics.last_round = patient.monotonic
    assert await patient.ails() == set()


async def test_many_refused_alerts_are_found_and_the_bot_stays_ready(patient: Patient) -> None:
    patient.counts.refused = 4
    assert await patient.ails() == set()
    patient.counts.refused = 5
    assert await patient.ails() == {"alerts"}
    assert await patient.is_ready()
    patient.metrics.last_round = patient.monotonic + 1200
    assert await patient.ails(after=600) == {"alerts"}
    assert await patient.ails(after=600) == set()


async def test_a_site_whose_answers_make_no_sense_any_more_is_found(patient: Patient) -> None:
    patient.metrics.answers, patient.metrics.unreadable = 100, 19
    assert await patient.ails() == set()
    patient.metrics.unreadable = 20
    assert await patient.ails() == {"answers"}


async def test_a_few_odd_answers_are_no_trouble(patient: Patient) -> None:
    patient.metrics.answers, patient.metrics.unreadable = 4, 4
    assert await patient.ails() == set()


# --- figures -------------------------------------------------------------------------------------


async def test_stats_are_for_admins_alone(village: Village) -> None:
    config = village.config()
    config = replace(config, telegram=replace(config.telegram, admins=(ADMIN,)))
    async with running(config):
        await village.reader.subscribes()
        await village.reader.ask("/stats", "I don't know the command /stats")
        shown = await village.chat(ADMIN).ask("/stats", "Follows: fewer than 5")
        for secret in (str(READER), "700000", "tea"):
            assert secret not in shown["text"]


async def test_nobody_is_offered_stats(village: Village) -> None:
    async with village.bell():
        assert "/stats" not in (await village.reader.ask("/help"))["text"]
        assert "stats" not in {command["command"] for command in village.api.commands()}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_small_counts_are_hidden(count: int) -> None:
    told = stats({"chats": count}, count, NOW, {"sent": count}, NOW).text
    assert told.count("fewer than 5") == 3
    assert str(count) not in told.replace("than 5", "")
    assert "oldest" not in told


def test_large_counts_are_shown() -> None:
    told = stats({"chats": 1234}, 5, NOW - timedelta(hours=2), {"sent": 0}, NOW).text
    assert "Chats: 1,234" in told
    assert "Alerts waiting: 5, the oldest for 2 hours" in told
    assert "Sent: 0" in told


def test_whatever_is_counted_has_a_name_in_words() -> None:
    counted = {*asdict(DeliveryCounts()), "chats", "subscriptions", "petitions"}
    assert not counted ^ _FIGURES.keys()
