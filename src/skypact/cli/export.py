"""tmp"""


def export() -> None:
    """tmp"""
