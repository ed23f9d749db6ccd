"""Entry point: `python -m vis2sound_jax.main --config=FILE[:PRESET]` runs all stages of a config."""

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from vis2sound_jax.jobs import command_line, environment, hosts
from vis2sound_jax.jobs.stages import run_job, run_stages

CONFIG = config_flags.DEFINE_config_file("config", None, "Config file, as FILE or FILE:PRESET.", lock_config=True)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; runs/<name of the config> if not given.")
JOB = flags.DEFINE_string("job", None, "One stage or job instead of all stages: prepare, generate, onsets, …")
MULTIHOST = flags.DEFINE_bool("multihost", False, "One of several processes, found by jax or by the three flags below.")
COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of the first process.")
PROCESSES = flags.DEFINE_integer("processes", None, "How many processes there are.", lower_bound=1)
PROCESS_ID = flags.DEFINE_integer("process_id", None, "Which of them this is, from 0.", lower_bound=0)
REQUEST = {
    "video": flags.DEFINE_string("video", None, "Film to make sound for."),
    "example": flags.DEFINE_string("example", None, "Film or sound file whose sound to imitate."),
    "films": flags.DEFINE_string("films", None, "Folder of films, each to be given the sound of several others."),
    "examples": flags.DEFINE_integer("examples", None, "Number of examples for each film.", lower_bound=1),
    "output": flags.DEFINE_string("output", None, "File or folder to write."),
    "kind": flags.DEFINE_string("kind", None, "Which network a file of released weights holds: transformer, melgan, …"),
    "source": flags.DEFINE_string("source", None, "File of released weights to convert."),
    "takes": flags.DEFINE_integer("takes", None, "Number of different soundtracks.", lower_bound=1),
    "seed": flags.DEFINE_integer("seed", None, "Seed of the takes."),
    "synthesis": flags.DEFINE_enum("synthesis", None, ("exemplar", "parametric"), "How sounds of impacts are made."),
    "topology": flags.DEFINE_string("topology", None, "Chips to plan for, such as v5e-16 or v5e-4,v5e-16."),
    "stage": flags.DEFINE_string("stage", None, "Stage to plan: encoder, codebook, transformer, vocoder or sync."),
    "scale_batch": flags.DEFINE_bool("scale_batch", None, "Whether a plan takes the config's batch as one chip's."),
    "start": flags.DEFINE_float("start", None, "Second of the example at which its window begins.", lower_bound=0.0),
}


def start_job(name: str, config: ConfigDict, workdir: Path) -> Mapping[str, Any]:
    """Imports a job's module, which is heavy, only now that it has something to do; most are done by one process."""
    module = importlib.import_module(f"vis2sound_jax.jobs.{config.jobs[name]}")
    job = partial(module.run, config, workdir)
    return job() if getattr(module, "EVERY_HOST", False) else hosts.first_alone(name, job)


def main(_: Sequence[str]) -> None:
    """Runs what the flags ask for and says what was written where."""
    logging.set_verbosity(logging.FATAL)
    config, name = CONFIG.value, JOB.value
    requested = command_line.add_request(config, {key: flag.value for key, flag in REQUEST.items()})
    command_line.check_hosts(MULTIHOST.value, COORDINATOR.value, PROCESSES.value, PROCESS_ID.value)
    if MULTIHOST.value:
        hosts.start(COORDINATOR.value, PROCESSES.value, PROCESS_ID.value)
    workdir = command_line.workdir_of(WORKDIR.value, config)
    jobs = {job: partial(start_job, job) for job in config.jobs}
    command_line.check_job(name, jobs, requested=requested)
    # A question asked by name is answered anew; a stage is done once.
    if name is not None and (requested or name in ("evaluate", "onsets") or name not in config.stages):
        summary = run_job(config, workdir, name, jobs[name])
        said = f"{name} is done: " + ", ".join(f"{key} {value}" for key, value in summary.items())
    else:
        summaries = run_stages(config, workdir, jobs, only=name)
        said = f"{', '.join(summaries)} finished; everything is in {workdir}"
    if hosts.is_first():
        print(f"vis2sound: {said}")


def _run() -> None:
    environment.settle()
    command_line.guarded(lambda: app.run(main, flags_parser=command_line.parse))


if __name__ == "__main__":
    environment.take_large_pages()
    _run()
