"""The baseline that a trained network must beat: ridge regression from the same features to the same targets."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

PENALTIES = (1e3, 1e4, 1e5, 1e6)


def fit_ridge(
    features: Float32[np.ndarray, "e d"],
    targets: Float32[np.ndarray, "e k"],
    held_features: Float32[np.ndarray, "v d"],
    held_targets: Float32[np.ndarray, "v k"],
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Pipeline, float]:
    """Fits ridge regressions and keeps the one with the least squared error on held-out clips.

    Args:
      features: of training clips; every column is scaled to unit variance.
      targets: what to predict, flat.
      held_features: of validation clips.
      held_targets: their targets.
      penalties: to choose from.

    Returns:
      Scaler and regression, and the penalty chosen.
    """
    models = [make_pipeline(StandardScaler(), Ridge(penalty)).fit(features, targets) for penalty in penalties]
    errors = [float(np.mean((model.predict(held_features) - held_targets) ** 2)) for model in models]
    best = int(np.argmin(errors))
    return models[best], float(penalties[best])
