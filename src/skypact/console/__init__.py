"""What a node shows over HTTP."""

from skypact.console.app import Served, make_app
from skypact.console.broadcast import Broadcast, Event
from skypact.console.past import missed
from skypact.console.server import Server

__all__ = ["Broadcast", "Event", "Served", "Server", "make_app", "missed"]
