"""How good tracks are, against truth or a reference."""

from skypact.scoring._evaluate import score
from skypact.scoring.reference import truth_of
from skypact.scoring.result import Consistency, Gospa, Score, Siap, Spread
from skypact.scoring.settings import ScoringSettings

__all__ = ["Consistency", "Gospa", "Score", "ScoringSettings", "Siap", "Spread", "score", "truth_of"]
