"""The form in which media are stored, drawn and read: one rate of sound, one rate and one size of pictures."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class MediaForm:
    """Rates and picture size that preparation stores, the procedural world draws and a run relies on.

    Attributes:
      rate_hz: samples of sound a second, in Hz, of each channel.
      fps: pictures a second.
      height: rows of a picture, in pixels.
      width: columns of a picture, in pixels.
    """

    rate_hz: int = 22050
    fps: float = 15.0
    height: int = 128
    width: int = 128
