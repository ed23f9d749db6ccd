"""The table of materials: what each of them looks like, sounds like and does when a stick meets it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """How a material sounds; ranges are (low, high), and every object draws its own values from them.

    A struck object is a sum of damped sinusoids (modal synthesis, van den Doel, Kry and Pai 2001), a click
    and a burst of noise; loose and soft materials are mostly grains and burst.

    Attributes:
      pitch_hz: lowest mode of an object of size 1.
      partials: spacing of the modes, "bar" (free beam), "plate" (even density) or "shell" (bowls, panes).
      modes: number of modes.
      decay: damping in 1/s of a mode at low frequency.
      decay_khz: damping in 1/s that each kilohertz of frequency adds.
      tonal: energy share of the modes.
      click: energy share of the contact click (1-3 ms).
      burst: energy share of the noise burst.
      burst_hz: pass band of burst and scratches.
      burst_s: decay time of the burst.
      grains: energy share of the grains.
      grain_count: grains that follow a hit.
      grain_s: time over which the grains thin out.
      level: peak of a reference hit.
      scratch_level: peak of a reference scratch relative to `level`.
    """

    pitch_hz: tuple[float, float]
    partials: str
    modes: int
    decay: tuple[float, float]
    decay_khz: tuple[float, float]
    tonal: float
    click: float
    burst: float
    burst_hz: tuple[float, float]
    burst_s: tuple[float, float]
    level: float
    grains: float = 0.0
    grain_count: tuple[int, int] = (0, 1)
    grain_s: tuple[float, float] = (0.03, 0.1)
    scratch_level: float = 0.5


@dataclass(frozen=True)
class Material:
    """One material of the world.

    Attributes:
      name: the label written to `<id>_times.txt`, as in Greatest Hits.
      share: how often it is drawn, relative to the others.
      ground: True for what lies as a surface to the frame's border, False for things that stand on one.
      soft: True where the stick sinks in and stays rather than rebounds.
      reactions: label → probability of what a hit does to it.
      voice: its sound.
    """

    name: str
    share: float
    ground: bool
    soft: bool
    reactions: dict[str, float]
    voice: Voice


REACTIONS = ("static", "deform", "rigid-motion", "scatter")

_FIRM = {"static": 0.6, "rigid-motion": 0.4}
_GROUND = {"static": 0.95, "rigid-motion": 0.05}
_SOFT = {"deform": 0.85, "static": 0.15}
_LOOSE = {"scatter": 0.85, "static": 0.15}

_TABLE = (
    Material(
        name="wood",
        share=1.3,
        ground=False,
        soft=False,
        reactions=_FIRM,
        voice=Voice(
            pitch_hz=(170.0, 420.0),
            partials="bar",
            modes=12,
            decay=(28.0, 60.0),
            decay_khz=(12.0, 25.0),
            tonal=0.72,
            click=0.16,
            burst=0.12,
            burst_hz=(300.0, 1800.0),
            burst_s=(0.008, 0.02),
            level=0.5,
        ),
    ),
    Material(
        name="metal",
        share=1.2,
        ground=False,
        soft=False,
        reactions=_FIRM,
        voice=Voice(
            pitch_hz=(260.0, 720.0),
            partials="plate",
            modes=24,
            decay=(3.0, 9.0),
            decay_khz=(0.5, 2.0),
            tonal=0.86,
            click=0.08,
            burst=0.06,
            burst_hz=(3500.0, 9500.0),
            burst_s=(0.004, 0.01),
            level=0.6,
        ),
    ),
    Material(
        name="glass",
        share=0.9,
        ground=False,
        soft=False,
        reactions=_FIRM,
        voice=Voice(
            pitch_hz=(900.0, 1900.0),
            partials="shell",
            modes=9,
            decay=(12.0, 26.0),
            decay_khz=(3.0, 6.0),
            tonal=0.85,
            click=0.12,
            burst=0.03,
            burst_hz=(5000.0, 10000.0),
            burst_s=(0.002, 0.006),
            level=0.45,
        ),
    ),
    Material(
        name="ceramic",
        share=0.9,
        ground=False,
        soft=False,
        reactions=_FIRM,
        voice=Voice(
            pitch_hz=(560.0, 1250.0),
            partials="shell",
            modes=12,
            decay=(32.0, 60.0),
            decay_khz=(6.0, 12.0),
            tonal=0.78,
            click=0.17,
            burst=0.05,
            burst_hz=(1800.0, 4500.0),
            burst_s=(0.003, 0.01),
            level=0.5,
        ),
    ),
    Material(
        name="plastic",
        share=1.0,
        ground=False,
        soft=False,
        reactions={"static": 0.3, "rigid-motion": 0.5, "deform": 0.2},
        voice=Voice(
            pitch_hz=(140.0, 380.0),
            partials="plate",
            modes=10,
            decay=(60.0, 120.0),
            decay_khz=(30.0, 60.0),
            tonal=0.6,
            click=0.14,
            burst=0.26,
            burst_hz=(400.0, 2200.0),
            burst_s=(0.012, 0.03),
            level=0.4,
        ),
    ),
    Material(
        name="rock",
        share=0.9,
        ground=False,
        soft=False,
        reactions={"static": 0.85, "rigid-motion": 0.15},
        voice=Voice(
            pitch_hz=(1100.0, 2400.0),
            partials="plate",
            modes=10,
            decay=(130.0, 240.0),
            decay_khz=(15.0, 30.0),
            tonal=0.5,
            click=0.35,
            burst=0.15,
            burst_hz=(700.0, 3500.0),
            burst_s=(0.003, 0.008),
            level=0.4,
        ),
    ),
    Material(
        name="tile",
        share=0.6,
        ground=True,
        soft=False,
        reactions=_GROUND,
        voice=Voice(
            pitch_hz=(700.0, 1500.0),
            partials="plate",
            modes=14,
            decay=(70.0, 120.0),
            decay_khz=(8.0, 18.0),
            tonal=0.62,
            click=0.28,
            burst=0.1,
            burst_hz=(2500.0, 6500.0),
            burst_s=(0.004, 0.012),
            level=0.45,
        ),
    ),
    Material(
        name="cloth",
        share=1.0,
        ground=False,
        soft=True,
        reactions=_SOFT,
        voice=Voice(
            pitch_hz=(70.0, 140.0),
            partials="plate",
            modes=4,
            decay=(60.0, 110.0),
            decay_khz=(80.0, 140.0),
            tonal=0.35,
            click=0.03,
            burst=0.62,
            burst_hz=(60.0, 500.0),
            burst_s=(0.02, 0.05),
            level=0.2,
        ),
    ),
    Material(
        name="carpet",
        share=0.5,
        ground=True,
        soft=True,
        reactions={"static": 0.8, "deform": 0.2},
        voice=Voice(
            pitch_hz=(110.0, 220.0),
            partials="plate",
            modes=5,
            decay=(80.0, 140.0),
            decay_khz=(60.0, 120.0),
            tonal=0.4,
            click=0.08,
            burst=0.52,
            burst_hz=(150.0, 1100.0),
            burst_s=(0.012, 0.03),
            level=0.24,
        ),
    ),
    Material(
        name="paper",
        share=0.9,
        ground=False,
        soft=True,
        reactions=_SOFT,
        voice=Voice(
            pitch_hz=(160.0, 380.0),
            partials="plate",
            modes=6,
            decay=(90.0, 160.0),
            decay_khz=(50.0, 90.0),
            tonal=0.12,
            click=0.13,
            burst=0.55,
            burst_hz=(900.0, 5000.0),
            burst_s=(0.02, 0.05),
            grains=0.2,
            grain_count=(12, 40),
            grain_s=(0.02, 0.07),
            level=0.32,
            scratch_level=0.7,
        ),
    ),
    Material(
        name="gravel",
        share=0.9,
        ground=True,
        soft=False,
        reactions=_LOOSE,
        voice=Voice(
            pitch_hz=(900.0, 2000.0),
            partials="plate",
            modes=8,
            decay=(180.0, 320.0),
            decay_khz=(20.0, 40.0),
            tonal=0.12,
            click=0.13,
            burst=0.2,
            burst_hz=(800.0, 8000.0),
            burst_s=(0.01, 0.03),
            grains=0.55,
            grain_count=(25, 80),
            level=0.4,
            scratch_level=0.8,
        ),
    ),
    Material(
        name="dirt",
        share=0.9,
        ground=True,
        soft=True,
        reactions={"scatter": 0.65, "static": 0.35},
        voice=Voice(
            pitch_hz=(80.0, 160.0),
            partials="plate",
            modes=4,
            decay=(90.0, 160.0),
            decay_khz=(80.0, 140.0),
            tonal=0.3,
            click=0.05,
            burst=0.45,
            burst_hz=(80.0, 800.0),
            burst_s=(0.012, 0.035),
            grains=0.2,
            grain_count=(8, 30),
            grain_s=(0.02, 0.07),
            level=0.3,
        ),
    ),
    Material(
        name="grass",
        share=0.9,
        ground=True,
        soft=True,
        reactions={"deform": 0.9, "static": 0.1},
        voice=Voice(
            pitch_hz=(90.0, 180.0),
            partials="plate",
            modes=3,
            decay=(90.0, 150.0),
            decay_khz=(80.0, 140.0),
            tonal=0.08,
            click=0.02,
            burst=0.6,
            burst_hz=(3000.0, 9500.0),
            burst_s=(0.03, 0.08),
            grains=0.3,
            grain_count=(15, 50),
            grain_s=(0.03, 0.08),
            level=0.16,
            scratch_level=0.8,
        ),
    ),
    Material(
        name="leaf",
        share=1.0,
        ground=True,
        soft=True,
        reactions={"scatter": 0.5, "deform": 0.4, "static": 0.1},
        voice=Voice(
            pitch_hz=(120.0, 240.0),
            partials="plate",
            modes=3,
            decay=(110.0, 180.0),
            decay_khz=(80.0, 140.0),
            tonal=0.06,
            click=0.07,
            burst=0.15,
            burst_hz=(2200.0, 9000.0),
            burst_s=(0.015, 0.04),
            grains=0.72,
            grain_count=(10, 28),
            grain_s=(0.06, 0.14),
            level=0.3,
            scratch_level=0.9,
        ),
    ),
)

MATERIALS: dict[str, Material] = {material.name: material for material in _TABLE}
