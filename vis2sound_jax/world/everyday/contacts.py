"""When a thing makes contact, and how high it is lifted between: what hammers, sticks, hands, knives and jaws share."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from vis2sound_jax.world.everyday.cast import Cast, Moments, Rng, log_uniform

# Ways of playing: share, shortest and longest time between contacts in seconds, spread of its logarithm.
_STYLES = ((0.35, 0.22, 1.3, 0.06), (0.35, 0.3, 1.4, 0.5), (0.12, 0.12, 0.25, 0.08), (0.18, 1.2, 3.0, 0.4))
_LEAST_S = 0.11
_SHARE_OF_MISSES = (0.0, 0.0, 0.15, 0.4)


class Contacts(NamedTuple):
    """The contacts of one thing.

    Attributes:
      times_s: [k] when, in seconds, ascending; some lie after the film.
      missed: [k] True where it only comes near and turns smoothly, which is not heard.
    """

    times_s: Float[np.ndarray, "k"]
    missed: Bool[np.ndarray, "k"]

    @property
    def heard_s(self) -> Float[np.ndarray, "j"]:
        """Times of those that are heard."""
        return self.times_s[~self.missed]


def draw_contacts(rng: Rng, end_s: float, *, misses: bool = True) -> Contacts:
    """Draws contacts in a beat, at irregular times, as a roll, or few.

    Args:
      rng: source of randomness.
      end_s: end of the film; contacts go on for a second more.
      misses: whether some may be missed.

    Returns:
      The contacts, at least one.
    """
    shares = [style[0] for style in _STYLES]
    _, shortest, longest, spread = _STYLES[int(rng.choice(len(_STYLES), p=shares))]
    period, time_s = log_uniform(rng, shortest, longest), rng.uniform(-0.3, 1.2)
    times: list[float] = []
    while time_s < end_s + 1 or not times:
        times.append(time_s)
        time_s += max(_LEAST_S, period * np.exp(rng.normal(0, spread)))
        if rng.random() < 0.04:
            time_s += rng.uniform(0.5, 2)
    missed = rng.random(len(times)) < (rng.choice(_SHARE_OF_MISSES) if misses else 0.0)
    return Contacts(np.array(times), missed)


def draw_lift(rng: Rng, moments: Moments, contacts: Contacts) -> Moments:
    """Draws how high a thing is lifted: it stops or turns at once at contacts, and smoothly elsewhere.

    Args:
      rng: source of randomness.
      moments: times in seconds.
      contacts: of the thing.

    Returns:
      Height, 0 at contact and about 1 before it.
    """
    rest = float(rng.choice([1.0, rng.uniform(0.1, 1), 0.05]))
    fall_s, power = log_uniform(rng, 0.035, 0.28), rng.uniform(1.2, 3)
    dwell_s = float(rng.choice([0.0, rng.uniform(0, 0.06), rng.uniform(0.05, 0.5)]))
    bounces, spread = rng.random() < 0.45, float(rng.choice([0.1, 0.45]))
    lift, times = np.full(moments.shape, rest), contacts.times_s
    gaps = np.diff(times, prepend=times[0] - 9, append=times[-1] + 9)
    for k, time_s in enumerate(times):
        before_s, after_s = gaps[k], gaps[k + 1]
        if contacts.missed[k]:
            _turn(rng, lift, moments, time_s, min(0.5 * before_s, 0.5 * after_s, rng.uniform(0.25, 0.6)), rest)
            continue
        height, fall = np.exp(rng.normal(0, spread)), min(fall_s, 0.45 * before_s)
        _strike(lift, moments, time_s, height, fall, power, rest)
        dwell = min(dwell_s, 0.3 * after_s)
        rise = min(log_uniform(rng, 0.08, 0.5), 0.5 * (after_s - dwell))
        _leave(lift, moments, time_s, dwell, rise, rest, bounces=bounces)
    return lift


def _turn(rng: Rng, lift: Moments, moments: Moments, time_s: float, half_s: float, rest: float) -> None:
    """Comes near and goes away again."""
    near, lowest = np.abs(moments - time_s) < half_s, rng.uniform(0.15, 0.5)
    swing = rest + (lowest - rest) * (0.5 + 0.5 * np.cos(np.pi * (moments[near] - time_s) / half_s))
    lift[near] = np.minimum(lift[near], swing)


def _strike(
    lift: Moments, moments: Moments, time_s: float, height: float, fall_s: float, power: float, rest: float
) -> None:
    """Is lifted smoothly, then falls faster and faster until contact."""
    begin_s, top_s = time_s - 2.2 * fall_s, time_s - fall_s
    up = (moments >= begin_s) & (moments < top_s)
    lift[up] = rest + (height - rest) * (0.5 - 0.5 * np.cos(np.pi * (moments[up] - begin_s) / (1.2 * fall_s)))
    down = (moments >= top_s) & (moments < time_s)
    lift[down] = height * (1 - ((moments[down] - top_s) / fall_s) ** power)


def _leave(
    lift: Moments, moments: Moments, time_s: float, dwell_s: float, rise_s: float, rest: float, *, bounces: bool
) -> None:
    """Stays a while, then goes back to rest: at once, or slowly at first."""
    lift[(moments >= time_s) & (moments < time_s + dwell_s)] = 0
    begin_s = time_s + dwell_s
    up = (moments >= begin_s) & (moments < begin_s + rise_s)
    part = (moments[up] - begin_s) / rise_s
    lift[up] = rest * (part**0.7 if bounces else 0.5 - 0.5 * np.cos(np.pi * part))


def draw_tremble(rng: Rng, moments: Moments, contacts: Contacts, size: float) -> Moments:
    """Draws how a struck thing trembles.

    Args:
      rng: source of randomness.
      moments: times in seconds.
      contacts: with the thing.
      size: about how far.

    Returns:
      Its displacement.
    """
    rate_hz, decay_s, moved = log_uniform(rng, 3, 14), log_uniform(rng, 0.03, 0.25), np.zeros(moments.shape)
    for time_s in contacts.heard_s:
        since = np.maximum(moments - time_s, 0)
        moved += rng.normal(1, 0.3) * np.exp(-since / decay_s) * np.sin(2 * np.pi * rate_hz * since)
    return size * moved


def play(cast: Cast, *, misses: bool = True) -> tuple[Contacts, Moments]:
    """Draws contacts and lift of a thing, and notes down what is heard.

    Args:
      cast: of the film.
      misses: see `draw_contacts`.

    Returns:
      Its contacts, and its height over contact.
    """
    contacts = draw_contacts(cast.rng, cast.end_s, misses=misses)
    cast.events += list(contacts.heard_s)
    return contacts, draw_lift(cast.rng, cast.moments, contacts)
