"""The numbers that Visually Indicated Sounds reports (Owens et al. 2016), to be printed beside ours.

All are of Greatest Hits. Accuracies and AP are shares in [0, 1]; "labelled real" is in percent, as there.
"""

from typing import NamedTuple


class StudyRate(NamedTuple):
    """How often people took a synthesised sound for the real one.

    Attributes:
      percent: labelled real, in percent; 50 is indistinguishable.
      margin: half the 95 % interval, in percent.
    """

    percent: float
    margin: float


class PaperRow(NamedTuple):
    """One row of the table in Figure 5a.

    Attributes:
      real: labelled real.
      loudness_mse: squared error of loudness.
      loudness_r: its correlation.
      centroid_mse: squared error of the centroid, in channels squared.
      centroid_r: its correlation.
    """

    real: StudyRate
    loudness_mse: float
    loudness_r: float
    centroid_mse: float
    centroid_r: float


FIGURE_5A = {
    "full system": PaperRow(StudyRate(40.01, 1.66), 0.21, 0.44, 3.85, 0.47),
    "trained from scratch": PaperRow(StudyRate(36.46, 1.68), 0.24, 0.36, 4.73, 0.33),
    "no spacetime": PaperRow(StudyRate(37.88, 1.67), 0.22, 0.37, 4.30, 0.37),
    "parametric synthesis": PaperRow(StudyRate(34.66, 1.62), 0.21, 0.44, 3.85, 0.47),
    "no RNN": PaperRow(StudyRate(29.96, 1.55), 1.24, 0.04, 7.92, 0.28),
    "image match": PaperRow(StudyRate(32.98, 1.59), 0.37, 0.16, 8.39, 0.18),
    "spacetime match": PaperRow(StudyRate(31.92, 1.56), 0.41, 0.14, 7.19, 0.21),
    "image + spacetime": PaperRow(StudyRate(33.77, 1.58), 0.37, 0.18, 7.74, 0.20),
    "random impact sound": PaperRow(StudyRate(19.77, 1.34), 0.44, 0.00, 9.32, 0.02),
}

# Figure 6a: another study, with exemplars of the right material only where it says so.
FIGURE_6A = {
    "full system + material": StudyRate(41.82, 1.46),
    "full system": StudyRate(39.64, 1.46),
    "image match + material": StudyRate(38.20, 1.47),
    "image match": StudyRate(32.83, 1.41),
    "random impact sound + material": StudyRate(35.36, 1.42),
    "random impact sound": StudyRate(20.64, 1.22),
    "real-sound match": StudyRate(46.90, 1.49),
}

# Figure 6b: class-averaged accuracy of material, by the features that the SVM sees or hears.
FIGURE_6B = {
    "real sound": 0.458,
    "audio-supervised CNN": 0.304,
    "ImageNet CNN": 0.420,
    "ImageNet CNN + sound": 0.482,
    "ImageNet crop": 0.529,
    "crop + sound": 0.594,
}

# Figure 7: parametric synthesis, by material.
FIGURE_7 = {"dirt": StudyRate(62.0, 6.0), "metal": StudyRate(18.0, 5.0)}

# Section 6.2: what SVMs of real sounds hear in predicted ones, class-averaged.
HEARD = {
    "real sound": {"material": 0.458, "hardness": 0.668},
    "full system": {"material": 0.288, "action": 0.665, "reaction": 0.552},
    "trained from scratch": {"material": 0.227, "action": 0.686, "reaction": 0.535},
}
CHANCE = {"material": 1 / 17, "action": 0.5, "reaction": 0.2, "hardness": 0.5}

DETECTION_AP = {"full system": 0.436, "no spacetime": 0.216}

# Our row → the paper's; rows that are not here have no counterpart (`ridge`).
PAPER_ROW = {
    **{row: row for row in (*FIGURE_5A, *FIGURE_6A, "real sound")},
    "image + spacetime match": "image + spacetime",
}


def paper_metrics(row: str) -> dict[str, float]:
    """What the paper reports for one of our rows, under the names that `vis.evaluate_impacts` gives.

    A full system that was not pretrained on ImageNet is the paper's "trained from scratch".

    Args:
      row: our name of the row.

    Returns:
      By metric, the paper's number; empty where it has no such row.
    """
    name = PAPER_ROW.get(row)
    if name is None:
        return {}
    table = FIGURE_5A.get(name)
    levels = {} if table is None else {key: value for key, value in table._asdict().items() if key != "real"}
    return levels | HEARD.get(name, {})


def paper_study(row: str) -> StudyRate | None:
    """How often the paper's participants labelled one of our rows real.

    Args:
      row: our name of the row.

    Returns:
      The rate of Figure 5a, else of Figure 6a; None where neither has the row.
    """
    name = PAPER_ROW.get(row, row)
    return FIGURE_5A[name].real if name in FIGURE_5A else FIGURE_6A.get(name)
