"""A procedural world of the twelve classes of AutoFoley (Ghose & Prevost 2020): seven that strike, five that go on."""

IMPULSIVE = ("break", "clock", "cutting", "footstep", "gunshot", "horse", "typing")
"""Classes whose sounds begin at contacts that are seen."""
TEXTURAL = ("car", "fire", "rain", "thunder", "waterfall")
"""Classes whose sound goes on."""
CLASSES = tuple(sorted(IMPULSIVE + TEXTURAL))
"""All classes, in alphabetical order."""
