"""tmp"""


def run() -> None:
    """tmp"""
