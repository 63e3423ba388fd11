"""A workspace with one slide and one run, and a client that calls its routes as a server does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.types import Message

from core.access.identity import local_reader
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from pages.routes import build_routes
from tests.journeys.seeded import seed, varied

ADA, BO = local_reader("Ada"), local_reader("Bo")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Give the body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """Give the body as plain values."""
        return json.loads(self.content)


class Client:
    """Calls the app as a server does: with the path as it came over the wire, decoded once and tidied by nobody."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, address: str, headers: dict[str, str] | None = None) -> Answer:
        """Fetch an address."""
        return asyncio.run(self._get(address, headers or {}))

    async def _get(self, address: str, headers: dict[str, str]) -> Answer:
        raw_path, _, query = address.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[Message] = []
        is_asked = False

        async def receive() -> Message:
            nonlocal is_asked
            if is_asked:
                await asyncio.sleep(3600)
            is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(status_code=sent[0]["status"], headers=answered, content=body)


@dataclass(frozen=True)
class Room:
    """A workspace with one slide and one run, and a client of its routes."""

    workspace: Workspace
    slide: Slide
    run_id: RunId
    client: Client

    def get(self, address: str, reader: str = "ada", **headers: str) -> Answer:
        """Fetch as a reader."""
        token = self.workspace.tokens.mint((ADA if reader == "ada" else BO).reader_id)
        return self.client.get(address, {"Authorization": f"Bearer {token}", **headers})

    @property
    def addresses(self) -> list[str]:
        """Give one good address of every route that needs a token."""
        return [
            f"/tiles/{self.slide.slide_id}/2-256/8/0_0.jpg",
            f"/layers/{self.run_id}/stage/1-256/8/0_0.png",
            f"/layers/{self.run_id}/reads/1-256/8/0_0.png",
            f"/patches/{self.run_id}/3.jpg",
            f"/saliency/{self.run_id}/3/predicted.png",
            f"/slides/{self.slide.slide_id}/reads",
            f"/slides/{self.slide.slide_id}/layout",
            f"/slides/{self.slide.slide_id}/tissue",
            f"/slides/{self.slide.slide_id}/regions",
            f"/slides/{self.slide.slide_id}/versions",
            f"/runs/{self.run_id}/acceptance?box=0,0,500,500",
            f"/runs/{self.run_id}",
            f"/runs/{self.run_id}/progress",
            f"/runs/{self.run_id}/strip",
            f"/runs/{self.run_id}/patches/3",
        ]


@contextmanager
def opened_room(folder: Path) -> Iterator[Room]:
    """Make a data folder with a slide that the model which serves has read, and give the room while it is open."""
    slides, data_dir = folder / "slides", folder / "data"
    slides.mkdir()
    write_checkerboard(slides / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [slides / "board.tif"], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        client = Client(Starlette(routes=build_routes(lambda: workspace)))
        yield Room(workspace=workspace, slide=slide, run_id=run_id, client=client)
