"""Makes shards under Apache Beam: one element of the pipeline is one shard, made as in the other ways.

Every worker needs this checkout installed and must see the recordings and the output under the same paths, on one
machine or on a shared file system. A bundle that Beam tries again finds its finished shards.
"""

import shlex
import threading
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.shards import ShardJob
from vis2sound_jax.prepare.workers import Reach, Work, make_apart

_LOOK_S = 0.3


def run_beam(work: Work, options: str, *, reach: Reach) -> None:
    """Makes the shards in a Beam pipeline.

    Args:
      work: what to do.
      options: Beam's pipeline options as on a command line, such as "--runner=DirectRunner
        --direct_running_mode=multi_processing --direct_num_workers=4" or "--runner=FlinkRunner --flink_master=...".
      reach: called now and then with the number of recordings done, from a thread.

    Raises:
      UserError: if Beam refuses the options.
    """
    try:
        pipeline = beam.Pipeline(options=PipelineOptions(shlex.split(options)))
    except ValueError as error:
        raise UserError(
            f"config.prepare.beam is {options!r}, which Beam refuses: {error}; correct the options"
        ) from error
    # The jobs are shuffled among the workers; without it one worker would make all of them.
    _ = pipeline | beam.Create(list(work.jobs)) | beam.Reshuffle() | beam.ParDo(_MakeShard(work))
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(work, reach, ended), daemon=True)
    watch.start()
    try:
        pipeline.run().wait_until_finish()
    finally:
        ended.set()
        watch.join()


def _watch(work: Work, reach: Reach, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_S):
        reach(work.counted())


class _MakeShard(beam.DoFn):
    def __init__(self, work: Work):
        self._spec, self._folder = work.spec, work.folder

    def setup(self) -> None:
        self._builder = self._spec.open(self._folder)

    def process(self, job: ShardJob) -> Iterator[str]:
        make_apart(self._builder, self._folder, job)
        yield job.name
