"""The error for a setting of few words names the setting, its value and the words."""

from vis2sound_jax.run.choices import unknown_choice


def test_the_line_says_what_is_allowed() -> None:
    assert str(unknown_choice("vocoder", "wavenet", ("griffin_lim", "melgan"))) == (
        "config.vocoder.kind is 'wavenet'; it must be one of griffin_lim, melgan"
    )
    assert str(unknown_choice("transformer", "live", ("cached",), "video")).startswith(
        "config.transformer.video is 'live'"
    )
