"""Times the fast cochleagram beside a NumPy one in float64, in one process.

Run `python tests/benchmarks/cochleagram_benchmark.py`. The peer does what pycochleagram does (full-length transforms
of every channel, `scipy.signal.resample_poly`), with its filters made beforehand, which pycochleagram makes anew for
every sound. Times are seconds of processor, the least of some runs, so that other work on the machine matters less.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal

from vis2sound_jax.audio import erb, erb_fast


def peer(wav: np.ndarray, spec: erb.ErbSpec) -> np.ndarray:
    """Envelopes at the low rate, [c, t], before compression."""
    n = len(wav)
    spectra = np.zeros((spec.channels, n), complex)
    spectra[:, : n // 2 + 1] = erb.erb_filters(spec, n) * np.fft.rfft(wav)
    spectra[:, 1 : (n + 1) // 2] *= 2
    envelopes = np.abs(np.fft.ifft(spectra))
    up, down = spec.ratio.numerator, spec.ratio.denominator
    return np.maximum(scipy.signal.resample_poly(envelopes, up, down, axis=-1), 0)


def sounds(batch: int, n: int, rate_hz: int) -> np.ndarray:
    """Noise with a stroke every half second."""
    rng = np.random.default_rng(0)
    since = np.arange(n) % (rate_hz // 2) / rate_hz
    return rng.standard_normal((batch, n)) * (0.001 + 0.1 * np.exp(-20 * since))


def cpu_seconds(function: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """Processor time of one call, after one that compiles or makes tables."""
    result, best = jax.block_until_ready(function()), np.inf
    for _ in range(runs):
        start = time.process_time()
        jax.block_until_ready(function())
        best = min(best, time.process_time() - start)
    return best, result


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def row(rate_hz: int, seconds: float, batch: int, runs: int) -> tuple[float, float, float, float]:
    """Processor seconds of the peer and of ours, errors of linear and of compressed envelopes."""
    spec = erb.ErbSpec(rate_hz)
    wavs = sounds(batch, round(seconds * rate_hz), rate_hz)
    theirs_s, theirs = cpu_seconds(lambda: np.stack([peer(wav, spec) for wav in wavs]), runs)
    single = jnp.asarray(wavs, jnp.float32)
    ours = jax.jit(lambda x: jax.lax.map(lambda wav: erb_fast.fast_envelopes(wav, spec), x))
    compressed = jax.jit(lambda x: erb_fast.fast_cochleagrams(x, spec))
    ours_s, found = cpu_seconds(lambda: compressed(single), runs)
    return theirs_s, ours_s, relative(np.asarray(ours(single)), theirs), relative(np.asarray(found), theirs**spec.power)


def main() -> None:
    """Prints one line a size, and draws growth if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rates_hz", type=int, nargs="+", default=[22050, 44100])
    parser.add_argument("--seconds", type=float, nargs="+", default=[2, 10])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plot", metavar="FILE", help="draws processor seconds against seconds of sound")
    flags = parser.parse_args()
    print("rate_hz seconds batch   peer_cpu_s   fast_cpu_s   ratio   sound_s/cpu_s   error   error_compressed")
    rows = []
    for rate_hz in flags.rates_hz:
        for batch in flags.batches:
            for seconds in flags.seconds:
                theirs_s, ours_s, error, compressed = row(rate_hz, seconds, batch, flags.runs)
                rows.append((rate_hz, batch, seconds * batch, theirs_s, ours_s))
                print(
                    f"{rate_hz:7d} {seconds:7g} {batch:5d} {theirs_s:12.4f} {ours_s:12.4f} {theirs_s / ours_s:7.1f} "
                    f"{seconds * batch / ours_s:15.0f} {error:7.1e} {compressed:18.1e}",
                    flush=True,
                )
    if flags.plot:
        draw(rows, flags.plot)


def draw(rows: list[tuple[int, int, float, float, float]], path: str) -> None:
    """Draws processor time against seconds of sound, one line a rate, batch and program; linear growth is slope 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5))
    for rate_hz, batch in sorted({found[:2] for found in rows}):
        part = np.array([found[2:] for found in rows if found[:2] == (rate_hz, batch)])
        axes.loglog(part[:, 0], part[:, 1], "o--", label=f"NumPy, {rate_hz} Hz, batch {batch}")
        axes.loglog(part[:, 0], part[:, 2], "o-", label=f"fast, {rate_hz} Hz, batch {batch}")
    axes.set_xlabel("seconds of sound")
    axes.set_ylabel("seconds of processor")
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
