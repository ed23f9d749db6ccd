"""The order in which examples come: seed → shuffle → repeat → random map → one host's share → batch.

The share is taken after the random map: each position of the global stream has its own generator, so 1, 2 or
4 hosts together see the same examples with the same draws. Batches are made last, because everything before
them waits in the loader's buffer, and batches of video would fill the memory.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import grain
import numpy as np

from vis2sound_jax.data.cores import usable_cores

Item = TypeVar("Item", covariant=True)
Example = Mapping[str, Any]


class Source(Protocol[Item]):
    """Anything with a length and random access: `Records`, a list, a memory-mapped array."""

    def __len__(self) -> int:
        """Counts the items."""

    def __getitem__(self, index: Any, /) -> Item:
        """Reads one item."""


def make_stream(
    source: Source[Item],
    transform: Callable[[Item, np.random.Generator], Example],
    *,
    batch_size: int,
    seed: int,
    process_index: int = 0,
    process_count: int = 1,
    shuffle: bool = True,
    repeat: bool = True,
    threads: int | None = None,
) -> grain.DatasetIterator[Example]:
    """Starts the stream of batches that one host trains or evaluates on.

    Batch k of all hosts together holds the examples `k * batch_size` to `(k + 1) * batch_size - 1` of the
    global stream, example i of it on host `i % process_count`.

    Args:
      source: where the items are.
      transform: makes a dictionary of arrays, of equal shapes for all items, from an item and a generator. It
        must draw from that generator only.
      batch_size: examples per step over all hosts.
      seed: decides the order of the items and the generators.
      process_index: number of this host.
      process_count: number of hosts.
      shuffle: whether to shuffle, anew in each pass.
      repeat: whether to pass over the source for ever; otherwise the last batch may be smaller.
      threads: threads that read and transform ahead, by default one a core and two at least; they change nothing in
        the order.

    Returns:
      An iterator over dictionaries of arrays with a leading axis `batch_size / process_count`. `get_state`
      and `set_state` resume it exactly; call `close` when done with it.

    Raises:
      ValueError: if the source is empty, or the batches or the single pass cannot be shared out evenly.
    """
    if not len(source):
        raise ValueError("the source holds no items")
    if batch_size % process_count:
        raise ValueError(f"batch_size={batch_size} is no multiple of the {process_count} processes")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index={process_index} is not one of the {process_count} processes")
    if not repeat and len(source) % process_count:
        raise ValueError(
            f"one pass over {len(source)} items cannot be shared by {process_count} processes: some would "
            "stop a step early and the others wait for ever; give each process the whole source"
        )
    items = grain.MapDataset.source(source).seed(seed)
    if shuffle:
        items = items.shuffle()
    if repeat:
        items = items.repeat()
    share = items.random_map(transform)[process_index::process_count]
    threads = threads or max(2, usable_cores())
    # A buffer of a few examples: grain's own, of 500, would hold gigabytes of video.
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
    return iter(share.to_iter_dataset(options).batch(batch_size // process_count))
