"""The routes: health, metrics, the picture as it changes, and the past."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from skypact.console import history
from skypact.console.broadcast import Broadcast
from skypact.errors import JournalError, MisuseError

if TYPE_CHECKING:
    from skypact.journal import Journal

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Served:
    """What is shown of a node.

    Attributes
    ----------
    health : callable
        What ``/healthz`` answers; with the status 503 where its ``ok`` is false.
    metrics : callable
        What ``/metrics`` answers, in the text format of Prometheus.
    broadcast : Broadcast
        What ``/events`` sends.
    about : callable
        What ``/api/node`` says of it, beside the extent of the journal.
    journal : Journal or None
        Where the past is; without one there is none.
    """

    health: Callable[[], Mapping[str, Any]]
    metrics: Callable[[], bytes]
    broadcast: Broadcast
    about: Callable[[], Mapping[str, Any]] = dict
    journal: Journal | None = None


def make_app(served: Served) -> Starlette:
    """Return the application."""

    async def healthz(_: Request) -> Response:
        found = served.health()
        return JSONResponse(dict(found), 200 if found["ok"] else 503)

    async def metrics(_: Request) -> Response:
        return Response(served.metrics(), media_type=PROMETHEUS)

    async def events(request: Request) -> Response:
        """Send what changes; taken up again behind ``Last-Event-ID`` or ``?from=``."""
        said = request.headers.get("last-event-id") or request.query_params.get("from")
        last = int(said) if said and said.isascii() and said.isdecimal() and len(said) < 20 else None
        return StreamingResponse(served.broadcast.follow(last), media_type="text/event-stream", headers=STREAM)

    def node(_: Request, journal: Journal | None) -> Any:
        extent = None if journal is None else history.extent(journal)
        return {**served.about(), "journal": extent}

    def picture(request: Request, journal: Journal) -> Any:
        return history.at(journal, _whole(request, "at"))

    def steps(request: Request, journal: Journal) -> Any:
        return history.between(journal, _whole(request, "from"), _whole(request, "to"))

    def track(request: Request, journal: Journal) -> Any:
        name, number = request.query_params.get("node", ""), _whole(request, "track")
        return history.life(journal, name, number, _whole(request, "from"), _whole(request, "to"))

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/metrics", metrics),
            Route("/events", events),
            Route("/api/node", _answered(served, node, without_past=True)),
            Route("/api/picture", _answered(served, picture)),
            Route("/api/steps", _answered(served, steps)),
            Route("/api/track", _answered(served, track)),
        ],
    )


def _answered(
    served: Served, ask: Callable[[Request, Any], Any], without_past: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Return the route of a question to the journal: asked in another thread, its faults told in one line."""

    async def answer(request: Request) -> Response:
        if served.journal is None and not without_past:
            return _refused("there is no journal, and so no past; start the node with one", 404)
        try:
            found = await run_in_threadpool(ask, request, served.journal)
        except MisuseError as err:
            return _refused(str(err), 400)
        except JournalError as err:
            return _refused(str(err), 500)
        return Response(
            msgspec.json.encode(found), media_type="application/json", headers={"Cache-Control": "no-store"}
        )

    return answer


def _refused(why: str, status: int) -> Response:
    return JSONResponse({"error": why}, status)


def _whole(request: Request, name: str) -> int:
    """Return a whole number that a question gives, up to the year 2255 in milliseconds.

    Raises
    ------
    MisuseError
        There is none.
    """
    said = request.query_params.get(name, "")
    if not (said.isascii() and said.isdecimal() and len(said) < 14 and int(said) < 9_000_000_000_000):
        raise MisuseError(f"{name}={said[:40]}: write a whole number, times as milliseconds since 1970")
    return int(said)
