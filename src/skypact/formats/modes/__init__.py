"""Mode S and ADS-B: receivers' framings to frames, frames to plots, Comm-B registers, and ADS-B messages made."""

from skypact.formats.modes.avr import AvrReader, encode_avr
from skypact.formats.modes.beast import BeastReader, encode_beast
from skypact.formats.modes.commb import COMM_B, CommB, decode_commb
from skypact.formats.modes.csv_lines import CsvReader
from skypact.formats.modes.decoder import ModesDecoder
from skypact.formats.modes.encode_adsb import (
    encode_adsb,
    encode_emergencies,
    encode_identifications,
    encode_positions,
    encode_surface_positions,
    encode_velocities,
)
from skypact.formats.modes.frames import Frames
from skypact.formats.modes.jsonl import JsonlReader

__all__ = [
    "COMM_B",
    "AvrReader",
    "BeastReader",
    "CommB",
    "CsvReader",
    "Frames",
    "JsonlReader",
    "ModesDecoder",
    "decode_commb",
    "encode_adsb",
    "encode_avr",
    "encode_beast",
    "encode_emergencies",
    "encode_identifications",
    "encode_positions",
    "encode_surface_positions",
    "encode_velocities",
]
