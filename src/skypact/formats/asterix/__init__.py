"""ASTERIX."""
