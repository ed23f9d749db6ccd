"""From recordings to records: builders, shards, the processes that write them."""
