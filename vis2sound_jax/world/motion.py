"""What happens in a recording and when: the strokes, and the paths of tip and hand that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64

from vis2sound_jax.world.materials import MATERIALS

Rng = np.random.Generator
Times = Float64[np.ndarray, "*t"]
Path = Float64[np.ndarray, "*t 2"]

# Share of scratches in a recording, and how often: 31 % in all, as in Greatest Hits.
_SCRATCHY, _SCRATCHY_SHARES = (0.0, 0.25, 0.9), (0.42, 0.34, 0.24)


@dataclass(frozen=True)
class Target:
    """A thing or surface that the stick plays.

    Attributes:
      material: its name in `materials.MATERIALS`.
      centre: middle of the region that is hit, in image heights (x right, y down).
      reach: half width and half height of that region, in image heights.
      size: object size, 1 = middling; lowers the pitch.
    """

    material: str
    centre: tuple[float, float]
    reach: tuple[float, float]
    size: float


@dataclass(frozen=True)
class Stroke:
    """One approach of the stick: a hit, a scratch or a miss. Times in s, lengths in image heights.

    Attributes:
      time_s: contact (hit, scratch) or closest approach (miss).
      action: "hit", "scratch" or "miss" (silent, not annotated).
      reaction: one of `materials.REACTIONS`.
      target: index of the target.
      point: where it lands.
      lift: height from which the tip comes down.
      descent_s: how long the way down takes.
      power: the way down is 1 - u**power of the lift, so the tip arrives at power * lift / descent_s.
      gap: height at which a miss turns round; 0 otherwise.
      stay_s: how long the tip stays down.
      slide: way of a scratch along the surface, (dx, dy).
      chained: True when the tip was down already, at the end of the scratch before.
    """

    time_s: float
    action: str
    reaction: str
    target: int
    point: tuple[float, float]
    lift: float
    descent_s: float
    power: float
    gap: float
    stay_s: float
    slide: tuple[float, float]
    chained: bool

    @property
    def speed(self) -> float:
        """Speed of arrival (hit) or the top speed of the slide (scratch), image heights per second."""
        if self.action == "scratch":
            return float(np.hypot(*self.slide) * np.pi / 2 / self.stay_s)
        return self.power * self.lift / self.descent_s


@dataclass(frozen=True)
class Gesture:
    """How one player moves; lengths in image heights.

    Attributes:
      up: image direction of "away from the surface", scaled by the perspective.
      entry: unit vector from the contact to the hand.
      stick: length of the stick from tip to hand.
      tilt: how far above the surface the hand is at contact.
      follow: share of the tip's lift that the hand makes too (the rest is wrist).
      withdraw: how far the hand goes back along `entry` between strokes.
      sway: amplitude of the idle wobble.
    """

    up: tuple[float, float]
    entry: tuple[float, float]
    stick: float
    tilt: float
    follow: float
    withdraw: float
    sway: float


def draw_times(rng: Rng, seconds: float) -> list[float]:
    """Draws irregular contact times, 0.4-1.5 s apart with a rare longer pause, at most 12 in 10 s.

    Args:
      rng: source of randomness.
      seconds: length of the recording.
    """
    first, last = min(rng.uniform(0.5, 1.2), 0.3 * seconds), seconds - min(0.35, 0.1 * seconds)
    tempo = rng.uniform(0.65, 1.3)
    times = [first]
    while True:
        gap = np.clip(tempo * rng.lognormal(0, 0.25), 0.4, 1.5)
        if rng.random() < 0.06:
            gap += rng.uniform(0.6, 1.6)
        if times[-1] + gap > last or len(times) >= round(1.2 * seconds):
            return times
        times.append(times[-1] + gap)


def _draw_point(rng: Rng, target: Target) -> tuple[float, float]:
    turn, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
    return (
        float(target.centre[0] + np.cos(turn) * radius * target.reach[0]),
        float(target.centre[1] + np.sin(turn) * radius * target.reach[1]),
    )


def _choose_action(rng: Rng, scratchy: float, misses_left: int) -> str:
    if misses_left > 0 and rng.random() < 0.08:
        return "miss"
    return "scratch" if rng.random() < scratchy else "hit"


def plan_strokes(rng: Rng, targets: Sequence[Target], seconds: float, rate_hz: int, *, reach: float) -> list[Stroke]:
    """Draws the strokes of one recording.

    Args:
      rng: source of randomness.
      targets: what may be played.
      seconds: length of the recording.
      rate_hz: contact times are whole samples of this rate, so that the sound can begin exactly there.
      reach: scale of the movements (1 = lifts of 0.1-0.45 image heights).

    Returns:
      Strokes in order of time; at least four in 10 s are heard.
    """
    times = [round(time_s * rate_hz) / rate_hz for time_s in draw_times(rng, seconds)]
    scratchy = float(rng.choice(_SCRATCHY, p=_SCRATCHY_SHARES))
    misses_left = len(times) - max(1, int(0.4 * seconds))
    strokes: list[Stroke] = []
    free_s = 0.0  # when the stick is free to come down again
    for time_s, after_s in zip(times, [*times[1:], seconds], strict=True):
        action = _choose_action(rng, scratchy, misses_left)
        misses_left -= action == "miss"
        index = int(rng.integers(len(targets)))
        stroke = _draw_stroke(rng, action, targets[index], time_s, time_s - free_s, after_s - time_s, reach)
        stroke = replace(stroke, target=index, reaction=_draw_reaction(rng, action, targets[index]))
        if action == "scratch" and strokes and strokes[-1].action == "scratch" and rng.random() < 0.5:
            stroke = _way_back(strokes[-1], stroke)
        strokes.append(stroke)
        free_s = time_s + stroke.stay_s
    return strokes


def _draw_reaction(rng: Rng, action: str, target: Target) -> str:
    kinds = MATERIALS[target.material].reactions
    return str(rng.choice(list(kinds), p=list(kinds.values()))) if action == "hit" else "static"


def _draw_stroke(
    rng: Rng, action: str, target: Target, time_s: float, before_s: float, room_s: float, reach: float
) -> Stroke:
    """Draws one stroke on a target that has `before_s` to come down and `room_s` until the next one."""
    lift = rng.uniform(0.15, 0.5) * reach
    descent_s = min(rng.uniform(0.08, 0.16) + 0.25 * lift * rng.random(), 0.55 * before_s)
    gap, stay_s, slide = 0.0, 0.0, (0.0, 0.0)
    if action == "scratch":
        lift, descent_s = 0.5 * lift, min(2 * descent_s, 0.55 * before_s)
        stay_s = float(np.clip(rng.uniform(0.22, 0.5), 0.15, 0.6 * room_s))
        way, turn = rng.uniform(0.2, 0.45) * reach, rng.normal(0, 0.5) + (np.pi if rng.random() < 0.5 else 0)
        slide = (float(way * np.cos(turn)), float(0.6 * way * np.sin(turn)))
    elif action == "miss":
        gap = rng.uniform(0.25, 0.6) * lift + 0.03
        lift += gap
    elif MATERIALS[target.material].soft or rng.random() < 0.5:
        stay_s = float(min(rng.uniform(0.05, 0.35), 0.4 * room_s))
    return Stroke(
        time_s=time_s,
        action=action,
        reaction="static",
        target=0,
        point=_draw_point(rng, target),
        lift=float(lift),
        descent_s=float(descent_s),
        power=rng.uniform(1.6, 2.4),
        gap=float(gap),
        stay_s=stay_s,
        slide=slide,
        chained=False,
    )


def _way_back(previous: Stroke, stroke: Stroke) -> Stroke:
    """Makes a scratch the way back of the one before it, without lifting the stick."""
    return replace(
        stroke,
        target=previous.target,
        point=(previous.point[0] + previous.slide[0], previous.point[1] + previous.slide[1]),
        slide=(-previous.slide[0], -previous.slide[1]),
        lift=0.0,
        chained=True,
    )


def _releases(strokes: Sequence[Stroke]) -> list[float]:
    """When the stick leaves the surface after each stroke, s; at the next one where the two are chained."""
    ends = [stroke.time_s + stroke.stay_s for stroke in strokes]
    followers = list(strokes[1:]) + [None]
    return [after.time_s if after and after.chained else end for end, after in zip(ends, followers, strict=True)]


def _ease(u: Times) -> Times:
    u = np.clip(u, 0, 1)
    return u * u * (3 - 2 * u)


def height_at(strokes: Sequence[Stroke], times: Times) -> Times:
    """Height of the tip over the surface at the given times, in image heights; 0 is contact.

    Args:
      strokes: in the order of time.
      times: when, in seconds.
    """
    height = np.full(times.shape, strokes[0].lift)
    for place, (stroke, release) in enumerate(zip(strokes, _releases(strokes), strict=True)):
        u = (times - stroke.time_s) / stroke.descent_s + 1
        down = stroke.gap + (stroke.lift - stroke.gap) * (1 - np.clip(u, 0, 1) ** stroke.power)
        height = np.where((u >= 0) | (times >= stroke.time_s), down, height)
        after = strokes[place + 1] if place + 1 < len(strokes) else stroke
        goal = max(0.15, stroke.lift) if after is stroke else after.lift
        until = release + 0.5 if after is stroke else after.time_s - after.descent_s
        u = (times - release) / max(1e-3, min(0.35, until - release))
        # A rebound leaves the surface at speed; a stick that rested is lifted gently.
        rise = np.sin(np.pi / 2 * np.clip(u, 0, 1)) if stroke.stay_s == 0 else _ease(u)
        height = np.where(u > 0, stroke.gap + (goal - stroke.gap) * rise, height)
    return height


def contact_at(strokes: Sequence[Stroke], times: Times) -> Path:
    """Point of the surface under the tip, in image heights: slides in scratches, moves between strokes.

    Args:
      strokes: in the order of time.
      times: when, in seconds.
    """
    foot = np.broadcast_to(np.asarray(strokes[0].point), (*times.shape, 2)).copy()
    for stroke, after, release in zip(strokes, [*strokes[1:], strokes[-1]], _releases(strokes), strict=True):
        since = (times - stroke.time_s)[..., None]
        sliding = (1 - np.cos(np.pi * np.clip(since / max(stroke.stay_s, 1e-6), 0, 1))) / 2
        slide, start = np.asarray(stroke.slide), np.asarray(stroke.point)
        foot = np.where(since >= 0, start + slide * sliding, foot)
        if after is stroke or after.chained:
            continue
        arrive = after.time_s - 0.3 * after.descent_s
        moved = _ease((times - release) / max(1e-3, arrive - release))[..., None]
        way = np.asarray(after.point) - start - slide
        foot = np.where((times > release)[..., None], start + slide + way * moved, foot)
    return foot


def withdrawal_at(strokes: Sequence[Stroke], times: Times, gesture: Gesture) -> Times:
    """How far the hand has gone back between strokes, in image heights; 0 at every stroke.

    Args:
      strokes: in the order of time.
      times: when, in seconds.
      gesture: how far the player's hand goes back.
    """
    away = np.ones(times.shape)
    for stroke, release in zip(strokes, _releases(strokes), strict=True):
        coming = np.clip((stroke.time_s - times) / (1.5 * stroke.descent_s), 0, 1)
        going = np.clip((times - release - 0.05) / 0.3, 0, 1)
        away = np.minimum(away, np.where(times < stroke.time_s, 1 - (1 - coming) ** 2, _ease(going)))
    return gesture.withdraw * away


def tip_and_hand(rng: Rng, strokes: Sequence[Stroke], gesture: Gesture, times: Times) -> tuple[Path, Path, Times]:
    """Paths of the stick in the image.

    Args:
      rng: source of the idle wobble.
      strokes: the plan.
      gesture: how the player moves.
      times: seconds, any shape.

    Returns:
      tip [*t, 2], hand [*t, 2] and the tip's height over the surface [*t], in image heights. The tip is on
      the point of contact exactly while its height is 0.
    """
    up, entry = np.asarray(gesture.up), np.asarray(gesture.entry)
    height = height_at(strokes, times)
    lift, foot = height[..., None], contact_at(strokes, times)
    back = withdrawal_at(strokes, times, gesture)[..., None] * entry
    phase = rng.uniform(0, 2 * np.pi, (3, 2))
    pace = rng.uniform(0.4, 2.2, (3, 2))
    wobble = gesture.sway * np.sin(2 * np.pi * pace * times[..., None, None] + phase).mean(-2)
    tip = foot + lift * up + back + wobble * np.minimum(1, lift / 0.1)
    rest = foot + gesture.stick * entry + gesture.tilt * up
    hand = rest + gesture.follow * lift * up + back * 1.1 + wobble
    return tip, hand, height


def noise_path(rng: Rng, times: Float[np.ndarray, "t"], amplitude: float, low_hz: float, high_hz: float) -> Path:
    """A smooth random path around 0, five sinusoids a direction.

    Args:
      rng: source of randomness.
      times: when, in seconds.
      amplitude: root mean square of each coordinate, in the unit wanted.
      low_hz: slowest sinusoid.
      high_hz: fastest sinusoid.

    Returns:
      One point (x, y) a time.
    """
    pace, phase = rng.uniform(low_hz, high_hz, (5, 2)), rng.uniform(0, 2 * np.pi, (5, 2))
    return amplitude * np.sin(2 * np.pi * pace * times[:, None, None] + phase).sum(1) * np.sqrt(2 / 5)
