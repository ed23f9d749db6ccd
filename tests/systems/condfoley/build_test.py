"""What the config says is what is built."""

import jax
import pytest
from ml_collections import ConfigDict

from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask


@pytest.fixture
def config() -> ConfigDict:
    return get_config("smoke")


@pytest.fixture
def paper() -> ConfigDict:
    return get_config("paper")


def test_the_mel_has_every_setting_and_the_datas_rate(config: ConfigDict) -> None:
    config.data.rate_hz = 16000
    config.mel.update({"n_fft": 512, "hop": 128, "n_mels": 40, "low_hz": 50.0, "high_hz": 7000.0, "scale": "slaney"})
    spec = build.mel_spec(config)
    assert spec.rate_hz == 16000
    assert {name: getattr(spec, name) for name in config.mel} == config.mel.to_dict()


def test_kinds_choose_the_networks(config: ConfigDict, paper: ConfigDict) -> None:
    assert isinstance(build.encoder_net(config), ImpactNet) and isinstance(build.encoder_net(paper), VideoOnsetNet)
    assert isinstance(build.codebook_net(config), PatchCoder) and isinstance(build.codebook_net(paper), VQGAN)
    config.codebook.kind = "band_coder"
    assert isinstance(build.codebook_net(config), BandCoder) and build.book_size(config) == config.codebook.codes


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("encoder.kind", "config.encoder.kind is 'wrong'; it must be one of impact_net, r2plus1d"),
        ("codebook.kind", "config.codebook.kind is 'wrong'; it must be one of patch_coder, band_coder, vqgan"),
        ("transformer.conditioning", "config.transformer.conditioning is 'wrong'; it must be one of aligned, prefix"),
    ],
)
def test_unknown_kinds_are_told_with_those_that_exist(config: ConfigDict, setting: str, message: str) -> None:
    config.update_from_flattened_dict({setting: "wrong"})
    makers = (build.encoder_net, build.codebook_net, build.transformer_net)
    with pytest.raises(UserError) as caught:
        for make in makers:
            make(config)
    assert str(caught.value) == message


def test_the_vocabulary_counts_own_books_and_a_mask_where_conditions_are_hidden(config: ConfigDict) -> None:
    codes, rows = config.codebook.codes, config.codebook.rows
    assert build.transformer_net(config).vocab == rows * codes + 1
    config.transformer.drop_condition = 0.0
    assert build.transformer_net(config).vocab == rows * codes
    config.codebook.kind, config.transformer.copy_heads = "vqgan", 0
    assert build.transformer_net(config).vocab == codes


def test_the_transformer_holds_two_windows_and_the_papers_prefix(config: ConfigDict, paper: ConfigDict) -> None:
    assert build.transformer_net(config).slots == 2 * config.transformer.columns * config.codebook.rows
    # Du et al. 2023, section 3.3: 2 x 30 frames and 2 x 50 codes.
    assert build.transformer_net(paper).slots == 160
    assert (build.prefix_frames(config), build.prefix_frames(paper)) == (0, 30)


def test_the_network_without_a_condition_has_a_mask_token_and_is_not_guided(paper: ConfigDict) -> None:
    paper.decoding.guidance = 1.5
    plain, hidden, unaltered = (build.composer(paper, name) for name in ("", *build.ABLATIONS))
    assert hidden.net == plain.net.clone(vocab=plain.net.vocab + 1) and hidden.maskable
    assert unaltered == plain and not plain.maskable and plain.guidance == hidden.guidance == 1.0
    paper.transformer.drop_condition = 0.1
    assert build.composer(paper) == build.composer(paper, "no_condition")
    assert build.composer(paper).guidance == 1.5


def test_ablations_that_change_nothing_are_refused(config: ConfigDict, paper: ConfigDict) -> None:
    with pytest.raises(UserError, match="config.transformer.video='cached', since no altered frame .*; leave it out"):
        build.check_ablation(config, "no_augmentation")
    build.check_ablation(config, "no_condition")
    build.check_ablation(paper, "no_augmentation")


def test_deep_networks_recompute_and_types_come_by_name(config: ConfigDict, paper: ConfigDict) -> None:
    assert (build.transformer_net(paper).remat, build.transformer_net(config).remat) == ("full", "none")
    config.transformer.dtype = "bfloat16"
    assert build.transformer_net(config).dtype == jax.numpy.bfloat16


def test_the_composer_samples_what_the_transformer_was_built_for(config: ConfigDict, paper: ConfigDict) -> None:
    for one, own_books in ((config, True), (paper, False)):
        composer = build.composer(one)
        assert composer.net == build.transformer_net(one)
        assert composer.book == (one.codebook.codes if own_books else 0)
        assert composer.maskable == own_books and composer.prefix == (not own_books)
        assert (composer.rows, composer.columns) == (one.codebook.rows, one.transformer.columns)
        decoding = (composer.temperature, composer.top_k, composer.guidance)
        assert decoding == (one.decoding.temperature, one.decoding.top_k, one.decoding.guidance)


def test_the_attention_of_training_is_chosen_for_training_alone(paper: ConfigDict) -> None:
    paper.training.attention = "xla"
    trained = training_named(paper, "transformer").task
    assert isinstance(trained, FilmTransformerTask)
    assert trained.inner.net == build.transformer_net(paper).clone(attention="xla")
    assert build.composer(paper).net.attention == "own"
    paper.training.attention = "cudnn"
    with pytest.raises(UserError, match="'cudnn', which knows no float32; set config.transformer.dtype='bfloat16'"):
        build.trained_attention(paper)
    paper.transformer.dtype = "bfloat16"
    assert build.trained_attention(paper) == "cudnn"
    paper.training.attention = "flash"
    with pytest.raises(UserError, match="config.training.attention is 'flash'; it must be one of own, xla, cudnn"):
        build.trained_attention(paper)
    # Runs of before there was a choice.
    del paper.training["attention"]
    assert build.trained_attention(paper) == "own"
