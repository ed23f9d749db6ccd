"""Which timecode a film's first picture has, as its container says it."""

from vis2sound_jax.video.film import Film

_KEY = "timecode"


def start_timecode(film: Film) -> str:
    """Reads the timecode of a film's first picture: the track `tmcd` of QuickTime, or what other containers note.

    Args:
      film: an open film.

    Returns:
      The timecode as it stands there, such as `01:00:00:00`; empty where there is none, and for a film of arrays.
    """
    if film.media is None:
        return ""
    container = film.media.container
    # The track of timecode itself comes last: other tracks repeat what it says.
    for said in (container.metadata, *(stream.metadata for stream in container.streams)):
        found = {key.lower(): value for key, value in said.items()}.get(_KEY, "")
        if found.strip():
            return found.strip()
    return ""
