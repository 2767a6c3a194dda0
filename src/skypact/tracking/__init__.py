"""Plots to tracks: motion, association, life cycle."""

from skypact.tracking.settings import TrackerSettings
from skypact.tracking.tracker import Tracker

__all__ = ["Tracker", "TrackerSettings"]
