"""Packet captures: pcap and pcapng to UDP payloads in columns, and payloads back to a pcap."""

from skypact.formats.pcap.reader import Packets, PcapReader, address_text, is_pcap
from skypact.formats.pcap.writer import write_pcap

__all__ = ["Packets", "PcapReader", "address_text", "is_pcap", "write_pcap"]
