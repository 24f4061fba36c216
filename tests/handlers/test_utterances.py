"""What people say without a command, and what each of it leads to."""

import asyncio

import pytest
from bell import READER, TEA, Json, Village, open_petition
from hypothesis import given
from hypothesis import strategies as st

from bot.petitions.petition import PetitionRef, Site
from bot.petitions.utterance import (
    Ask,
    Cancel,
    Meaning,
    NoText,
    NoWords,
    OnPetition,
    OnPetitions,
    OtherSite,
    Postcode,
    SharedRule,
    Thanks,
    Words,
    leaves_a_question,
    nearest_saying,
    read,
)

UK = Site("uk", "UK Parliament", "https://petition.parliament.uk")
SENEDD = Site("senedd", "Senedd", "https://petitions.senedd.wales")
SITES = (UK, SENEDD)
REF, OTHER = PetitionRef("uk", 300_239), PetitionRef("uk", 300_240)
LINK = "https://petition.parliament.uk/petitions/300239"


def on(command: str, rest: str = "") -> tuple[str, str]:
    return command, rest


# 2: what names one petition, and the command that it comes down to.
ONE_PETITION: dict[str, tuple[str, str]] = {
    "300239": on("petition"),
    "#300239": on("petition"),
    "300,239": on("petition"),
    "300 239": on("petition"),
    "no. 300239 please": on("petition"),
    "No 300239": on("petition"),
    "petition 300239": on("petition"),
    "petitions/300239": on("petition"),
    "any updates on 300239?": on("petition"),
    "petition number 300,239?": on("petition"),
    "hi, 300239": on("petition"),
    "uk:300239": on("petition"),
    LINK: on("petition"),
    f"{LINK}.json": on("petition"),
    f"{LINK}?utm_source=x&utm_id=12345678": on("petition"),
    "https://petition.parliament.uk/archived/petitions/300239": on("petition"),
    "petition.parliament.uk/petitions/300239/signatures/new": on("petition"),
    f"Please sign and share: {LINK} !!": on("petition"),
    f"Stop the badger cull {LINK}": on("petition"),  # a title is no wish
    f"Follow the science {LINK}": on("petition"),
    f"Signed by 120,000 people: {LINK}": on("petition"),
    "https://t.me/PetitionBell?start=p_uk_300239": on("petition"),
    "show me 300239": on("petition"),
    "tell me about 300239": on("petition"),
    "what happened to 300239?": on("petition"),
    "dangoswch ddeiseb 300239": on("petition"),
    "follow 300239": on("subscribe"),
    "Follow 300,239 please": on("subscribe"),
    "please can you follow petition 300239": on("subscribe"),
    "I want to subscribe to 300239": on("subscribe"),
    "alert me about 300239": on("subscribe"),
    f"follow {LINK}": on("subscribe"),
    f"{LINK} follow": on("subscribe"),
    "I'd like alerts for 300239": on("subscribe"),
    "Hi, can you follow petition 300239 for me?": on("subscribe"),
    "dilyn 300239": on("subscribe"),
    "dilynwch ddeiseb 300239 os gwelwch yn dda": on("subscribe"),
    "unfollow 300239": on("unsubscribe"),
    "stop 300239": on("unsubscribe"),
    "STOP #300239": on("unsubscribe"),
    "stop following 300239": on("unsubscribe"),
    "stop alerts for 300239": on("unsubscribe"),
    "don't follow 300239": on("unsubscribe"),
    "peidiwch â dilyn 300239": on("unsubscribe"),
    "mute 300239": on("mute"),
    "silence 300239": on("mute"),
    "unmute 300239": on("unmute"),
    "chart 300239": on("chart"),
    "300239 chart": on("chart"),
    "show me the chart for 300239": on("chart"),
    "graph of 300239": on("chart"),
    "siart 300239": on("chart"),
    "map 300239": on("map"),
    "where was 300239 signed?": on("constituencies"),
    "response 300239": on("response"),
    "what's the government response to 300239": on("response"),
    "ymateb 300239": on("response"),
    "milestones 300239": on("milestones"),
    "milestone 300239 12,500": on("milestones", "12,500"),
    "milestones 300239 15000": on("milestones", "15000"),
    "milestones 15000 300239": on("milestones", "15000"),
    "milestones for 300239 at 100000": on("milestones", "100000"),
    "share 300239": on("share"),
    "settings 300239": on("settings"),
    "snooze 300239 for 3 days": on("snooze", "3 days"),
}

# 2: several petitions.
SEVERAL: dict[str, str] = {
    "300239 300240": "petition",
    "300239, 300240": "petition",
    f"{LINK} {LINK.replace('239', '240')}": "petition",
    "follow 300239 and 300240": "subscribe",
    "unfollow 300239, 300240": "unsubscribe",
}

# 2, perhaps: a number among other words, which may be one of those.
AMONG_WORDS = ["save 100000 trees", "I signed 300239 yesterday", "300239 is a scandal"]

# 3: everyday words.
EVERYDAY: dict[str, Meaning] = {
    "help": Ask("help"),
    "HELP!": Ask("help"),
    "help please": Ask("help"),
    "?": Ask("help"),
    "menu": Ask("help"),
    "what can you do?": Ask("help"),
    "cymorth": Ask("help"),
    "ayuda": Ask("help"),
    "hi": Ask("start"),
    "Hello 👋": Ask("start"),
    "hello there": Ask("start"),
    "start": Ask("start"),
    "what is this?": Ask("start"),
    "shwmae": Ask("start"),
    "bore da": Ask("start"),
    "stop": Ask("unsubscribe"),
    "Stop!!!": Ask("unsubscribe"),
    "STOP please": Ask("unsubscribe"),
    "stop it": Ask("unsubscribe"),
    "stop sending me messages": Ask("unsubscribe"),
    "unsubscribe": Ask("unsubscribe"),
    "unsubscribe me": Ask("unsubscribe"),
    "leave me alone": Ask("unsubscribe"),
    "leave": Ask("unsubscribe"),
    "quit": Ask("unsubscribe"),
    "Stopp": Ask("unsubscribe"),
    "arrête": Ask("unsubscribe"),
    "arrêtez": Ask("unsubscribe"),
    "parar": Ask("unsubscribe"),
    "basta": Ask("unsubscribe"),
    "стоп": Ask("unsubscribe"),
    "توقف": Ask("unsubscribe"),
    "रुको": Ask("unsubscribe"),
    "বন্ধ করো": Ask("unsubscribe"),
    "停止": Ask("unsubscribe"),
    "zatrzymaj": Ask("unsubscribe"),
    "peidiwch": Ask("unsubscribe"),
    "stopiwch": Ask("unsubscribe"),
    "list": Ask("subscriptions"),
    "my petitions": Ask("subscriptions"),
    "What do I follow?": Ask("subscriptions"),
    "what am I following": Ask("subscriptions"),
    "rhestr": Ask("subscriptions"),
    "settings": Ask("settings"),
    "gosodiadau": Ask("settings"),
    "quiet": Ask("settings", "quiet"),
    "quiet hours": Ask("settings", "quiet"),
    "oriau tawel": Ask("settings", "quiet"),
    "snooze": Ask("snooze"),
    "mute": Ask("snooze"),
    "unmute": Ask("snooze", "off"),
    "status": Ask("status"),
    "are you there?": Ask("status"),
    "digest": Ask("digest"),
    "crynodeb": Ask("digest"),
    "delete my data": Ask("forget"),
    "my data": Ask("mydata"),
    "privacy": Ask("privacy"),
    "trending": Ask("trending"),
    "search": Ask("search"),
    "follow": Ask("subscribe"),
    "my constituency": Ask("constituency"),
    "chart": Ask("chart"),
    "cancel": Cancel(),
    "never mind": Cancel(),
    "nevermind": Cancel(),
    "no": Cancel(),
    "No thanks": Cancel(),
    "canslo": Cancel(),
    "thanks": Thanks(),
    "Thank you!": Thanks(),
    "thank you very much": Thanks(),
    "diolch yn fawr": Thanks(),
    "ok": Thanks(),
    "👍": Thanks(),
    "👍🏽": Thanks(),
    "❤️": Thanks(),
    "🙏🙏": Thanks(),
}

# 4 to 7, and what leads elsewhere.
OTHERS: dict[str, Meaning] = {
    "SW1A 1AA": Postcode("SW1A 1AA"),
    "hd1 2jx": Postcode("hd1 2jx"),
    "CF101AA": Postcode("CF101AA"),
    "Huddersfield": Words("Huddersfield"),
    "Ynys Môn": Words("Ynys Môn"),
    "school meals": Words("school meals"),
    "petitions about school meals": Ask("search", "school meals"),
    "are there any petitions about tea?": Ask("search", "tea"),
    "find petitions about Dogs": Ask("search", "Dogs"),
    "search for school meals": Ask("search", "school meals"),
    "chwilio am ysgolion": Ask("search", "ysgolion"),
    "look after our nurses": Words("look after our nurses"),
    "follow school meals": Ask("subscribe", "school meals"),
    "follow petitions about the NHS": Ask("subscribe", "the NHS"),
    "dilyn ysgolion": Ask("subscribe", "ysgolion"),
    "who is the MP for Bath?": Ask("constituency", "Bath"),
    "constituency Huddersfield": Ask("constituency", "Huddersfield"),
    "snooze 2 hours": Ask("snooze", "2 hours"),
    "mute for 3 days": Ask("snooze", "for 3 days"),
    "mute swans need protection": Words("mute swans need protection"),
    "pause until Monday": Ask("snooze", "until Monday"),
    "quiet hours from 10pm to 7am": Ask("settings", "quiet 10pm to 7am"),
    "no alerts 22-7": Ask("settings", "quiet 22-7"),
    "digest at 8": Ask("settings", "digest at 8"),
    "daily digest": Ask("settings", "all digest"),
    "big moments": Ask("settings", "big moments"),
    "time zone Paris": Ask("settings", "zone Paris"),
    "I live in SW1A 1AA": Postcode("SW1A 1AA"),
    "prydau ysgol": Words("prydau ysgol"),
    "stop the badger cull": Words("stop the badger cull"),
    "ban fireworks": Words("ban fireworks"),
    "10,000 signatures": Words("10,000 signatures"),
    "NHS": Words("NHS"),
    "Home Office": Words("Home Office"),
    "healthh": Words("healthh"),
    "???!": NoWords("???!"),
    "07700 900123": NoWords("07700 900123"),
    "12.05.2026": NoWords("12.05.2026"),
    "£300239": NoWords("£300239"),
    "３００２３": OnPetition("petition", PetitionRef("uk", 30_023)),
    "": NoText(),
    "   ": NoText(),
    "\u200b": NoText(),
    "https://www.change.org/p/tea": OtherSite("www.change.org"),
    "sign this https://www.change.org/p/300239 now": OtherSite("www.change.org"),
    "change.org/p/tea": OtherSite("change.org"),
    "https://petition.parliament.uk/petitions/local/huddersfield": OtherSite(
        "petition.parliament.uk"
    ),
    "https://petition.parliament.uk@evil.example/petitions/300239": OtherSite("evil.example"),
    "https://t.me/PetitionBell?start=r_abc-1": SharedRule("abc-1"),
    "/setings": Ask("setings"),
    "/follow 300239": Ask("follow", "300239"),
}


def test_the_table_has_as_many_messages_as_it_should() -> None:
    assert len(ONE_PETITION) + len(SEVERAL) + len(AMONG_WORDS) + len(EVERYDAY) + len(OTHERS) >= 120


@pytest.mark.parametrize("said", ONE_PETITION)
def test_a_petition_is_named_and_what_is_to_be_done_with_it(said: str) -> None:
    command, rest = ONE_PETITION[said]
    assert read(said, SITES) == OnPetition(command, REF, rest)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", SEVERAL)
def test_several_petitions_are_named(said: str) -> None:
    assert read(said, SITES) == OnPetitions(SEVERAL[said], (REF, OTHER))  # type: ignore[arg-type]


@pytest.mark.parametrize("said", AMONG_WORDS)
def test_a_number_among_other_words_may_be_one_of_them(said: str) -> None:
    meaning = read(said, SITES)
    assert isinstance(meaning, OnPetition)
    assert (meaning.command, meaning.may_be_words) == ("petition", True)


@pytest.mark.parametrize("said", EVERYDAY)
def test_everyday_words_mean_the_command(said: str) -> None:
    meaning = read(said, SITES)
    assert (type(meaning), meaning) == (type(EVERYDAY[said]), EVERYDAY[said])


@pytest.mark.parametrize("said", OTHERS)
def test_anything_else_is_a_place_an_address_words_or_nothing(said: str) -> None:
    meaning = read(said, SITES)
    assert (type(meaning), meaning) == (type(OTHERS[said]), OTHERS[said])


@pytest.mark.parametrize(
    ("said", "meant"),
    [("setings", "settings"), ("stpo", "unsubscribe"), ("what do i folow", "subscriptions")],
)
def test_misspelt_everyday_words_are_near_the_right_ones(said: str, meant: str) -> None:
    assert nearest_saying(said) == Ask(meant)


@pytest.mark.parametrize("said", ["tea", "free school meals", "badgers", "Huddersfield"])
def test_other_words_are_near_none(said: str) -> None:
    assert nearest_saying(said) is None


def test_a_link_behind_words_counts_and_their_verb_with_it() -> None:
    assert read("this one", SITES, [LINK]) == OnPetition("petition", REF)
    assert read("follow this", SITES, [LINK]) == OnPetition("subscribe", REF)
    assert read("Stop the cull", SITES, [LINK]) == OnPetition("petition", REF)
    assert read("help", SITES, ["https://example.com"]) == Ask("help")


def test_another_sites_petition_is_named_by_its_link() -> None:
    link = "https://deisebau.senedd.cymru/petitions/244400"
    assert read(f"dilyn {link}", SITES) == OnPetition("subscribe", PetitionRef("senedd", 244_400))


@pytest.mark.parametrize("said", ["/help", LINK, f"look: {LINK}", "#300239"])
def test_a_slash_or_a_link_leaves_a_question(said: str) -> None:
    assert leaves_a_question(said, SITES)


@pytest.mark.parametrize("said", ["15000", "12,500", "school meals", "22 to 7", "SW1A 1AA"])
def test_what_may_be_an_answer_leaves_none(said: str) -> None:
    assert not leaves_a_question(said, SITES)


@given(st.text())
def test_every_text_has_a_meaning(text: str) -> None:
    read(text, SITES)


@pytest.mark.parametrize("flood", ["a" * 4096, "1 " * 2048, "1," * 2048, "@." * 2048, "www." * 900])
def test_a_flood_of_text_is_read_through(flood: str) -> None:
    read(flood, SITES)


# --- through the whole bot ------------------------------------------------------------------------

COFFEE = TEA + 1
HUDDERSFIELD = "E14001290"
# What a stranger says in a private chat, and what the answer has in it.
ANSWERED = {
    str(TEA): "84 of 10,000",
    "700,000": "84 of 10,000",
    "chart of nothing at all": "couldn't find a petition about “chart of nothing at all”",
    "follow 700000 please": "I need to keep",
    "unfollow 700000": "not following anything yet",
    "map 700000": "doesn't say which regions",
    "milestones 700000": "Milestones",
    "700000 and 700001": "Which petition do you want to see?",
    "help": "What I can do",
    "hi": "tells you when something happens to a petition",
    "stop": "not following anything",
    "arrête": "not following anything",
    "list": "You're not following anything yet",
    "status": "Status",
    "quiet hours": "I need to keep",
    "privacy": "What I don't keep",
    "cancel": "nothing to cancel",
    "Huddersfield": "📍 Huddersfield",
    "Hudersfeild": "📍 Huddersfield",
    "free tea": "🔎 “free tea”",
    "health": "couldn't find a petition about “health”",
    "zzzz": "couldn't find a petition about “zzzz”",
    "😶‍🌫️": "couldn't find a petition about",
    "save 424242 kittens": "couldn't find a petition about “save 424242 kittens”",
    "https://www.change.org/p/tea": "I know petitions on",
    "/setings": "I need to keep",
    "/statsu": "Status",
    "hlep": "What I can do",
    "unsubscibe": "not following anything",
    "petitions in Huddersfield": "📍 Huddersfield",
    "who is the MP for Huddersfield?": "📍 Huddersfield",
}


@pytest.fixture
def town(village: Village) -> Village:
    """A village with a second petition, a constituency and a topic."""
    village.site.put(COFFEE, open_petition(action="Free coffee at noon"))
    village.site.topics = {"health": "Health"}
    village.site.constituencies = {
        HUDDERSFIELD: {
            "constituency": "Huddersfield",
            "ons_code": HUDDERSFIELD,
            "mp": "Tess Tube MP",
            "party": "Tea Party",
        }
    }
    return village


def labels(message: Json) -> list[str]:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [key["text"] for row in keyboard for key in row]


async def test_what_a_stranger_says_is_understood_at_the_first_try(town: Village) -> None:
    async with town.bell():
        pairs = enumerate(ANSWERED.items(), 5_000)
        await asyncio.gather(*(town.chat(n).ask(said, words) for n, (said, words) in pairs))


async def test_topics_and_the_rule_stand_around_what_is_found(town: Village) -> None:
    async with town.bell():
        found = await town.reader.ask("free tea")
        assert labels(found) == ["Free tea in every library", "Follow these words", "Cancel"]
        assert labels(await town.reader.ask("health"))[:2] == [
            "Topic: Health",
            "Follow these words",
        ]


async def test_a_search_costs_three_requests_at_most(town: Village) -> None:
    async with town.bell(), asyncio.timeout(30):
        await town.reader.ask("nothing like this", "couldn't find")  # learns the names
        before = len(town.site.seen("/"))
        await town.reader.ask("nothing like that", "couldn't find")
        assert len(town.site.seen("/")) - before <= 3


def sends(town: Village, content: Json) -> None:
    town.api.messenger.from_person(town.api.messenger.chat(READER), content)


PHOTO = {"photo": [{"file_id": "x", "file_unique_id": "y", "width": 9, "height": 9}]}


async def test_a_caption_counts_like_a_text_and_what_has_none_is_answered_too(
    town: Village,
) -> None:
    async with town.bell():
        sends(town, PHOTO | {"caption": f"look at {TEA}"})
        await town.reader.hears("84 of 10,000")
        sends(town, PHOTO)
        await town.reader.hears("I can only read text")
        sends(town, {"location": {"latitude": 51.5, "longitude": 0.1}})
        await town.reader.hears("I can only read text")


async def test_an_album_without_words_is_answered_once(town: Village) -> None:
    async with town.bell():
        for _ in range(3):
            sends(town, PHOTO | {"media_group_id": "7"})
        await town.reader.hears("I can only read text")
        await town.reader.ask("/about", "Petition Bell ")


async def test_thanks_has_a_reaction_and_no_message(town: Village) -> None:
    async with town.bell():
        town.reader.say("thanks!")
        await town.api.wait_for(lambda api: api.calls_to("setMessageReaction"))
        await town.reader.ask("/about", "Petition Bell ")


async def test_an_edited_message_counts_once_more_if_it_says_something_else(town: Village) -> None:
    async with town.bell():
        await town.reader.ask("zzzz", "couldn't find")
        said = next(m for m in town.api.messages(READER) if m.get("text") == "zzzz")
        again = {k: v for k, v in said.items() if k != "entities"} | {"edit_date": said["date"]}
        town.api.messenger.emit("edited_message", again)
        town.api.messenger.emit("edited_message", again | {"text": str(TEA)})
        await town.reader.hears("84 of 10,000")
        town.api.messenger.emit("edited_message", again | {"text": str(TEA)})
        await town.reader.ask("/about", "Petition Bell ")
        assert town.reader.unread() == []
