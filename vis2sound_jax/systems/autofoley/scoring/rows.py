"""The rows of the tables: what each way of making sound gives for every held-out clip."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.systems.autofoley.chain import ClassFoley
from vis2sound_jax.systems.autofoley.predict import Seen
from vis2sound_jax.systems.autofoley.sounds import hear_rows
from vis2sound_jax.systems.autofoley.soundtrack import NearestClips
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg

NAMES = {"sequence": "frame sequence", "relation": "frame relation"}
REAL, CHANCE = "real sound", "chance"
MEAN, NEAREST = "class mean", "nearest training clip"
ORACLE, SHUFFLED = "{}, true class", "{}, film of another clip"


class Made(NamedTuple):
    """A soundtrack of a clip.

    Attributes:
      wav: [n].
      rows: [k, f] the spectrogram that was predicted, before any phase was found; None for sounds that are copied.
    """

    wav: np.ndarray
    rows: np.ndarray | None


class Item(NamedTuple):
    """A held-out clip.

    Attributes:
      id: its name.
      label: index of its class.
      wav: its real sound.
      rows: [k, f] its spectrogram.
      contact_s: times of contacts in seconds; None where nobody annotated it.
    """

    id: str
    label: int
    wav: np.ndarray
    rows: np.ndarray
    contact_s: np.ndarray | None


@dataclass(frozen=True)
class Pairs:
    """The frames of a record, as a film gives them.

    Attributes:
      record: the record.
    """

    record: Record

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.record["frames"])

    def __iter__(self) -> Iterator[Any]:
        """One pair of frames, grey and colour, after another."""
        return ((decode_jpeg(data, grey=True), decode_jpeg(data)) for data in self.record["frames"])


def items_of(records: Records, foley: ClassFoley) -> list[Item]:
    """Reads held-out clips of known classes.

    Args:
      records: of a split.
      foley: a chain, which says how sound is heard and what classes there are.
    """
    found = []
    for record in records:
        if record["label"] in foley.classes:
            wav, _ = decode_flac(record["audio"])
            contacts = np.asarray(record["event_time_s"], float) if record["annotated"] else None
            label = foley.classes.index(record["label"])
            found.append(Item(record["id"], label, wav, hear_rows(wav, foley.spec), contacts))
    return found


def watch_all(records: Records, foley: ClassFoley, model: str) -> list[Seen]:
    """Predicts all clips of known classes.

    Args:
      records: of a split.
      foley: a chain.
      model: its name.
    """
    known = [record for record in records if record["label"] in foley.classes]
    return [foley.seen(Pairs(record)) for record in track(known, NAMES[model], unit="clip")]


def model_rows(
    foley: ClassFoley, model: str, items: Sequence[Item], seen: Sequence[Seen], seed: int
) -> Mapping[str, list[Made]]:
    """What a network makes: with the class it recognises, with the true one, and for the film of another clip.

    Args:
      foley: the chain.
      model: its name.
      items: the clips.
      seen: what is predicted of each.
      seed: of phases and of the shuffle.

    Returns:
      Row → a soundtrack for each clip.
    """
    name = NAMES[model]
    own = [make(foley, one, int(one.logits.argmax()), seed) for one in track(seen, f"{name}: sounds", unit="clip")]
    # Where the class was recognised the two are the same sound.
    oracle = [
        mine if int(one.logits.argmax()) == item.label else make(foley, one, item.label, seed)
        for mine, one, item in zip(own, seen, items, strict=True)
    ]
    return {name: own, ORACLE.format(name): oracle, SHUFFLED.format(name): shuffled(own, items)}


def make(foley: ClassFoley, seen: Seen, label: int, seed: int) -> Made:
    """Makes a soundtrack.

    Args:
      foley: the chain.
      seen: what is predicted of the film.
      label: its class.
      seed: of the phases.
    """
    rows = foley.predictor.amplitudes(seen, label)
    return Made(foley.soundtrack(rows, foley.classes[label], seed), rows)


def shuffled(made: Sequence[Made], items: Sequence[Item]) -> list[Made]:
    """Gives every clip the soundtrack of another clip of its class: the control of timing.

    Args:
      made: soundtracks.
      items: the clips; one that is alone in its class gets that of the next clip.
    """
    order = list(range(len(items)))
    for label in {item.label for item in items}:
        own = [k for k, item in enumerate(items) if item.label == label]
        turned = own[1:] + own[:1] if len(own) > 1 else [(own[0] + 1) % len(items)]
        for k, other in zip(own, turned, strict=True):
            order[k] = other
    return [made[k] for k in order]


def reference_rows(
    foley: ClassFoley, items: Sequence[Item], seen: Sequence[Seen], clips: NearestClips, seed: int
) -> Mapping[str, list[Made]]:
    """Rows beside the networks: the mean of the class that was recognised, the nearest training clip, the real sound.

    Args:
      foley: the chain.
      items: the clips.
      seen: what its network predicts of each.
      clips: the training clips.
      seed: of the phases.

    Returns:
      Row → a soundtrack for each clip.
    """
    means, labels = foley.predictor.means, [int(one.logits.argmax()) for one in seen]
    longest = max(one.columns for one in seen)
    rows = {label: np.array(means.of(label, longest, foley.predictor.kind)) for label in sorted(set(labels))}
    wavs = {label: foley.soundtrack(mean, foley.classes[label], seed) for label, mean in rows.items()}
    mean, near = [], []
    for one, label, item in zip(seen, labels, items, strict=True):
        mean.append(Made(wavs[label][: len(item.wav)], rows[label][: one.columns]))
        place = clips.nearest(foley.predictor.amplitudes(one, label), foley.classes[label])
        near.append(Made(clips.wav(place, len(item.wav)), None))
    return {MEAN: mean, NEAREST: near, REAL: [Made(item.wav, None) for item in items]}
