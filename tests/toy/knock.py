"""A whole system in one file: it learns how loud a knock is from the speed of the stick."""

from pathlib import Path
from typing import Any

import numpy as np
from flax import linen as nn

from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Report, Table
from vis2sound_jax.run.requests import OUTPUT
from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.stage import Stage, plan_job
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.tasks.averaged import AveragedTask
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.training.task import Metrics

HERE = "tests.toy.knock"
STAGES = (Stage("loudness", HERE, "learns the loudness", reads=("seed", "init_from", "loudness"), every_host=True),)
JOBS = (Stage("page", f"{HERE}:page", "shows how wrong it is", flags=(OUTPUT,)), plan_job("loudness", "loudness"))


def get_config(preset: str = "small") -> Any:
    config = shared("knock", HERE, preset)
    config.stages = ("loudness",)
    config.loudness = {"batch": 16, "steps": 6, "learning_rate": 0.1}
    return config


class LoudnessTask(AveragedTask):
    def init_params(self, key: Any, batch: Any) -> Any:
        return self.net.init(key, batch["speed"])["params"]

    def metrics(self, params: Any, batch: Any, key: Any, step: Any) -> Metrics:
        error = (self.net.apply({"params": params}, batch["speed"]) - batch["loudness"]) ** 2
        return Metrics.from_means(len(error), loss=error.mean())


def knock(speed: float, rng: np.random.Generator) -> dict[str, Any]:
    return {"speed": np.float32([speed]), "loudness": np.float32([0.8 * speed + rng.normal(0, 0.01)])}


def training(config: Any) -> Training:
    section, number = config.loudness, ((1,), np.float32)
    task = LoudnessTask(nn.Dense(1), section.steps, section.learning_rate)
    shapes, speeds = {"speed": number, "loudness": number}, np.linspace(0, 1, 64)
    return Training(task, shapes, section.batch, section.steps, "loudness", lambda workdir: Material(speeds, knock))


def page(config: Any, workdir: Path) -> dict[str, Any]:
    params, speeds = load_params(checkpoints_dir(workdir, "loudness")), np.linspace(0, 1, 9)[:, None]
    errors = np.abs(nn.Dense(1).apply({"params": params}, speeds) - 0.8 * speeds)[:, 0]
    rows = {"network": {"error": Resampler.over(range(9)).ratio(errors, np.ones(9))}}
    table = Table("Loudness", "Mean absolute error.", rows, columns={"error": "error"})
    write_report(config.request.output, Report("Knocks", "made-up knocks", tables=[table]))
    return {"page": config.request.output}
