"""The spine: from flags to a system's stages; it knows no system."""
