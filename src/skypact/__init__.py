"""Joint regional air defence as open software."""
