"""Exemplars: impacts of the training recordings with their sounds, kept on disk (Owens et al. 2016, section 5.2)."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Bool, Float, Float16, Float32, Int, Int16

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.retrieval.impact_pieces import FULL_SCALE
from vis2sound_jax.retrieval.laying import Sound, lay, shaped
from vis2sound_jax.retrieval.nearest import nearest_l1
from vis2sound_jax.whole import replacing_folder

_SETTINGS = "exemplars.json"
_VERSION = 2
"""Of what is written; the sounds of the first one were all of one length, around a peak and not from an attack."""
_MAPPED = ("features", "wavs")
_SMALL = "wavs.flac"
_ARRAYS = (*_MAPPED, "lengths", "attacks", "attack_s", "times_s")


@dataclasses.dataclass(frozen=True)
class ExemplarBank:
    """Impacts with their features, sounds and labels; arrays may be mapped from disk.

    Attributes:
      features: compressed envelopes of the clip around each impact.
      wavs: the sounds of all impacts one after another, as `impact_pieces.cut_impacts` cuts them.
      lengths: samples of each sound.
      attacks: sample of each sound at which it begins.
      attack_s: time of that sample in its recording, in seconds.
      times_s: time of each impact in its recording, in seconds: a peak of amplitude, which comes after the attack, or
        what is annotated. Features are centred on it.
      ids: recording of each impact.
      labels: lists of one label an impact, by their kind, such as "material".
      rate_hz: sample rate of the sounds.
    """

    features: Float16[np.ndarray, "e t c"]
    wavs: Int16[np.ndarray, "n"]
    lengths: Int[np.ndarray, "e"]
    attacks: Int[np.ndarray, "e"]
    attack_s: Float[np.ndarray, "e"]
    times_s: Float[np.ndarray, "e"]
    ids: Sequence[str]
    labels: Mapping[str, Sequence[str]]
    rate_hz: int

    def __post_init__(self) -> None:
        counts = {name: len(getattr(self, name)) for name in (*_ARRAYS, "ids") if name != "wavs"}
        counts |= {kind: len(names) for kind, names in self.labels.items()}
        if len(set(counts.values())) != 1:
            raise ValueError(f"an exemplar has one entry of each kind, but there are {counts}")
        if len(self.wavs) != self.lengths.sum():
            raise ValueError(f"the sounds have {len(self.wavs)} samples, but their lengths say {self.lengths.sum()}")

    def __len__(self) -> int:
        return len(self.ids)

    def wav(self, index: int) -> Float32[np.ndarray, "n"]:
        """Returns the sound of an exemplar in [-1, 1], as long as `lengths` says."""
        first = int(self.lengths[:index].sum())
        return self.wavs[first : first + self.lengths[index]].astype(np.float32) / FULL_SCALE

    def lay(
        self, chosen: Int[np.ndarray, "k"], times_s: Float[np.ndarray, "k"], length: int
    ) -> Float32[np.ndarray, "n"]:
        """Lays exemplars so that their peaks of amplitude lie at given times.

        Each begins as long before its time as it did in its own recording: a dull sound peaks later than a bright one,
        so a fixed lead would move one of them.

        Args:
          chosen: index of each exemplar.
          times_s: the times, in seconds, in any order; what lies outside the soundtrack is not heard.
          length: samples of the soundtrack, at `rate_hz`.

        Returns:
          The soundtrack, n = length. Sounds ring on under each other, so it may be louder than 1.
        """
        late_s = (self.times_s - self.attack_s)[chosen]
        begin_s = np.asarray(times_s, np.float64) - late_s
        sounds = ((float(at), 1.0, self._shaped(int(k))) for at, k in zip(begin_s, chosen, strict=True))
        return lay(sounds, self.rate_hz, length, 1)[:, 0]

    def _shaped(self, index: int) -> Sound:
        return shaped(self.wav(index)[:, None], int(self.attacks[index]), self.rate_hz, self.rate_hz)

    def candidates(self, *, without: str | None = None, **labels: str) -> Bool[np.ndarray, "e"]:
        """Marks the exemplars that may be found.

        Args:
          without: id of a recording to leave out.
          **labels: wanted label of a kind, such as `material="wood"`.

        Returns:
          True where an exemplar may be found.

        Raises:
          UserError: for a kind of label that the exemplars do not have.
        """
        mask = np.array([name != without for name in self.ids], bool)
        for kind, label in labels.items():
            if kind not in self.labels:
                raise UserError(f"exemplars have no {kind}; choose from {', '.join(sorted(self.labels)) or 'nothing'}")
            mask &= np.array([name == label for name in self.labels[kind]], bool)
        return mask

    def nearest(
        self,
        queries: Float[np.ndarray, "q w c"],
        *,
        offset: int = 0,
        candidates: Bool[np.ndarray, "*q e"] | None = None,
    ) -> tuple[Int[np.ndarray, "q"], Float32[np.ndarray, "q"]]:
        """Finds the exemplar nearest to each query; see `nearest.nearest_l1`.

        Args:
          queries: compressed envelopes, w steps of c channels.
          offset: step of the exemplars' clips at which the queries begin.
          candidates: exemplars that may be found, [e] for all queries or [q, e]; all by default.

        Returns:
          Index of each nearest exemplar and its distance.
        """
        return nearest_l1(queries, self.features, offset=offset, candidates=candidates)

    def only(self, chosen: Sequence[int]) -> "ExemplarBank":
        """Keeps some exemplars.

        Args:
          chosen: index of each that stays, in the order in which they are to stand.

        Returns:
          A smaller bank, in memory.
        """
        at = np.asarray(chosen, int)
        starts = np.cumsum(self.lengths) - self.lengths
        wavs = [np.asarray(self.wavs[starts[k] : starts[k] + self.lengths[k]]) for k in at]
        rows = {name: np.asarray(getattr(self, name))[at] for name in _ARRAYS if name != "wavs"}
        return dataclasses.replace(
            self,
            wavs=np.concatenate([np.zeros(0, np.int16), *wavs]),
            ids=[self.ids[k] for k in at],
            labels={kind: [names[k] for k in at] for kind, names in self.labels.items()},
            **rows,
        )

    def save(self, folder: str | os.PathLike[str], *, small: bool = False) -> None:
        """Writes a folder, whole or not at all; an older bank in its place is replaced.

        Args:
          folder: where to; folders above it are made.
          small: whether sounds are compressed, without loss; they are then read into memory when it is opened.

        Raises:
          UserError: if the folder holds something else, or cannot be written.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / _SETTINGS).exists() and (folder.is_file() or any(folder.iterdir())):
            raise file_error(folder, "holds something other than exemplars", "name a new folder")
        settings = {"version": _VERSION, "rate_hz": self.rate_hz, "ids": list(self.ids)}
        settings["labels"] = {kind: list(names) for kind, names in self.labels.items()}
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with replacing_folder(folder) as made:
                for name in _ARRAYS:
                    if name != "wavs" or not small:
                        np.save(made / f"{name}.npy", getattr(self, name))
                if small:
                    soundfile.write(made / _SMALL, self.wavs, self.rate_hz, subtype="PCM_16", format="FLAC")
                (made / _SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        except OSError as error:
            remedy = "free some space or choose a writable folder"
            raise file_error(folder, f"cannot be written ({error.strerror})", remedy) from error

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, remedy: str = "delete it and make it again") -> "ExemplarBank":
        """Opens what `save` wrote; features and sounds stay on disk until they are used.

        Args:
          folder: as given to `save`.
          remedy: what makes it, for messages.

        Returns:
          The bank.

        Raises:
          UserError: if there is none, it is broken, or another version of this package wrote it.
        """
        folder = Path(folder)
        if not (folder / _SETTINGS).exists():
            raise file_error(folder, "holds no exemplars", "make them first or name another folder")
        try:
            settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
            if settings.pop("version", 1) != _VERSION:
                raise file_error(folder, "its exemplars were cut by another version of this package", remedy)
            small = (folder / _SMALL).exists()
            arrays = {
                name: np.load(folder / f"{name}.npy", mmap_mode="r" if name in _MAPPED else None)
                for name in _ARRAYS
                if name != "wavs" or not small
            }
            if small:
                arrays["wavs"] = soundfile.read(folder / _SMALL, dtype="int16")[0]
            return cls(**arrays, **settings)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError, soundfile.LibsndfileError) as error:
            raise file_error(folder, f"is broken ({error})", remedy) from error
