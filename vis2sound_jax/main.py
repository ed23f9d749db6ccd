"""Entry point: `python -m vis2sound_jax.main --config=FILE[:PRESET]` runs all stages of a config."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags

from vis2sound_jax.run import command_line, ending, environment, hosts, pretrained, requests
from vis2sound_jax.run.stage import Stage, is_stage, listed, stage_named
from vis2sound_jax.run.stages import run_again, run_job, run_stages

CONFIG = config_flags.DEFINE_config_file("config", None, "Config file, as FILE or FILE:PRESET.", lock_config=True)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; runs/<name of the config> if not given.")
JOB = flags.DEFINE_string("job", None, "One stage or job instead of all stages: prepare, generate, onsets, …")
MULTIHOST = flags.DEFINE_bool("multihost", False, "One of several processes, found by jax or by the three flags below.")
COORDINATOR = flags.DEFINE_string("coordinator", None, "HOST:PORT of the first process.")
PROCESSES = flags.DEFINE_integer("processes", None, "How many processes there are.", lower_bound=1)
PROCESS_ID = flags.DEFINE_integer("process_id", None, "Which of them this is, from 0.", lower_bound=0)


def start(stage: Stage, config: ConfigDict, workdir: Path) -> Mapping[str, Any]:
    """Does a stage, whose module, which is heavy, is imported only now; most are done by one process.

    Args:
      stage: what to do.
      config: the settings.
      workdir: of the run.

    Returns:
      A summary of what was written.
    """
    job = partial(stage.run, config, workdir)
    return job() if stage.every_host else hosts.first_alone(stage.name, job)


def main(_: Sequence[str]) -> None:
    """Runs what the flags ask for and says what was written where."""
    logging.set_verbosity(logging.FATAL)
    config, name = CONFIG.value, JOB.value
    command_line.check_hosts(MULTIHOST.value, COORDINATOR.value, PROCESSES.value, PROCESS_ID.value)
    workdir, stages = command_line.workdir_of(WORKDIR.value, config), listed(config)
    hears = {stage.name: stage.flags for stage in stages.values()}
    given = requests.given(flag for own in hears.values() for flag in own)
    job = None if name is None else stage_named(stages, name)
    requests.check(name, given, hears)
    if MULTIHOST.value:
        hosts.start(COORDINATOR.value, PROCESSES.value, PROCESS_ID.value)
    # What is asked for by name is answered again each time; a stage that others build on is done once.
    stands = job is not None and is_stage(config, job.name) and not given
    if job is None or stands and not job.remade:
        summaries = run_stages(config, workdir, stages, start, check=Stage.check, only=name)
        said = f"{', '.join(summaries)} finished; everything is in {workdir}"
    else:
        if WORKDIR.value is None:
            changed = config_flags.get_override_values(flags.FLAGS["config"])
            config, workdir = pretrained.stand_in(job, config, workdir, given, changed)
        if stands:
            summary = run_again(config, workdir, job, start)
        else:
            summary = run_job(config, workdir, job, start, given)
        said = f"{name} is done: " + ", ".join(f"{key} {value}" for key, value in summary.items())
    if hosts.is_first():
        print(f"vis2sound: {said}")


def run() -> None:
    """Does what `sys.argv` asks for and ends the process with one line and an exit code if it cannot."""
    environment.settle()
    ending.guarded(lambda: app.run(main, flags_parser=command_line.parse))


if __name__ == "__main__":
    environment.take_large_pages()
    run()
