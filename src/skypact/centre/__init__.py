"""The one path: plots of all sensors and the time go in, tracks and what a person should know come out."""

from skypact.centre.centre import Centre, CentreConfig, Output

__all__ = ["Centre", "CentreConfig", "Output"]
