"""Parity with the reference implementation of 2.5D Visual Sound: its networks, its transforms, its sliding windows.

The files were computed by the unmodified classes of facebookresearch/2.5D-Visual-Sound at commit 73c7375, at small
sizes and with random weights, and by librosa. Any folder with files of the same form can be tested: set
VIS2SOUND_GOLDEN. Tolerances are the files' own and are not to be relaxed.
"""

import functools
import os
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vis2sound_jax.audio.binaural import (
    HOP,
    SPEC,
    WINDOW,
    as_pairs,
    difference_wav,
    differences,
    ears_of,
    frame_of,
    stereo_rms,
    sum_and_difference,
)
from vis2sound_jax.audio.joining import window_starts
from vis2sound_jax.audio.overlap import OverlapMean
from vis2sound_jax.audio.stft import stft
from vis2sound_jax.evaluation.binaural import distances
from vis2sound_jax.models.audio_unet import AudioUNet, complex_product
from vis2sound_jax.models.resnet import ResNet
from vis2sound_jax.weights.convert import params_from_state_dict, place
from vis2sound_jax.weights.sizes import sizes_from_state_dict

FOLDER = pathlib.Path(os.environ.get("VIS2SOUND_GOLDEN", pathlib.Path(__file__).parent / "golden"))
Arrays = Mapping[str, np.ndarray]


def each(sign: str) -> pytest.MarkDecorator:
    paths = [path for path in sorted(FOLDER.glob("*.npz")) if sign in np.load(path).files]
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def load(path: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def part(golden: Arrays, start: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(start): value for key, value in golden.items() if key.startswith(start)}


def last(x: np.ndarray) -> np.ndarray:
    """Channels to the end."""
    return np.moveaxis(x, 1, -1)


def close(ours: Any, theirs: np.ndarray, atol: float, rtol: float = 0.0) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def audio_unet(state: Arrays, spectra: np.ndarray, seen: np.ndarray) -> tuple[AudioUNet, dict[str, Any]]:
    net = AudioUNet(**sizes_from_state_dict(state, "audio_unet"))
    expected = jax.eval_shape(
        lambda: net.init(jax.random.key(0), jnp.asarray(spectra), jnp.asarray(seen), use_running_average=True)
    )
    return net, params_from_state_dict(state, "audio_unet", expected)


@each("sd/audionet_convlayer1.0.weight")
def test_the_mask_and_what_leads_to_it(path: pathlib.Path) -> None:
    golden = load(path)
    spectra, seen = last(golden["in/mix_spec"]), last(golden["in/visual_feat"])
    net, variables = audio_unet(part(golden, "sd/"), spectra, seen)
    run = functools.partial(net.apply, use_running_average=True, capture_intermediates=True)
    mask, inner = jax.jit(run)(variables, spectra, seen)
    close(mask, last(golden["out/mask_eval"]), 1e-5)
    tapped = inner["intermediates"]
    for ours, theirs in (("down_5", "audionet_convlayer5"), ("up_1", "audionet_upconvlayer1")):
        close(tapped[ours]["__call__"][0], last(golden[f"tap/{theirs}"]), 1e-5)
    (code,) = tapped["reduce"]["__call__"]
    close(code, golden["tap/conv1x1"].reshape(len(code), -1), 1e-5)
    made = complex_product(mask, spectra)
    close(made[:1], last(golden["out/pred_diff_eval_first"]), 1e-4)
    loss = jnp.mean((made - last(golden["in/diff_spec"])[:, :256]) ** 2)
    close(loss, golden["out/loss_eval"], 0, 1e-4)


@each("train/grad_names")
def test_a_training_step(path: pathlib.Path) -> None:
    golden = load(path)
    spectra, seen, wanted = (last(golden[f"in/{name}"]) for name in ("mix_spec", "visual_feat", "diff_spec"))
    net, variables = audio_unet(part(golden, "sd/"), spectra, seen)
    params = variables["params"]

    def loss_of(params: Any) -> tuple[jax.Array, Any]:
        weights = {"params": params, "batch_stats": variables["batch_stats"]}
        mask, moved = net.apply(weights, spectra, seen, use_running_average=False, mutable=["batch_stats"])
        return jnp.mean((complex_product(mask, spectra) - wanted[:, :256]) ** 2), (mask, moved)

    (loss, (mask, moved)), gradient = jax.jit(jax.value_and_grad(loss_of, has_aux=True))(params)
    close(loss, golden["train/loss"], 0, 1e-4)
    close([mask.mean(), mask.std(ddof=1)], golden["train/mask_first_mean_std"], 1e-5)
    flat = by_path(gradient)
    norms = dict(zip(golden["train/grad_names"], golden["train/grad_l2"], strict=True))
    before_a_norm = {name for name in norms if name.endswith(".0.bias") and name != "audionet_upconvlayer5.0.bias"}
    for name, norm in norms.items():
        if name not in before_a_norm:  # of these the true gradient is 0
            close(np.linalg.norm(flat[ours_of(name, golden["sd/" + name])]), norm, 0, 1e-4)
    for name, theirs in part(golden, "train/grad/").items():
        path_of, value = place(name, theirs, "audio_unet")
        close(flat[path_of], value, 1e-5, 1e-3)

    # Coupled decay: before Adam, unlike AdamW's.
    rule = optax.chain(optax.add_decayed_weights(5e-4), optax.adam(1e-3))
    change, _ = rule.update(gradient, rule.init(params), params)
    after = {**by_path(optax.apply_updates(params, change)), **by_path(moved["batch_stats"], "batch_stats")}
    for name, theirs in part(golden, "train/after_step/").items():
        path_of, value = place(name, theirs, "audio_unet")
        if path_of is not None:
            close(after[path_of], value, 1e-5)


def ours_of(name: str, value: np.ndarray) -> str:
    path, _ = place(name, value, "audio_unet")
    assert path is not None
    return path


def by_path(tree: Any, collection: str = "params") -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path({collection: tree})
    return {jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf) for path, leaf in leaves}


def drawn(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The rule by which the full-size weights were made."""
    z = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(int(np.prod(shape))).reshape(shape)
    if key == "input_image":
        value = z
    elif key.endswith("num_batches_tracked"):
        value = np.zeros(shape)
    elif len(shape) == 4:
        fan = shape[1] * shape[2] * shape[3]
        if "upconv" in key:
            fan = shape[0] * shape[2] * shape[3] / 4
        value = z * np.sqrt(1 / fan) * (0.25 if "upconvlayer5" in key else 1)
    elif key.endswith("running_var"):
        value = np.exp(0.2 * z)
    elif key.endswith(("running_mean", ".bias")):
        value = 0.1 * z
    else:
        value = 1 + 0.1 * z
    return value.astype(np.float32)


def listed(entries: np.ndarray) -> dict[str, np.ndarray]:
    """Weights by the names and shapes of a list."""
    found = {}
    for entry in entries:
        name, _, shape = str(entry).partition(" ")
        sizes = tuple(int(size) for size in shape.strip(" ()").replace(",", " ").split())
        found[name] = drawn(name, sizes)
    return found


@each("full/visual_feat")
def test_networks_of_full_size(path: pathlib.Path) -> None:
    golden = load(path)
    visual, audio = listed(golden["keys/visual"]), listed(golden["keys/audio"])
    for key, value in part(golden, "probe/").items():
        name, _, _ = key.partition("[")
        whole = (visual | audio)[name]
        close(whole[:2, 0, 0, :4] if whole.shape[-1] > 4 else whole[:2, :2, 0, 0], value, 1e-7)
    net = ResNet(**sizes_from_state_dict(visual, "resnet_trunk"))
    image = drawn("input_image", (1, 3, 224, 448))
    expected = jax.eval_shape(lambda: net.init(jax.random.key(0), last(image), use_running_average=True))
    variables = params_from_state_dict(visual, "resnet_trunk", expected)
    assert [count(visual), count(audio)] == list(golden["n_params"])
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == golden["n_params"][0]
    seen = jax.jit(functools.partial(net.apply, use_running_average=True))(variables, last(image))
    close(seen, last(golden["full/visual_feat"]), 1e-4)
    spectra = last(golden["full/mix_spec"])
    unet, variables = audio_unet(audio, spectra, np.asarray(seen))
    assert unet == AudioUNet()
    mask = jax.jit(functools.partial(unet.apply, use_running_average=True))(variables, spectra, seen)
    close(mask, last(golden["full/mask"]), 1e-5)


def count(state: Arrays) -> int:
    """Parameters of a state dict: running statistics are none."""
    return sum(value.size for key, value in state.items() if "running" not in key and "tracked" not in key)


@each("stft/segment")
def test_transforms(path: pathlib.Path) -> None:
    golden = load(path)
    mix, difference = sum_and_difference(jnp.asarray(golden["stft/segment"]))
    close(as_pairs(stft(mix, SPEC)), np.moveaxis(golden["stft/mix_spec"], 0, -1), 1e-4)
    spectrum = stft(difference, SPEC)
    close(as_pairs(spectrum), np.moveaxis(golden["stft/diff_spec"], 0, -1), 1e-4)
    for name, compat in (("istft/from256_nfft510", True), ("istft/from257_zero_nyq", False)):
        close(difference_wav(spectrum[:256], WINDOW, compat=compat), golden[name], 1e-4)


@each("slide/audio")
def test_sliding_windows(path: pathlib.Path) -> None:
    """The network is that of the file `binaural_unet_*` of the same seed."""
    golden, nets = load(path), load(path.with_name(path.name.replace("dsp", "unet")))
    ears = golden["slide/audio"]
    n, starts = ears.shape[1], window_starts(ears.shape[1], WINDOW, WINDOW - HOP)
    np.testing.assert_array_equal(starts, golden["slide/starts"])
    frames = [frame_of(start, 10, 15) for start in starts]
    np.testing.assert_array_equal(np.add(frames, 1), golden["slide/frame_index"])  # the reference counts from 1
    first, second = last(nets["in/visual_feat"])[:2]
    seen = np.stack([np.maximum(0, first * np.cos(0.1 * (i + 1)) + second * np.sin(0.1 * (i + 1))) for i in frames])
    net, variables = audio_unet(part(nets, "sd/"), last(nets["in/mix_spec"]), seen[:1])
    cuts = jnp.stack([ears[:, start : start + WINDOW] for start in starts])
    mix, _ = sum_and_difference(cuts)
    masks = functools.partial(net.apply, variables, use_running_average=True)
    told = jnp.asarray(seen, jnp.float32)
    for name, compat in (("slide/pred_quirk510", True), ("slide/pred_nfft512", False)):
        run = jax.jit(functools.partial(differences, masks=lambda x: masks(x, told), compat=compat))
        made, joined = run(mix, rms=stereo_rms(cuts)), OverlapMean()
        for start, window in zip(starts, np.asarray(made), strict=True):
            joined.add(start, window)
        close(ears_of(jnp.asarray(ears.sum(axis=0)), jnp.asarray(joined.take())), golden[name], 1e-4)
    np.testing.assert_array_equal(golden["slide/count"], np.sum([covered(start, n) for start in starts], axis=0))


def covered(start: int, n: int) -> np.ndarray:
    return (np.arange(n) >= start) & (np.arange(n) < start + WINDOW)


@each("metric/gt")
@pytest.mark.parametrize("normalised", [False, True])
def test_published_distances(path: pathlib.Path, normalised: bool) -> None:
    golden = load(path)
    true, kind = golden["metric/gt"], "peaknorm" if normalised else "raw"
    mono = np.repeat(true.mean(axis=0, keepdims=True), 2, axis=0)
    for name, ears in (("pred", golden["metric/pred"]), ("mono", mono)):
        found = distances(ears, true, normalised=normalised)
        close([found.stft, found.envelope], golden[f"metric/{name}_{kind}"], 0, 1e-4)
