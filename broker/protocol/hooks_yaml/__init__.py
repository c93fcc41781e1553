"""The format of hooks files: read with positions."""
