"""SBS BaseStation text (port 30003): ``MSG`` lines to PLOTS and back."""

from skypact.formats.sbs.codec import SbsReader, encode_sbs

__all__ = ["SbsReader", "encode_sbs"]
