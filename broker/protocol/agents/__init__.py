"""What the codecs of all vendors share."""
