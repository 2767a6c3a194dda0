"""tmp"""


def track() -> None:
    """tmp"""
