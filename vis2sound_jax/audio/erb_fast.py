"""Cochleagrams several times faster, with an error of about 1e-4: a channel gets the points its bandwidth needs.

The magnitude of a channel does not depend on where in the spectrum the channel lies. So its bins are moved to
frequency 0 and transformed back with a few points for every bin instead of with all samples of the clip.
`erb.cochleagram` remains the definition.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vis2sound_jax.audio import erb
from vis2sound_jax.audio.erb_plan import END_POINTS, MOMENTS, Group, Raster, basis, end_weights, plan


def fast_cochleagram(wav: Float[Array, "n"], spec: erb.ErbSpec) -> Float[Array, "c t"]:
    """Computes what `erb.cochleagram` does.

    Compressing before the rate is lowered, and a rate of envelopes above that of the sound, leave nothing to save:
    then it is `erb.cochleagram` that runs.

    Args:
      wav: the sound.
      spec: filterbank, envelope rate and compression.

    Returns:
      Compressed envelopes, low to high channel, t = `spec.frames_for(n)`.
    """
    if spec.compress_first or spec.ratio > 1:
        return erb.cochleagram(wav, spec)
    return erb.compress(fast_envelopes(wav, spec), spec)


def fast_cochleagrams(wavs: Float[Array, "b n"], spec: erb.ErbSpec) -> Float[Array, "b c t"]:
    """Computes the cochleagrams of sounds one after the other, so that memory does not grow with their number.

    Args:
      wavs: the sounds, of one length.
      spec: filterbank, envelope rate and compression.

    Returns:
      One `fast_cochleagram` a sound.
    """
    return jax.lax.map(lambda wav: fast_cochleagram(wav, spec), wavs)


def fast_envelopes(wav: Float[Array, "n"], spec: erb.ErbSpec) -> Float[Array, "c t"]:
    """Computes the envelopes at `spec.envelope_hz`, uncompressed.

    Args:
      wav: the sound.
      spec: filterbank and envelope rate, the latter at most the rate of the sound.

    Returns:
      Envelopes >= 0, low to high channel, t = `spec.frames_for(n)`.
    """
    n = wav.shape[0]
    spectrum = jnp.fft.rfft(wav)
    found, channels = [], []
    for raster in plan(spec, n):
        moments = jnp.concatenate([_moments(spectrum, group, raster, n) for group in raster.groups])
        found.append(_steps(moments, raster)[:, : spec.frames_for(n)])
        channels += [channel for group in raster.groups for channel in group.channels]
    return jnp.maximum(jnp.concatenate(found)[np.argsort(channels)], 0)


def _moments(spectrum: Array, group: Group, raster: Raster, n: int) -> Array:
    """Envelopes of a group as products of rows and polynomials, [g, rows, p]; wrapped, one more row at each end."""
    g = len(group.channels)
    envelope = _magnitude(_transform(spectrum, group))
    part = group.row // group.split
    envelope = jnp.pad(envelope, ((0, 0), (0, 0), (0, raster.rows * part - group.points)))
    rows = envelope.reshape(g, group.split, raster.rows, part)
    polynomials = basis(group.row).reshape(part, group.split, MOMENTS)
    products = lambda points, weights: jnp.einsum("gsrq,qsp->grp", points, jnp.asarray(weights, points.dtype))  # noqa: E731
    inner = products(rows, polynomials)
    if not raster.wrapped:
        return inner
    more = np.zeros((2, group.row))
    extra = end_weights(n / (group.points * group.split))
    more[0, -END_POINTS:], more[1, : END_POINTS + 1] = extra[:END_POINTS], extra[END_POINTS:]
    weights = more.reshape(2, part, group.split, 1) * polynomials
    before, after = products(rows[:, :, -1:], weights[0]), products(rows[:, :, :1], weights[1])
    # Time 0 and the end are the same place of the circle; what the sum gains at one it loses at the other.
    first, last = inner[:, :1] + after, inner[:, -1:] - before
    return jnp.concatenate([before, first, inner[:, 1:-1], last, -after], axis=1)


def _transform(spectrum: Array, group: Group) -> Array:
    """Channels moved to frequency 0, [g, split, points]; point j of transform s is number j * split + s of all."""
    width = group.gains.shape[1]
    padded = jnp.pad(spectrum, (0, max(0, max(group.first) + width - len(spectrum))))
    bins = jnp.stack([padded[first : first + width] for first in group.first])
    parts = (bins * jnp.asarray(group.gains, bins.real.dtype))[:, None]
    if group.split > 1:
        turns = np.exp(2j * np.pi / (group.split * group.points) * np.outer(np.arange(group.split), np.arange(width)))
        parts = parts * jnp.asarray(turns, bins.dtype)
    return jnp.fft.ifft(parts, group.points, axis=-1)


def _magnitude(analytic: Array) -> Array:
    """Absolute value whose gradient at 0 is 0."""
    power = analytic.real**2 + analytic.imag**2
    heard = power > 0
    return jnp.where(heard, jnp.sqrt(jnp.where(heard, power, 1.0)), 0.0)


def _steps(moments: Array, raster: Raster) -> Array:
    """Filters rows of moments into envelope steps, [c, t], a few more than wanted."""
    per_block = raster.table.shape[1] // MOMENTS
    shift = int(raster.wrapped)
    left = max(0, -int(raster.starts.min()) - shift)
    right = max(0, int(raster.starts.max()) + per_block - raster.rows - shift)
    padded = jnp.pad(moments, ((0, 0), (left, right), (0, 0)))
    rows = (raster.starts + left + shift)[:, None] + np.arange(per_block)
    blocks = padded[:, rows].reshape(len(moments), len(rows), per_block * MOMENTS)
    table = jnp.asarray(raster.table, moments.dtype)
    if len(table) == 1:
        return (blocks @ table[0]).reshape(len(moments), -1)
    return jnp.einsum("cbp,bps->cbs", blocks, table).reshape(len(moments), -1)
