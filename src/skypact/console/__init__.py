"""What a node shows over HTTP."""

from skypact.console.app import make_app
from skypact.console.server import Server

__all__ = ["Server", "make_app"]
