"""Exercises in simulation: scenarios, motion, simulated sensors and the bytes they send."""

from skypact.exercise.aircraft import AIRCRAFT, Performance
from skypact.exercise.feeds import Message
from skypact.exercise.instruments import Clutter, Errors, Outage, SimulatedSensor
from skypact.exercise.motion import Motion, Path, State
from skypact.exercise.movers import Mover
from skypact.exercise.scenario import Flight, Place, Recorded, Scenario, Waypoint, read, shipped
from skypact.exercise.simulation import Simulation, messages
from skypact.exercise.trajectories import Trajectory, read_trajectories

__all__ = [
    "AIRCRAFT",
    "Clutter",
    "Errors",
    "Flight",
    "Message",
    "Motion",
    "Mover",
    "Outage",
    "Path",
    "Performance",
    "Place",
    "Recorded",
    "Scenario",
    "SimulatedSensor",
    "Simulation",
    "State",
    "Trajectory",
    "Waypoint",
    "messages",
    "read",
    "read_trajectories",
    "shipped",
]
