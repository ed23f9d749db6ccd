"""Fitted classifiers as plain arrays: files that can be passed on, since nothing in them is run."""

import json
import os
import zipfile
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int, Shaped
from sklearn.pipeline import Pipeline

from vis2sound_jax.errors import file_error
from vis2sound_jax.whole import write_arrays

_KIND, _VERSION = "vis2sound_jax event classifier", 1


@dataclass(frozen=True)
class PlainModel:
    """What a scaler and the classifier behind it have learned; it predicts as they do.

    Attributes:
      mean: [d] subtracted from features.
      scale: [d] they are divided by.
      classes_: [k] names, in alphabetical order.
      weights: of a support vector machine [k - 1, s], else [k, d], of two classes [1, d].
      bias: of a support vector machine one for each pair of classes, else [k], of two classes [1].
      vectors: [s, d] support vectors, by class; [0, d] for a logistic regression.
      counts: [k] support vectors of each class.
      gamma: of the RBF kernel; 0 for a logistic regression.
    """

    mean: Float[np.ndarray, "d"]
    scale: Float[np.ndarray, "d"]
    classes_: Shaped[np.ndarray, "k"]
    weights: Float[np.ndarray, "w x"]
    bias: Float[np.ndarray, "p"]
    vectors: Float[np.ndarray, "s d"]
    counts: Int[np.ndarray, "k"]
    gamma: float

    @classmethod
    def of(cls, model: Pipeline) -> "PlainModel":
        """Takes the arrays out of a fitted pipeline.

        Args:
          model: a StandardScaler with an SVC (RBF) or a LogisticRegression behind it.
        """
        scaler, head = (step for _, step in model.steps)
        kernel = hasattr(head, "support_vectors_")
        return cls(
            scaler.mean_,
            scaler.scale_,
            np.asarray(head.classes_, str),
            head.dual_coef_ if kernel else head.coef_,
            head.intercept_,
            head.support_vectors_ if kernel else np.zeros((0, len(scaler.mean_))),
            head.n_support_ if kernel else np.zeros(len(head.classes_), np.int32),
            float(head._gamma) if kernel else 0.0,
        )

    def predict(self, features: Float32[np.ndarray, "e d"]) -> Shaped[np.ndarray, "e"]:
        """Names the class of each row.

        Args:
          features: as the pipeline was fitted on.
        """
        scaled = np.array(features, np.float32)
        scaled -= self.mean
        scaled /= self.scale
        x = scaled.astype(np.float64)
        k = len(self.classes_)
        if not self.gamma:
            values = x @ self.weights.T + self.bias
            return self.classes_[(values[:, 0] > 0).astype(int) if k == 2 else values.argmax(axis=1)]
        squares = (x**2).sum(1)[:, None] - 2 * x @ self.vectors.T + (self.vectors**2).sum(1)[None]
        near = np.exp(-self.gamma * np.maximum(squares, 0))
        if k == 2:
            return self.classes_[(near @ self.weights[0] + self.bias[0] > 0).astype(int)]
        return self.classes_[self._votes(near).argmax(axis=1)]

    def _votes(self, near: np.ndarray) -> np.ndarray:
        """Counts for how many of the other classes each wins (one against one, as libsvm does)."""
        ends = np.cumsum(self.counts)
        own = [slice(end - count, end) for end, count in zip(ends, self.counts, strict=True)]
        votes, place = np.zeros((len(near), len(own)), int), 0
        for i in range(len(own)):
            for j in range(i + 1, len(own)):
                value = near[:, own[i]] @ self.weights[j - 1, own[i]] + near[:, own[j]] @ self.weights[i, own[j]]
                votes[np.arange(len(near)), np.where(value + self.bias[place] > 0, i, j)] += 1
                place += 1
        return votes


def write_model(path: str | os.PathLike[str], model: PlainModel, notes: dict[str, Any]) -> None:
    """Writes a model as an npz file without pickles.

    Args:
      path: where to; its folder must exist.
      model: the arrays.
      notes: a JSON object to keep beside them.

    Raises:
      UserError: where it cannot be written.
    """
    facts = json.dumps({"kind": _KIND, "version": _VERSION, **notes})
    write_arrays(path, {"facts": facts, **{field.name: getattr(model, field.name) for field in fields(model)}})


def read_model(path: str | os.PathLike[str]) -> tuple[PlainModel, dict[str, Any]]:
    """Reads what `write_model` wrote; nothing in the file is run.

    Args:
      path: the file.

    Returns:
      The model and the notes.

    Raises:
      UserError: if it is missing, damaged, or of another kind, such as the pickles of earlier versions.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            notes = json.loads(str(arrays["facts"]))
            if (notes.pop("kind"), notes.pop("version")) != (_KIND, _VERSION):
                raise ValueError("it is of another kind or version")
            found = {field.name: arrays[field.name] for field in fields(PlainModel)}
            return PlainModel(**{**found, "gamma": float(found["gamma"])}), notes
    except FileNotFoundError:
        raise file_error(path, "no such file", "evaluate a run first (--job=evaluate)") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        problem = f"is no classifier that this version wrote ({type(error).__name__})"
        raise file_error(path, problem, "evaluate the run again (--job=evaluate)") from error
