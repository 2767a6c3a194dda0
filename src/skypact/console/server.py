"""An HTTP server in a thread of its own, on loopback."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING

import uvicorn

from skypact.errors import InputError

if TYPE_CHECKING:
    from starlette.applications import Starlette

CONNECTIONS = 200
"""Most connections served at once; others are told to come again."""
WAITING = 64
"""Connections that wait to be taken."""


class Server:
    """Serves an application while it is open.

    Parameters
    ----------
    app : Starlette
    host : str
    port : int
        0 for any free one.

    Attributes
    ----------
    address : str
        ``http://HOST:PORT``.

    Raises
    ------
    InputError
        The port is in use, or the address is none of this machine's.
    """

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(WAITING)
        except OSError as err:
            self._socket.close()
            what = f"{host}:{port} cannot be listened to: {(err.strerror or str(err)).lower()}"
            raise InputError(what, hint="is another program there? choose another port") from None
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            limit_concurrency=CONNECTIONS,
            backlog=WAITING,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join(5.0)
        self._socket.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
