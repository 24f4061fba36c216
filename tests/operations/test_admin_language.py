"""What is wrong is told to an admin in their own language, its cause included."""

import pytest
from fickle import Fickle, Told
from watching import NOW

from bot.messages.chat.status import Reason
from bot.messages.i18n import Said, speaking
from bot.operations.health import HealthCheck
from bot.telegram.decoding import Cause

DEAF = Said(
    "No updates have arrived for {seconds} seconds: {cause}.",
    seconds=90,
    cause=Cause.WEBHOOK.said,
)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("", "No updates have arrived for 90 seconds: a webhook is set."),
        ("cy", "Nid oes diweddariadau wedi cyrraedd ers 90 eiliad: mae webhook wedi'i osod."),
    ],
)
async def test_a_trouble_and_its_cause_are_in_the_admins_language(
    language: str, words: str
) -> None:
    storage = Fickle()
    storage.language = language
    alerts = Told(storage)
    await alerts.tell([HealthCheck("updates", DEAF)], NOW)
    [told] = alerts.sent
    assert words in told


def test_logs_and_probes_have_it_in_english_whatever_is_spoken() -> None:
    with speaking("cy"):
        assert str(DEAF) == "No updates have arrived for 90 seconds: a webhook is set."
        assert Reason("timed out").now() != "timed out"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_can_be_said_in_welsh(cause: Cause) -> None:
    with speaking("cy"):
        assert cause.said.now() != cause.value
