"""Frames as arrays: size, crop, normalisation and augmentation (pure, numpy and PIL)."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageEnhance

# Mean and standard deviation of red, green and blue in [0, 1].
ImageStatistics = tuple[tuple[float, float, float], tuple[float, float, float]]
IMAGENET: ImageStatistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
KINETICS: ImageStatistics = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))

_JITTERS = {
    "brightness": ImageEnhance.Brightness,
    "saturation": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
}
_JITTER_ORDER = (*_JITTERS, "hue")


@dataclass(frozen=True)
class Augmentation:
    """One draw of the training augmentation of colour clips, shared by all frames of a clip.

    Attributes:
      box: crop in the source frame: left, top, right, bottom in pixels.
      size: rows and columns after the crop is scaled.
      mirror: whether left and right change places.
      jitter: names and factors in the order applied: brightness, saturation and contrast are blended with
        black, grey and mean grey (1 leaves them), hue is a turn of the colour circle (0 leaves it).
    """

    box: tuple[int, int, int, int]
    size: int
    mirror: bool
    jitter: tuple[tuple[str, float], ...]

    @property
    def numbers(self) -> Float32[np.ndarray, "13"]:
        """The draw but for the size, in the order of `models.views.COLOUR_NUMBERS`."""
        kinds, factors = [_JITTER_ORDER.index(name) for name, _ in self.jitter], [by for _, by in self.jitter]
        return np.array([*self.box, self.mirror, *kinds, *factors], np.float32)


@dataclass(frozen=True)
class GreyAugmentation:
    """One draw of the cheap augmentation of grey clips, shared by all frames of a clip.

    Attributes:
      box: crop in the source frame: left, top, right, bottom in pixels.
      mirror: whether left and right change places.
      gain: factor on the brightness.
      contrast: factor on the distance from mid-grey.
      gamma: exponent on the brightness in [0, 1].
      noise: largest error added to a pixel, in grey levels.
      seed: of the noise.
      negative: whether light and dark change places afterwards.
    """

    box: tuple[float, float, float, float]
    mirror: bool
    gain: float
    contrast: float
    gamma: float
    noise: int
    seed: int
    negative: bool = False

    @property
    def numbers(self) -> Float32[np.ndarray, "10"]:
        """The draw but for the seed, in the order of `models.views.GREY_NUMBERS`."""
        light = (self.gain, self.contrast, self.gamma, self.noise)
        return np.array([*self.box, self.mirror, self.negative, *light], np.float32)


def resize(frames: UInt8[np.ndarray, "t h w *c"], height: int, width: int) -> UInt8[np.ndarray, "t i j *c"]:
    """Stretches frames with PIL's antialiased bicubic filter, as the published preprocessing does.

    Args:
      frames: colour or grey frames.
      height: wanted rows.
      width: wanted columns.

    Returns:
      The frames at the new size; the aspect ratio is not kept.
    """
    return np.stack([np.asarray(Image.fromarray(frame).resize((width, height))) for frame in frames])


def centre_crop(frames: UInt8[np.ndarray, "t h w *c"], height: int, width: int) -> UInt8[np.ndarray, "t i j *c"]:
    """Cuts out the middle; an odd rest is split as torchvision does, by rounding half to even.

    Args:
      frames: colour or grey frames, at least as large as the crop.
      height: rows to keep.
      width: columns to keep.

    Returns:
      A view of the middle.
    """
    top = round((frames.shape[1] - height) / 2.0)
    left = round((frames.shape[2] - width) / 2.0)
    return frames[:, top : top + height, left : left + width]


def normalise(frames: UInt8[np.ndarray, "t h w 3"], statistics: ImageStatistics) -> Float32[np.ndarray, "t h w 3"]:
    """Scales red, green and blue to zero mean and unit deviation over a data set.

    Args:
      frames: colour frames.
      statistics: means and deviations of the data set a network was trained on, e.g. `IMAGENET`.

    Returns:
      (frames / 255 - mean) / deviation.
    """
    mean, deviation = np.asarray(statistics, np.float32)
    return (frames.astype(np.float32) / np.float32(255.0) - mean) / deviation


def condfoley_eval_transform(frames: UInt8[np.ndarray, "t h w 3"]) -> Float32[np.ndarray, "t 112 112 3"]:
    """Prepares frames as CondFoleyGen does for evaluation and generation.

    Stretched to 128 x 128, cut to the middle 112 x 112, scaled by ImageNet's statistics (code of Du et al.
    2023). The network behind was trained on Kinetics, yet released weights need exactly this.

    Args:
      frames: colour frames of any size.

    Returns:
      Normalised frames.
    """
    return normalise(centre_crop(resize(frames, 128, 128), 112, 112), IMAGENET)


def grey(frames: UInt8[np.ndarray, "*t h w 3"]) -> UInt8[np.ndarray, "*t h w"]:
    """Turns colour into luminance, 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).

    Args:
      frames: colour frames.

    Returns:
      Grey frames, equal to PIL's mode L.
    """
    weights = np.array([19595, 38470, 7471], np.uint32)  # PIL's fixed point, in 1/65536
    return ((frames.astype(np.uint32) @ weights + 32768) >> 16).astype(np.uint8)


def sample_augmentation(rng: np.random.Generator, height: int, width: int, *, size: int = 112) -> Augmentation:
    """Draws CondFoleyGen's training augmentation (Du et al. 2023, released code), once per clip.

    A random resized crop (half to all of the area, aspect 3:4 to 4:3), a mirror image half of the time, and
    brightness and saturation within 40 %, contrast within 20 % and hue within 10 % in random order.

    Args:
      rng: source of randomness.
      height: rows of the frames (128 in the paper).
      width: columns of the frames.
      size: rows and columns of the result.

    Returns:
      The draw, for `apply_augmentation`.
    """
    factors = [
        ("brightness", rng.uniform(0.6, 1.4)),
        ("saturation", rng.uniform(0.6, 1.4)),
        ("contrast", rng.uniform(0.8, 1.2)),
        ("hue", rng.uniform(-0.1, 0.1)),
    ]
    order = rng.permutation(len(factors))
    return Augmentation(
        box=_random_box(rng, height, width),
        size=size,
        mirror=bool(rng.random() < 0.5),
        jitter=tuple(factors[k] for k in order),
    )


def apply_augmentation(
    frames: UInt8[np.ndarray, "t h w 3"], params: Augmentation
) -> UInt8[np.ndarray, "t size size 3"]:
    """Applies one draw to all frames of a clip.

    Args:
      frames: colour frames of the size the draw was made for.
      params: the draw.

    Returns:
      Augmented frames, still to be normalised.
    """
    return np.stack([_augmented(Image.fromarray(frame), params) for frame in frames])


def sample_grey_augmentation(rng: np.random.Generator, height: int, width: int) -> GreyAugmentation:
    """Draws the cheap augmentation of grey clips, once per clip.

    A window of 70 to 100 % of the height and about as much of the width, a mirror image half of the time,
    gain within 20 %, contrast within 30 %, gamma from 0.6 to 1.6 and noise of up to 4 grey levels.

    Args:
      rng: source of randomness.
      height: rows of the frames.
      width: columns of the frames.

    Returns:
      The draw, for `apply_grey_augmentation`.
    """
    zoom, stretch = rng.uniform(0.7, 1.0), rng.uniform(0.85, 1.18)
    rows, columns = height * zoom, width * min(1.0, zoom * stretch)
    top, left = rng.uniform(0, height - rows), rng.uniform(0, width - columns)
    return GreyAugmentation(
        box=(left, top, left + columns, top + rows),
        mirror=bool(rng.random() < 0.5),
        gain=rng.uniform(0.8, 1.2),
        contrast=rng.uniform(0.7, 1.3),
        gamma=1.6 ** rng.uniform(-1.0, 1.0),
        noise=int(rng.integers(0, 5)),
        seed=int(rng.integers(2**31)),
    )


def apply_grey_augmentation(
    frames: UInt8[np.ndarray, "t h w *c"], params: GreyAugmentation
) -> UInt8[np.ndarray, "t h w *c"]:
    """Applies one draw to all frames of a clip; the size stays.

    Args:
      frames: frames of the size the draw was made for, grey or, with all colours changed alike, in colour.
      params: the draw.

    Returns:
      Augmented frames.
    """
    size, bilinear = frames.shape[2:0:-1], Image.Resampling.BILINEAR
    clip = np.stack([np.asarray(Image.fromarray(frame).resize(size, bilinear, params.box)) for frame in frames])
    if params.mirror:
        clip = clip[:, :, ::-1]
    level = params.gain * np.linspace(0.0, 1.0, 256) ** params.gamma
    table = 255.0 * (0.5 + params.contrast * (level - 0.5))
    noise = np.random.default_rng(params.seed).integers(
        -params.noise, params.noise, clip.shape, np.int16, endpoint=True
    )
    clip = np.clip(table.round().astype(np.int16)[clip] + noise, 0, 255).astype(np.uint8)
    return 255 - clip if params.negative else clip


def _random_box(rng: np.random.Generator, height: int, width: int) -> tuple[int, int, int, int]:
    """Torchvision's RandomResizedCrop: ten tries at area and aspect, then the largest middle crop allowed."""
    smallest, largest = 3.0 / 4.0, 4.0 / 3.0
    for _ in range(10):
        area = height * width * rng.uniform(0.5, 1.0)
        aspect = math.exp(rng.uniform(math.log(smallest), math.log(largest)))
        columns, rows = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < columns <= width and 0 < rows <= height:
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            return left, top, left + columns, top + rows
    columns, rows = min(width, round(height * largest)), min(height, round(width / smallest))
    left, top = (width - columns) // 2, (height - rows) // 2
    return left, top, left + columns, top + rows


def _augmented(image: Image.Image, params: Augmentation) -> np.ndarray:
    image = image.crop(params.box).resize((params.size, params.size), Image.Resampling.BILINEAR)
    if params.mirror:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for name, factor in params.jitter:
        image = _turn_hue(image, factor) if name == "hue" else _JITTERS[name](image).enhance(factor)
    return np.asarray(image)


def _turn_hue(image: Image.Image, turn: float) -> Image.Image:
    """Turns the colour circle by a fraction of it, in 256 steps."""
    hue, saturation, value = image.convert("HSV").split()
    hue = hue.point([(level + int(turn * 255)) % 256 for level in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")
