"""Parity of the cochleagram with pycochleagram 3854892 (float64, stored as float32).

Any folder with files of the same form can be tested: set VIS2SOUND_GOLDEN. Tolerances are the files' own and are
not to be relaxed.
"""

import functools
import json
import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio import erb, erb_fast, erb_variants

FOLDER = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parent / "golden"))


def _cases(key: str) -> list[Any]:
    """All sounds of all files that come with `key`."""
    found = []
    for path in sorted(FOLDER.glob("*.npz")):
        with np.load(path) as file:
            if any(name.endswith("/env_downsampled") for name in file.files):
                names = json.loads(str(file["config_json"]))["cases"]
                names = [name for name in names if f"{name}/{key}" in file.files]
                found += [pytest.param(path, name, id=f"{path.stem}-{name}") for name in names]
    return found


each_case = pytest.mark.parametrize(("path", "name"), _cases("cochleagram"))


@functools.cache
def load(path: pathlib.Path, name: str) -> tuple[erb.ErbSpec, dict[str, np.ndarray]]:
    with np.load(path) as file:
        config = json.loads(str(file["config_json"]))["cases"][name]
        arrays = {key.split("/", 1)[1]: file[key] for key in file.files if key.startswith(f"{name}/")}
    spec = erb.ErbSpec(
        config["sr"], config["n"], config["low_lim"], config["hi_lim"], config["sample_factor"], config["env_sr"],
        config["power"],
    )  # fmt: skip
    return spec, arrays


@functools.cache
def computed(path: pathlib.Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subbands, envelopes and cochleagram."""
    spec, arrays = load(path, name)
    wav = jnp.asarray(arrays["waveform"])
    parts = jax.jit(lambda x: (erb.subbands(x, spec), erb.envelopes(x, spec), erb.cochleagram(x, spec)))
    return tuple(np.asarray(part) for part in parts(wav))  # type: ignore[return-value]


@each_case
def test_filters_and_centres(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    filters = erb.erb_filters(spec, len(arrays["waveform"]))
    expected = arrays["filters"] if "filters" in arrays else arrays["filters_at_bins"]
    ours = filters if "filters" in arrays else filters[:, arrays["bin_idx"]]
    np.testing.assert_allclose(ours, expected, atol=1e-6)
    np.testing.assert_allclose(erb.centre_frequencies(spec), arrays["center_freqs"], rtol=1e-6)
    assert spec.channels == len(arrays["center_freqs"])


@each_case
def test_subbands_and_envelopes(path: pathlib.Path, name: str) -> None:
    _, arrays = load(path, name)
    for ours, key in zip(computed(path, name), ("subbands", "envelopes"), strict=False):
        expected = arrays[key] if key in arrays else arrays[f"{key}_at_idx"]
        ours = ours if key in arrays else ours[:, arrays["sample_idx"]]
        np.testing.assert_allclose(ours, expected, atol=1e-6 * np.abs(expected).max())


@each_case
def test_cochleagrams(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    ours, expected = computed(path, name)[2], arrays["cochleagram"]
    assert ours.shape == expected.shape == (spec.channels, spec.frames_for(len(arrays["waveform"])))
    linear = np.abs(ours ** (1 / spec.power) - arrays["env_downsampled"]).max()
    assert linear <= 1e-5 * arrays["env_downsampled"].max()
    assert np.abs(ours - expected).max() <= 2e-3
    assert np.linalg.norm(ours - expected) <= 5e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize(("path", "name"), _cases("inv_noise"))
@pytest.mark.parametrize("iterations", [1, 3])
def test_sounds_from_cochleagrams(path: pathlib.Path, name: str, iterations: int) -> None:
    spec, arrays = load(path, name)
    noise = jnp.asarray(arrays["inv_noise"], jnp.float32)
    ours = erb.impose(jnp.asarray(arrays["cochleagram"]), noise, spec, iterations=iterations)
    expected = arrays[f"inv_wave_{iterations}iter"]
    assert np.linalg.norm(ours - expected) <= 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize(("path", "name"), _cases("inv_noise"))
def test_three_iterations_come_near_the_target(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    made = erb.impose(
        jnp.asarray(arrays["cochleagram"]), jnp.asarray(arrays["inv_noise"], jnp.float32), spec, iterations=3
    )
    found = erb.cochleagram(made, spec)
    assert np.linalg.norm(found - arrays["cochleagram"]) <= 0.35 * np.linalg.norm(arrays["cochleagram"])


@each_case
def test_fast_cochleagrams(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    wav = jnp.asarray(arrays["waveform"])
    ours = np.asarray(jax.jit(lambda x: erb_fast.fast_envelopes(x, spec))(wav))
    expected = arrays["env_downsampled"]
    assert np.linalg.norm(ours - expected) <= 2e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize(("path", "name"), _cases("owens_envs"))
def test_the_cochleagrams_of_the_authors_code(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    ours = np.asarray(erb_variants.owens_cochleagram(jnp.asarray(arrays["waveform"]), spec.rate_hz)).T
    assert ours.shape == arrays["owens_envs"].shape
    assert np.abs(ours - arrays["owens_envs"]).max() <= 2e-3
    assert np.linalg.norm(ours - arrays["owens_envs"]) <= 5e-4 * np.linalg.norm(arrays["owens_envs"])


@pytest.mark.parametrize(("path", "name"), _cases("chcochleagram"))
def test_chcochleagrams(path: pathlib.Path, name: str) -> None:
    spec, arrays = load(path, name)
    ours = erb_variants.ch_cochleagram(jnp.asarray(arrays["waveform"]), spec)
    assert ours.shape == arrays["chcochleagram"].shape
    assert np.abs(ours - arrays["chcochleagram"]).max() <= 2e-3
    assert np.linalg.norm(ours - arrays["chcochleagram"]) <= 5e-4 * np.linalg.norm(arrays["chcochleagram"])
