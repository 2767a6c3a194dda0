"""tmp"""


def doctor() -> None:
    """tmp"""
