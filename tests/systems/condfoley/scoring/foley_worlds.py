"""Toy sounds whose material is a pitch and whose action is a decay, test pairs made of them, and their classifiers."""

import functools

import numpy as np

from vis2sound_jax.evaluation.classifiers import EventClassifier, event_features, fit_classifier
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents

RATE_HZ = 22_050
PITCH_HZ = {"glass": 3_000.0, "metal": 1_500.0, "wood": 300.0}
DECAY_S = {"hit": 0.02, "scratch": 0.12}


Event = tuple[float, str, str, float]


def sound(events: list[Event], seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """Plays (time in seconds, material, action, gain) over faint noise."""
    rng = np.random.default_rng(seed)
    wav = 1e-4 * rng.standard_normal(round(seconds * RATE_HZ))
    for time_s, material, action, gain in events:
        start = round(time_s * RATE_HZ)
        t = np.arange(min(8_000, wav.size - start)) / RATE_HZ
        wav[start : start + t.size] += gain * np.exp(-t / DECAY_S[action]) * np.cos(2 * np.pi * PITCH_HZ[material] * t)
    return wav.astype(np.float32)


def events_of(rng: np.random.Generator, material: str) -> list[Event]:
    """Three events of one material."""
    times = np.cumsum(rng.uniform(0.35, 0.55, 3)) - 0.1
    return [(t, material, str(rng.choice(list(DECAY_S))), rng.uniform(0.1, 0.6)) for t in times]


def labels_of(events: list[Event]) -> LabelledEvents:
    """What a person would annotate."""
    times, materials, actions, _ = zip(*events, strict=True)
    return LabelledEvents(np.array(times), materials, actions)


@functools.cache
def toy_classifiers() -> dict[str, EventClassifier]:
    """Fitted on sounds of their own."""
    rng = np.random.default_rng(9)
    clips = [events_of(rng, material) for material in list(PITCH_HZ) * 10]
    features = np.concatenate([event_features(sound(c), RATE_HZ, labels_of(c).time_s) for c in clips])
    recordings = [str(i) for i, c in enumerate(clips) for _ in c]
    return {
        kind: fit_classifier(features, [e[place] for c in clips for e in c], recordings, label=kind, rate_hz=RATE_HZ)
        for place, kind in ((1, "material"), (2, "action"))
    }


@functools.cache
def toy_items() -> list[FoleyItem]:
    """Twelve pairs of six recordings, with a good, a late, a silent row and one of the wrong material."""
    rng = np.random.default_rng(3)
    out = []
    for number, material in enumerate(list(PITCH_HZ) * 4):
        events, condition = events_of(rng, material), events_of(rng, material)
        late = [(t + 0.2, *rest) for t, *rest in events]
        other = [(t, "wood" if material != "wood" else "glass", *rest) for t, _, *rest in events]
        good = sound(events, seed=number)
        takes = {
            "takes": [sound(late), good],
            "late": sound(late),
            "other material": sound(other),
            "silence": np.zeros_like(good),
        }
        seen = (labels_of(events).time_s, np.ones(3))
        out.append(
            FoleyItem(
                f"pair{number}",
                f"r{number // 2}",
                labels_of(events),
                labels_of(condition),
                good,
                sound(condition, seed=100 + number),
                takes,
                None,
                seen,
            )
        )
    return out
