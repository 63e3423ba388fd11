"""The one door to the viewer's routes: token, ids, threads, and errors as answers."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.domain.errors import (
    FibroreadError,
    NothingToDo,
    NotPermitted,
    OutsideRecipe,
    SlideChanged,
    TryAgain,
    UserMustAct,
)
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.slides import SlideId
from core.domain.studies import EntryId

if TYPE_CHECKING:
    from core.workspace import Workspace

_ID = re.compile(r"[0-9a-f]{32}")
_BEARER = "Bearer "
_THREADS = 2 * (os.cpu_count() or 1)
_CLIENT_LEFT = 499
_STATUSES: tuple[tuple[type[FibroreadError], int], ...] = (
    (SlideChanged, 409),
    (OutsideRecipe, 422),
    (TryAgain, 503),
    (UserMustAct, 404),
    (FibroreadError, 500),
)
_HEADERS = {"X-Content-Type-Options": "nosniff"}

Answer = Callable[["Workspace", ReaderId, Request], Response]
AtOnce = Callable[["Workspace", ReaderId, Request], Response | None]
Endpoint = Callable[[Request], Awaitable[Response]]


class NoSuchThing(LookupError):
    """The address names nothing that is there."""


class Gate:
    """Turns answers, which may block, into endpoints that never do."""

    def __init__(self, get_workspace: Callable[[], Workspace]) -> None:
        self._get_workspace = get_workspace
        self._limiter = anyio.CapacityLimiter(_THREADS)

    def lets(self, answer: Answer, at_once: AtOnce | None = None) -> Endpoint:
        """Give an endpoint that checks the token, then answers in a thread unless the client has left.

        Args: at_once: answers from memory, without a thread, or gives None; it must never wait for anything.
        """

        async def endpoint(request: Request) -> Response:
            known = None if at_once is None else self._answer(at_once, request)
            if known is not None:
                return known
            async with self._limiter:
                if await request.is_disconnected():
                    return Response(status_code=_CLIENT_LEFT)
                return await anyio.to_thread.run_sync(partial(self._answered, answer, request))

        return endpoint

    def _answered(self, answer: Answer, request: Request) -> Response:
        response = self._answer(answer, request)
        if response is None:
            raise ValueError(f"{request.url.path} was not answered")
        return response

    def _answer(self, answer: AtOnce, request: Request) -> Response | None:
        workspace = self._get_workspace()
        try:
            reader_id = workspace.tokens.check(_bearer_token(request))
        except NotPermitted as error:
            return _refusal(401, str(error), {"WWW-Authenticate": "Bearer"})
        try:
            return answer(workspace, reader_id, request)
        except (NoSuchThing, IndexError) as error:
            return _refusal(404, str(error))
        except FibroreadError as error:
            status = next(status for family, status in _STATUSES if isinstance(error, family))
            return _refusal(status, _words(workspace, request, error))


def _words(workspace: Workspace, request: Request, error: FibroreadError) -> str:
    """Say what is wrong; under an entry's address without the names of files and runs that an error carries."""
    ids = (EntryId(str(value)) for value in request.path_params.values())
    if isinstance(error, NothingToDo) or not any(workspace.roster.entry(one) for one in ids):
        return str(error)
    return "This slide cannot be shown now. Reload the page; if it stays so, tell the lead of the study."


def slide_id_in(request: Request) -> SlideId:
    """Give the slide id of an address. Raises: NoSuchThing for anything that is not 32 hexadecimal digits."""
    return SlideId(_checked_id(request, "slide_id"))


def run_id_in(request: Request, name: str = "run_id") -> RunId:
    """Give the run id of an address. Raises: NoSuchThing for anything that is not 32 hexadecimal digits."""
    return RunId(_checked_id(request, name))


def number_in(request: Request, name: str, default: float, smallest: float, largest: float) -> float:
    """Give a number of the query within its limits. Raises: NoSuchThing for what is no number."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        raise NoSuchThing(f"'{name}' is no number")
    return min(largest, max(smallest, float(text)))


def kept_for_good(request: Request, etag: str, media_type: str, content: Callable[[], bytes]) -> Response:
    """Answer with something that never changes under its address, or with 304 when the client has it."""
    if (known := kept_by_client(request, etag)) is not None:
        return known
    return Response(content(), media_type=media_type, headers=_for_good(etag))


def kept_by_client(request: Request, etag: str) -> Response | None:
    """Answer with 304 when the client has what never changes under its address, else not at all."""
    if f'"{etag}"' not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers=_for_good(etag))


def _for_good(etag: str) -> dict[str, str]:
    return {**_HEADERS, "Cache-Control": "private, max-age=31536000, immutable", "ETag": f'"{etag}"'}


def kept_nowhere(content: bytes, media_type: str, further: dict[str, str] | None = None) -> Response:
    """Answer with something that is one reader's alone, or changes: no cache may keep it."""
    headers = {**_HEADERS, "Cache-Control": "no-store", **(further or {})}
    return Response(content, media_type=media_type, headers=headers)


def plain_facts(facts: dict[str, object]) -> Response:
    """Answer with JSON that no cache may keep."""
    return JSONResponse(facts, headers={**_HEADERS, "Cache-Control": "no-store"})


def _checked_id(request: Request, name: str) -> str:
    text = str(request.path_params[name])
    if not _ID.fullmatch(text):
        raise NoSuchThing("no such id")
    return text


def _bearer_token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    if not header.startswith(_BEARER):
        raise NotPermitted("Sign in first: this address needs a token.")
    return header[len(_BEARER) :]


def _refusal(status: int, words: str, further: dict[str, str] | None = None) -> Response:
    headers = {**_HEADERS, "Cache-Control": "no-store", **(further or {})}
    return JSONResponse({"error": words}, status_code=status, headers=headers)
