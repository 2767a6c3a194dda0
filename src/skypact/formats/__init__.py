"""Wire formats: bytes to tables and back, without sockets, files or clocks."""
