"""``python -m skypact.cli``."""

from skypact.cli import main

main()
