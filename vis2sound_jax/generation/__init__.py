"""From film and example to takes: watching, composing, sounding."""
