"""What each sensor measures, how well, and where it stands: the catalogue, and what radars tell of themselves."""

from skypact.sensors.accuracy import ASSUMED, Accuracy, Sigmas, sigmas
from skypact.sensors.catalogue import Catalogue, Sensor, SensorColumns, labels_and_rows
from skypact.sensors.learning import Learner, Notice, crossings

__all__ = [
    "ASSUMED",
    "Accuracy",
    "Catalogue",
    "Learner",
    "Notice",
    "Sensor",
    "SensorColumns",
    "Sigmas",
    "crossings",
    "labels_and_rows",
    "sigmas",
]
