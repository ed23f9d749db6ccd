"""Makes shards in this process or in a pool of processes; the files are the same."""

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from pathlib import Path

from absl import logging

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec, RecordingBuilder
from vis2sound_jax.prepare.cores import usable_cores
from vis2sound_jax.prepare.shards import ShardFacts, ShardJob, make_shard

Reach = Callable[[int], None]
Finished = Callable[[ShardFacts], None]

COUNTS = "counts"
"""Folder of a preparation in which workers count: a file a shard, a byte a recording."""

# Video decoding releases the interpreter lock; two films at once also bound the memory.
_THREADS_HERE = 2
# Starting a process takes about as long as so many short recordings.
_WORTH_A_WORKER = 32
_LOOK_S = 0.3


@dataclasses.dataclass(frozen=True)
class Work:
    """Shards to make, and where.

    Attributes:
      spec: the builder.
      folder: of the preparation; every worker must see it, and the recordings, under the same path.
      jobs: the shards.
    """

    spec: BuilderSpec
    folder: Path
    jobs: Sequence[ShardJob]

    def counted(self) -> int:
        """Counts the recordings that workers have been through."""
        return sum(entry.stat().st_size for entry in os.scandir(self.folder / COUNTS))


def worker_count(asked: int, work: Work) -> int:
    """Decides how many processes to start.

    Args:
      asked: number of processes, 0 for none, -1 for one a core as far as the recordings are worth it.
      work: what there is to do.

    Returns:
      The number, at most one a shard; 0 means this process.

    Raises:
      UserError: if `asked` is below -1.
    """
    if asked < -1:
        raise UserError(f"config.prepare.workers is {asked}; set a number of processes, 0 for none or -1 for all cores")
    if asked == -1:
        asked = min(usable_cores(), sum(len(job.ids) for job in work.jobs) // _WORTH_A_WORKER)
        asked = asked if asked > 1 else 0
    return min(asked, len(work.jobs))


def run_here(work: Work, *, reach: Reach, finished: Finished) -> None:
    """Makes the shards one after another in this process.

    Args:
      work: what to do.
      reach: called with the number of recordings done.
      finished: called with the facts of each shard; may raise to end the work.
    """
    builder, done = work.spec.open(work.folder), 0

    def tick() -> None:
        nonlocal done
        done += 1
        reach(done)

    for job in work.jobs:
        finished(make_shard(builder, work.folder, job, tick, threads=_THREADS_HERE))


def run_pool(work: Work, workers: int, *, reach: Reach, finished: Finished) -> None:
    """Makes the shards in processes of their own, which hold one or two recordings in memory each.

    They are started afresh, since a process that uses jax must not be forked: a script that calls this must
    keep what it runs under `if __name__ == "__main__":`.

    Args:
      work: what to do.
      workers: number of processes.
      reach: called with the number of recordings done.
      finished: called with the facts of each shard; may raise to end the work.

    Raises:
      UserError: if a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    # Workers end at once when the other end closes, by whatever this process ends with.
    lifeline, held = context.Pipe(duplex=False)
    begin = (work.spec, work.folder, lifeline, logging.get_verbosity())
    pool = ProcessPoolExecutor(workers, context, _begin_worker, begin)
    try:
        waiting = {pool.submit(_work, job) for job in work.jobs}
        while waiting:
            done, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
            for future in done:
                finished(future.result())
            reach(work.counted())
    except BrokenProcessPool:
        raise UserError(
            "a process that prepared recordings was killed, perhaps for want of memory; run the same command again, it "
            f"goes on with what is finished, or with config.prepare.workers below {workers}"
        ) from None
    except BaseException:
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        lifeline.close()


def make_apart(builder: RecordingBuilder, folder: Path, job: ShardJob) -> ShardFacts:
    """Makes a shard in a worker: recordings are counted in a file that `Work.counted` reads.

    Args:
      builder: encodes the recordings.
      folder: of the preparation.
      job: which shard.

    Returns:
      What is known of the shard.
    """
    with (folder / COUNTS / job.name).open("wb", buffering=0) as count:
        return make_shard(builder, folder, job, lambda: count.write(b"."))


_here: dict[str, tuple[RecordingBuilder, Path]] = {}


def _begin_worker(spec: BuilderSpec, folder: Path, lifeline: Connection, verbosity: int) -> None:
    logging.set_verbosity(verbosity)
    # Ctrl-C reaches all processes of a terminal; the parent tells its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    _here["worker"] = spec.open(folder), folder


def _end_with(lifeline: Connection) -> None:
    try:
        lifeline.recv()
    except (EOFError, OSError):
        os._exit(1)


def _work(job: ShardJob) -> ShardFacts:
    return make_apart(*_here["worker"], job)
