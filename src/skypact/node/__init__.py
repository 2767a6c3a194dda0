"""A running centre: where its input comes from, and when it is taken."""

from skypact.node.pace import Step, paced, steps
from skypact.node.recordings import Recording

__all__ = ["Recording", "Step", "paced", "steps"]
