"""Wire formats: bytes to tables and back, without sockets, files or clocks.

Each format is a module of its own, such as `skypact.formats.asterix`; `intake` reads any of them, `detect` tells which
one a recording is of.
"""

__all__ = ["asterix", "datagrams", "decoded", "detect", "intake", "modes", "pcap", "readsb", "sbs"]
