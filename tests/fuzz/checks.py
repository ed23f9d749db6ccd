"""Whether what a command left is whole: opened by PyAV and soundfile alone, and compared with what was asked for."""

import json
from pathlib import Path

import av
import soundfile


def pictures_of(path: Path) -> int:
    """Pictures that can be decoded."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def check_film(manifest_path: Path, folder: Path) -> None:
    """Every file that the manifest names is there and whole, and there are no others."""
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    named = {manifest_path.name}
    rate_hz, wanted = manifest["rate_hz"], round(manifest["duration_s"] * manifest["rate_hz"])
    for take in manifest["takes"]:
        named |= {take["film"], take["sound"]}
        sound = soundfile.info(folder / take["sound"])
        assert sound.samplerate == rate_hz and abs(sound.frames - wanted) <= rate_hz // 1000, (sound, wanted)
        wav, _ = soundfile.read(folder / take["sound"])
        assert wav.shape[0] == sound.frames and abs(wav).max(initial=0.0) <= 1.0
        with av.open(str(folder / take["film"])) as container:
            assert container.streams.video and container.streams.audio, "a stream is missing"
            heard = sum(frame.samples for frame in container.decode(audio=0))
            assert heard / container.streams.audio[0].rate >= manifest["duration_s"] - 0.1, (heard, manifest)
        assert pictures_of(folder / take["film"]) > 0
    there = shown(folder)
    assert there == named, f"there are {sorted(there)}, and the manifest names {sorted(named)}"


def shown(folder: Path) -> set[str]:
    """The names in a folder but for hidden notes of what was written; a temporary file is no note."""
    return {path.name for path in folder.iterdir() if path.suffix == ".part" or not path.name.startswith(".")}


def check_nothing(folder: Path) -> None:
    """No file is left."""
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert not left, f"left behind: {left}"
