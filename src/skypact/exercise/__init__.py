"""Exercises in simulation: scenarios, motion, simulated sensors and the bytes they send."""

from skypact.exercise.feeds import Message, messages
from skypact.exercise.motion import Path, State
from skypact.exercise.scenario import Flight, Scenario, Waypoint, read, shipped

__all__ = ["Flight", "Message", "Path", "Scenario", "State", "Waypoint", "messages", "read", "shipped"]
