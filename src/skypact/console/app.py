"""The routes: health, metrics, and the picture as it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from skypact.console.broadcast import Broadcast

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def make_app(health: Callable[[], Mapping[str, Any]], metrics: Callable[[], bytes], broadcast: Broadcast) -> Starlette:
    """Return the application.

    Parameters
    ----------
    health : callable
        What ``/healthz`` answers; with the status 503 where its ``ok`` is false.
    metrics : callable
        What ``/metrics`` answers, in the text format of Prometheus.
    broadcast : Broadcast
        What ``/events`` sends: server-sent events, taken up again behind ``Last-Event-ID`` or ``?from=``.
    """

    async def healthz(_: Request) -> Response:
        found = health()
        return JSONResponse(dict(found), 200 if found["ok"] else 503)

    async def figures(_: Request) -> Response:
        return Response(metrics(), media_type=PROMETHEUS)

    async def events(request: Request) -> Response:
        said = request.headers.get("last-event-id") or request.query_params.get("from")
        last = int(said) if said and said.isascii() and said.isdecimal() and len(said) < 20 else None
        return StreamingResponse(broadcast.follow(last), media_type="text/event-stream", headers=STREAM)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/metrics", figures), Route("/events", events)],
    )
