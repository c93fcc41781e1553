"""The one exception a codec raises on bad input."""


class ProtocolViolation(ValueError):
    """The peer's bytes break the protocol. `offset` counts bytes from the start of the stream to the bad part."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset})")
        self.offset = offset
