"""Why a site is not answering is said alike everywhere, and to people in their language."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import outages
from bot.messages.chat.status import reason_in_words, status
from bot.messages.i18n import speaking
from bot.petitions.petition import Site
from bot.petitions.site_health import SiteHealth, StatusReport
from bot.polling import petitions_api

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")


def reasons() -> set[str]:
    """Every reason that the client of a site gives, as its source has them."""
    modules = (petitions_api, outages)
    source = "\n".join(Path(module.__file__).read_text("utf-8") for module in modules)
    given = r'(?:Unavailable\(|Unreadable\(|ParliamentError\(url, [a-z.]+, |return )f?"([^"]+)"'
    given_of_answers = r'ParliamentError\([a-z.]+, (?:None|[a-z.]+), f?"([^"]+)"'
    whole = re.findall(given, source) + re.findall(given_of_answers, source)
    elsewhere = re.findall(r'_ELSEWHERE = "([^"]+)"', source)
    return {r for r in (*whole, *elsewhere) if " " in r and "/" not in r}


FILLED = [
    "status 500",
    "malformed at signature_count",
    "its certificate is not valid: self-signed certificate (TLS)",
    "answered in HTML",
    "answered in something other than JSON",
]


@pytest.mark.parametrize("reason", [*sorted(r for r in reasons() if "{" not in r), *FILLED])
def test_a_reason_is_told_in_the_reader_s_language(reason: str) -> None:
    assert reason_in_words(reason) == reason
    with speaking("cy"):
        assert reason_in_words(reason) != reason


def test_all_reasons_were_found() -> None:
    assert len(reasons()) > 14


def test_a_reason_of_another_version_is_told_as_it_is() -> None:
    with speaking("cy"):
        assert reason_in_words("something new") == "something new"


def test_status_says_since_when_a_site_is_not_answering_and_why() -> None:
    since = NOON - timedelta(minutes=5)
    health = SiteHealth(UK, None, since, None, 1, reason="status 503")
    assert (
        "UK Parliament: not answering since"
        in status(StatusReport(NOON, (health,)), 1, 0, NOON).text
    )
    with speaking("cy"):
        assert "statws 503" in status(StatusReport(NOON, (health,)), 1, 0, NOON).text
