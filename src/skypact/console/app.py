"""The routes: health and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def make_app(health: Callable[[], Mapping[str, Any]], metrics: Callable[[], bytes]) -> Starlette:
    """Return the application.

    Parameters
    ----------
    health : callable
        What ``/healthz`` answers; with the status 503 where its ``ok`` is false.
    metrics : callable
        What ``/metrics`` answers, in the text format of Prometheus.
    """

    async def healthz(_: Request) -> Response:
        found = health()
        return JSONResponse(dict(found), 200 if found["ok"] else 503)

    async def figures(_: Request) -> Response:
        return Response(metrics(), media_type=PROMETHEUS)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", figures)])
