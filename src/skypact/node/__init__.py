"""A running centre: where its input comes from, and when it is taken."""

from skypact.node.pace import Step, merged, paced, steps, until
from skypact.node.recordings import Recording
from skypact.node.tcp import PORTS, TcpFeed, address

__all__ = ["PORTS", "Recording", "Step", "TcpFeed", "address", "merged", "paced", "steps", "until"]
