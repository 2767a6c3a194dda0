"""EUROCONTROL ASTERIX: data blocks to tables and back, over category tables made from the published specifications."""

from skypact.formats.asterix.blocks import BlockStream
from skypact.formats.asterix.decoder import AsterixDecoder
from skypact.formats.asterix.encode import encode
from skypact.formats.asterix.messages import (
    TrackNumbers,
    adsb_reports,
    antenna_messages,
    centre_messages,
    radar_reports,
    system_tracks,
)
from skypact.formats.asterix.spec import CATEGORIES, editions, source

__all__ = [
    "CATEGORIES",
    "AsterixDecoder",
    "BlockStream",
    "TrackNumbers",
    "adsb_reports",
    "antenna_messages",
    "centre_messages",
    "editions",
    "encode",
    "radar_reports",
    "source",
    "system_tracks",
]
