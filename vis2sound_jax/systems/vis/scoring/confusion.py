"""Order of classes in a confusion matrix: what is heard alike stands side by side."""

import numpy as np
from jaxtyping import Float64


def confusion_order(soft: Float64[np.ndarray, "k k"], start: int = 0) -> list[int]:
    """Chains classes greedily: next comes the one whose row is nearest to the last one's (VIS, Figure 5c).

    The paper does not say where its chain begins. Order predictions as the real sounds are ordered, or their
    matrices cannot be compared.

    Args:
      soft: [true, heard] mean class probabilities.
      start: the first class.

    Returns:
      Every class once; equal distances go to the lower index.
    """
    order, left = [start], [k for k in range(len(soft)) if k != start]
    while left:
        distance = np.linalg.norm(soft[left] - soft[order[-1]], axis=1)
        order.append(left.pop(int(np.argmin(distance))))
    return order if len(soft) else []
