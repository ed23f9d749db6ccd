"""One file an experiment: its loss, its step, its sharding table."""
