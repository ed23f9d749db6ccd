"""The order in which examples come: seed → shuffle → repeat → random map → one host's rows → batch.

Each position of the global stream has its own generator, and batch k always holds the same positions, so 1, 2 or
4 hosts together see the same batches with the same draws, and a position is a number of batches, whoever resumes.
Batches are made last, because everything before them waits in the loader's buffer, and batches of video would fill
the memory.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import grain
import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.cores import usable_cores

Item = TypeVar("Item", covariant=True)
Example = Mapping[str, Any]


class Source(Protocol[Item]):
    """Anything with a length and random access: `Records`, a list, a memory-mapped array."""

    def __len__(self) -> int:
        """Counts the items."""

    def __getitem__(self, index: Any, /) -> Item:
        """Reads one item."""


class Batches:
    """Batches of examples whose position can be saved: the `Stream` of the training loop."""

    def __init__(self, examples: grain.MapDataset[Example], batch_size: int, rows: range, threads: int) -> None:
        """Begins at the first batch; see `make_stream`."""
        self._examples, self._size, self._rows, self._threads = examples, batch_size, rows, threads
        self._open(0)

    def _open(self, drawn: int) -> None:
        self._drawn = drawn
        # A batch ahead, to be there when the step is done; grain's own 500 examples would be gigabytes of video.
        ahead = max(2 * self._threads, len(self._rows))
        options = grain.ReadOptions(num_threads=self._threads, prefetch_buffer_size=ahead)
        share = _Share(self._examples, drawn * self._size, self._size, self._rows)
        self._iterator = iter(share.to_iter_dataset(options).batch(len(self._rows)))

    def __iter__(self) -> Iterator[Example]:
        """Returns itself."""
        return self

    def __next__(self) -> Example:
        """Draws a batch: name → array with a leading axis of this host's rows."""
        batch = next(self._iterator)
        self._drawn += 1
        return batch

    def get_state(self) -> dict[str, int]:
        """Returns the position: how many batches were drawn. It is the same on every host."""
        return {"batches": self._drawn}

    def set_state(self, state: Any) -> None:
        """Goes to a position that `get_state` returned, on this or any other number of hosts.

        Raises:
          UserError: if it is no such position.
        """
        if not isinstance(state, Mapping) or "batches" not in state:
            raise UserError("this checkpoint's place in the data is of an older version; start in another --workdir")
        self.close()
        self._open(int(state["batches"]))

    def close(self) -> None:
        """Stops the threads that read ahead."""
        self._iterator.close()


class _Share(grain.MapDataset[Example]):
    """The same rows of every batch, from a position on."""

    def __init__(self, parent: grain.MapDataset[Example], first: int, batch: int, rows: range) -> None:
        super().__init__(parent)
        self._first, self._batch, self._rows = first, batch, rows

    def __len__(self) -> int:
        left = len(self._parent) - self._first
        if len(self._rows) == self._batch:
            return left
        return left // self._batch * len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.slice(index)
        batch, row = divmod(index, len(self._rows))
        return self._parent[self._first + batch * self._batch + self._rows[row]]


def make_stream(
    source: Source[Item],
    transform: Callable[[Item, np.random.Generator], Example],
    *,
    batch_size: int,
    seed: int,
    rows: range | None = None,
    shuffle: bool = True,
    repeat: bool = True,
    threads: int | None = None,
) -> Batches:
    """Starts the stream of batches that one host trains or evaluates on.

    Batch k of all hosts together holds the examples `k * batch_size` to `(k + 1) * batch_size - 1` of the
    global stream.

    Args:
      source: where the items are.
      transform: makes a dictionary of arrays, of equal shapes for all items, from an item and a generator. It
        must draw from that generator only.
      batch_size: examples per step over all hosts.
      seed: decides the order of the items and the generators.
      rows: which examples of every batch this host loads, see `training.sharding.batch_rows`; None loads all.
      shuffle: whether to shuffle, anew in each pass.
      repeat: whether to pass over the source for ever; otherwise the last batch may be smaller.
      threads: threads that read and transform ahead, by default one a core and two at least; they change nothing in
        the order.

    Returns:
      An iterator over dictionaries of arrays with a leading axis of `rows`. `get_state` and `set_state` resume
      it exactly; call `close` when done with it.

    Raises:
      ValueError: if the source is empty, the rows are none of the batch, or a single pass cannot be shared out.
    """
    if not len(source):
        raise ValueError("the source holds no items")
    rows = range(batch_size) if rows is None else rows
    if not rows or rows.start < 0 or rows[-1] >= batch_size:
        raise ValueError(f"rows {rows} are none of a batch of {batch_size}")
    if not repeat and len(rows) < batch_size and len(source) % batch_size:
        raise ValueError(
            f"one pass over {len(source)} items in batches of {batch_size} cannot be shared: some hosts would "
            "stop a step early and the others wait for ever; give each host the whole source"
        )
    items = grain.MapDataset.source(source).seed(seed)
    if shuffle:
        items = items.shuffle()
    if repeat:
        items = items.repeat()
    return Batches(items.random_map(transform), batch_size, rows, threads or max(2, usable_cores()))
