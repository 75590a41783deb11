"""Many clients of live streams in one thread: each follows, leaves now and then, and resumes."""

import asyncio
import json
import random
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

RETRY_SECONDS = 0.2
ANSWER_SECONDS = 5.0


@dataclass
class Follower:
    """One who follows a subject, or all (None), and what it has seen: positions and ids."""

    subject: str | None
    after: int = 0
    seen: list[tuple[int, str]] = field(default_factory=list)
    joined: int = 0


class StreamClients:
    """Followers of a service at a URL; some of them leave and join again all the time."""

    def __init__(self, url: str, followers: Sequence[Follower]) -> None:
        self.followers = followers
        split = urlsplit(url)
        self._host, self._port = split.hostname, split.port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        tasks = [asyncio.create_task(self._keep_on(each)) for each in self.followers]
        await asyncio.to_thread(self._stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_on(self, follower: Follower) -> None:
        choose = random.Random(follower.subject)
        while True:
            stay = choose.uniform(1, 20)
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
                await asyncio.wait_for(self._follow(follower), stay)
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, follower: Follower) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            asked = f"after={follower.after}"
            asked += "" if follower.subject is None else f"&subject={follower.subject}"
            writer.write(
                f"GET /v1/events/stream?{asked} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
            )
            status = await reader.readline()
            if b" 200 " not in status:
                return
            follower.joined += 1
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    _take(follower, json.loads(line.removeprefix(b"data: ")))
        finally:
            writer.close()


def _take(follower: Follower, record: dict[str, Any]) -> None:
    follower.after = record["position"]
    follower.seen.append((record["position"], record["event"]["id"]))
