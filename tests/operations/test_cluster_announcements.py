"""Of several bots on one PostgreSQL, one sends what was announced, and another goes on with it."""

from contextlib import AsyncExitStack
from pathlib import Path

from bell import Village
from cluster import Cluster
from postgres import PostgresGround

ADMIN = 99


async def test_an_announcement_reaches_everybody_once_though_the_bot_that_sends_it_ends(
    village: Village, tmp_path: Path
) -> None:
    ground = PostgresGround(tmp_path)
    await (await ground.open()).close()
    cluster = Cluster(village, ground)
    chats = range(5001, 5009)

    def told(chat: int) -> list[str]:
        return [m["text"] for m in village.api.messages(chat) if "We move house" in m["text"]]

    async with AsyncExitStack() as first, cluster.bell(admins=(ADMIN,)):
        await first.enter_async_context(cluster.bell(admins=(ADMIN,)))
        await village.reader.subscribes()
        await cluster.follow(chats)
        admin = village.chat(ADMIN)
        await admin.ask("/announce We move house", "We move house")
        question = await admin.hears("9 chats")
        admin.tap(question, "Send it")
        await village.api.wait_for(lambda _: any(map(told, chats)) or None, timeout=20)
        await first.aclose()
        await admin.hears("9 chats got it", timeout=30)
    assert [len(told(chat)) for chat in (village.reader.chat_id, *chats)] == [1] * 9
