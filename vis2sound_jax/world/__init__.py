"""The procedural world: seeded recordings of a drumstick on things, written in the Greatest Hits layout."""
