"""Sans-IO codecs: bytes in, events out; orders in, bytes out."""
