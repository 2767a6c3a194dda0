"""A running centre: where its input comes from, when it is taken, and what is kept of it."""

from skypact.node.config import Air, NodeConfig, Source, read
from skypact.node.feeds import Arrival, Feed, FeedStatus, PlayedFeed
from skypact.node.history import History
from skypact.node.network import PORTS, TcpFeed, UdpFeed
from skypact.node.node import Moment, Node
from skypact.node.pace import Pace, Step, merged, steps
from skypact.node.recordings import Recording
from skypact.node.replay import Replay, Replayed, rewritten
from skypact.node.status import Status

__all__ = [
    "PORTS",
    "Air",
    "Arrival",
    "Feed",
    "FeedStatus",
    "History",
    "Moment",
    "Node",
    "NodeConfig",
    "Pace",
    "PlayedFeed",
    "Recording",
    "Replay",
    "Replayed",
    "Source",
    "Status",
    "Step",
    "TcpFeed",
    "UdpFeed",
    "merged",
    "read",
    "rewritten",
    "steps",
]
