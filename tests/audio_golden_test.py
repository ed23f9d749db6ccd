"""Parity of the sound front end with the reference chains (torchaudio and librosa on real sounds).

The files come from the unmodified chains of XYPB/CondFoleyGen at commit c565db7. Any folder with files of the
same form can be tested: set VIS2SOUND_GOLDEN. Tolerances are the files' own and are not to be relaxed.
"""

import json
import os
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from vis2sound_jax.audio.mel import (
    MelSpec,
    crop_centre,
    log_mel,
    mel_filters,
    rms_normalise,
    rms_normalise_batch,
)
from vis2sound_jax.audio.onsets import (
    legacy_loudness,
    legacy_onset_confidence,
    legacy_onset_nms,
    legacy_onset_samples,
)
from vis2sound_jax.audio.stft import stft

FOLDER = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parent / "golden"))
NEAR_FLOOR = 0.02  # within 2 dB of the clip at the floor


def each(form_key: str) -> pytest.MarkDecorator:
    found = [path for path in sorted(FOLDER.glob("*.npz")) if form_key in np.load(path).files]
    return pytest.mark.parametrize("path", found, ids=lambda path: path.stem)


def load(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with np.load(path) as file:
        arrays = {k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in file.items()}
    return json.loads(str(arrays.pop("config"))), arrays


def spec_of(config: dict[str, Any], **changes: Any) -> MelSpec:
    names = {"rate_hz": "sr", "n_fft": "n_fft", "hop": "hop", "n_mels": "n_mels"}
    names |= {"low_hz": "fmin", "high_hz": "fmax"}
    return MelSpec(**{ours: config[theirs] for ours, theirs in names.items()}, **changes)


def close(ours: jax.Array, theirs: np.ndarray, scale: float = 1.0) -> None:
    """2e-5, near the floor 1e-4, on images in [0, 1]; `scale` 2 and values from -1 for the models' range."""
    unit = theirs if scale == 1 else (theirs + 1) / 2
    allowed = scale * np.where(unit < NEAR_FLOOR, 1e-4, 2e-5)
    worst = np.max(np.abs(np.asarray(ours) - theirs) - allowed)
    assert worst <= 0, f"{worst:.2e} beyond the tolerance"


@each("out/logmel01_full_torchaudio")
def test_current_mel_chain(path: pathlib.Path) -> None:
    config, golden = load(path)
    spec, wav = spec_of(config), jnp.asarray(golden["in/wav"])
    np.testing.assert_allclose(mel_filters(spec).T, golden["out/htk_mel_fb_513x80"], atol=1e-6)
    magnitude = jnp.abs(stft(wav, spec.stft))
    picked = [int(k) for k in (0, 80, magnitude.shape[-1] - 1)]
    np.testing.assert_allclose(magnitude[..., picked], golden["out/stft_mag_frames_0_80_172"], rtol=1e-4, atol=1e-4)
    linear = np.einsum("ij,...jt->...it", mel_filters(spec), magnitude)
    np.testing.assert_allclose(linear, golden["out/mel_linear_torchaudio_htk"], rtol=1e-4, atol=2e-5)
    image = log_mel(wav, spec)
    close(image, golden["out/logmel01_full_torchaudio"])
    close(crop_centre(image), golden["out/logmel01_crop160_torchaudio"])
    model_input = golden["out/model_input_train"].reshape(*crop_centre(image).shape)
    close(2 * crop_centre(image) - 1, model_input, scale=2)


@each("out/batch_rms_normalized_wav")
def test_batch_wide_level(path: pathlib.Path) -> None:
    config, golden = load(path)
    wav = rms_normalise_batch(jnp.asarray(golden["in/wav"]))
    np.testing.assert_allclose(wav, golden["out/batch_rms_normalized_wav"], atol=1e-6)
    image = crop_centre(log_mel(wav, spec_of(config)))
    close(2 * image - 1, golden["out/model_input_train_rmsnorm"].reshape(image.shape), scale=2)


@each("out/logmel01_full_librosa_slaney")
def test_old_mel_chain(path: pathlib.Path) -> None:
    """The files were made with librosa 0.11, which pads with zeros; the old models' librosa 0.8 reflected."""
    config, golden = load(path)
    spec, wav = spec_of(config, scale="slaney", pad_mode="constant"), jnp.asarray(golden["in/wav"])
    np.testing.assert_allclose(mel_filters(spec), golden["out/slaney_mel_fb_80x513"], atol=1e-6)
    close(log_mel(wav, spec), golden["out/logmel01_full_librosa_slaney"])
    normalised = log_mel(rms_normalise(wav), spec)
    close(normalised, golden["out/logmel01_full_librosa_slaney_rmsnorm_persample"])


@each("out/onsets_samples0")
def test_legacy_onsets(path: pathlib.Path) -> None:
    config, golden = load(path)
    for name in (key for key in golden if key.startswith("in/wav")):
        wav, index = golden[name], name.removeprefix("in/wav")
        envelope = librosa.onset.onset_strength(y=wav, sr=config["sr"])
        np.testing.assert_allclose(envelope, golden[f"out/onset_env{index}"], rtol=1e-4, atol=1e-4)
        onsets = legacy_onset_samples(wav, config["sr"], delta=config["delta_peak"])
        np.testing.assert_array_equal(onsets, golden[f"out/onsets_samples{index}"])
        confidence = legacy_onset_confidence(legacy_loudness(wav), onsets, config["sr"])
        kept = legacy_onset_nms(onsets, confidence, config["sr"])
        np.testing.assert_array_equal(kept, golden[f"out/onsets_nms{index}"])
