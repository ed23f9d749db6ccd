"""What `--help` says: every stage and job with its line, every flag with its default and an example."""

from ml_collections import ConfigDict

from tests.run import demo_system
from vis2sound_jax.run import help as told
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage, listed

CONFIG = ConfigDict({"name": "demo", "system": "tests.run.demo_system", "stages": ("prepare", "codebook")})


def test_without_a_config_it_says_how_to_begin() -> None:
    text = told.general_help()
    assert "usage: python -m vis2sound_jax.main --config=FILE[:PRESET]" in text
    assert all(f"--{name} " in text for name in ("workdir", "job", "config.SETTING", "multihost"))


def test_of_a_config_it_lists_the_stages_of_a_run_and_apart_what_else_there_is() -> None:
    first, second = told.config_help(CONFIG, listed(CONFIG)).split("further jobs and stages")
    assert first.startswith("demo: the stages of a run") and "prepare   prepares" in first
    assert "codebook  learns" in first and "scores" not in first
    for stage in (demo_system.STAGES[2], *demo_system.JOBS):
        assert f"{stage.name:<8}  {stage.help}" in second


def test_of_a_job_it_lists_flags_with_default_choices_and_example() -> None:
    flags = (
        Flag("video", "", "Film to sound.", "film.mp4"),
        Flag("takes", 4, "Soundtracks.", "2"),
        Flag("kind", "", "Of sound.", choices=("a", "b")),
        Flag("loud", False, "Loud."),
    )
    text = told.job_help(Stage("generate", "nowhere", "makes soundtracks", flags=flags))
    assert text.startswith("generate: makes soundtracks") and "--job=generate --video=film.mp4\n" in text
    assert "--video  Film to sound. (default: none; example: --video=film.mp4)" in text
    assert "--takes  Soundtracks. (default: 4; example: --takes=2)" in text
    assert "--kind   Of sound. (one of a, b; default: none; example: --kind=a)" in text
    assert "--loud   Loud. (default: False; example: --loud=true)" in text
    assert "no flags of its own" in told.job_help(Stage("amt", "nowhere", "scores"))
