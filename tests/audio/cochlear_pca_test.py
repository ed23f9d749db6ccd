"""Laws of the network's targets: they are the principal components of root features, and lead back."""

import jax
import numpy as np
import pytest
from sklearn.decomposition import PCA

from vis2sound_jax.audio.cochlear_pca import RootMoments, fit_root_pca, from_targets, root_norm, to_targets
from vis2sound_jax.errors import UserError


def features(steps: int = 300, channels: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.uniform(size=(steps, 4)) @ rng.uniform(size=(4, channels))
    return (mixed + 0.05 * rng.uniform(size=(steps, channels))).astype(np.float32)


def moments_of(*parts: np.ndarray) -> RootMoments:
    moments = RootMoments(parts[0].shape[1])
    for part in parts:
        moments.add(part)
    return moments


def test_it_is_the_pca_of_the_roots() -> None:
    known = features()
    pca, share = fit_root_pca(moments_of(known[:100], known[100:101], known[101:]), k=5)
    wanted = PCA(n_components=5).fit(np.sqrt(known.astype(np.float64)))
    np.testing.assert_allclose(pca.mean, wanted.mean_, atol=1e-6)
    np.testing.assert_allclose(share, wanted.explained_variance_ratio_.sum(), rtol=1e-6)
    np.testing.assert_allclose(np.abs(wanted.components_ @ pca.basis), np.eye(5), atol=1e-5)
    mine, theirs = np.asarray(to_targets(known, pca)), wanted.transform(np.sqrt(known))
    np.testing.assert_allclose(np.abs(mine), np.abs(theirs), atol=1e-5)


def test_the_basis_is_orthonormal_and_its_signs_are_fixed() -> None:
    pca, share = fit_root_pca(moments_of(features()), k=10)
    np.testing.assert_allclose(pca.basis.T @ pca.basis, np.eye(10), atol=1e-6)
    assert (pca.basis[np.abs(pca.basis).argmax(axis=0), np.arange(10)] > 0).all()
    assert 0.9 < share < 1


def test_all_components_lead_back_exactly() -> None:
    known = features().reshape(3, 100, 12)
    pca, share = fit_root_pca(moments_of(*known), k=12)
    assert share == pytest.approx(1)
    np.testing.assert_allclose(jax.jit(from_targets)(to_targets(known, pca), pca), known, atol=1e-5)


def test_features_are_never_negative() -> None:
    pca, _ = fit_root_pca(moments_of(features()), k=4)
    far = 10 * np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    found = np.asarray(from_targets(far, pca))
    assert found.min() == 0 and found.shape == (50, 12)
    assert np.isfinite(to_targets(-features(), pca)).all()


def test_the_norm_is_that_of_the_roots() -> None:
    known = features()
    np.testing.assert_allclose(root_norm(known), np.linalg.norm(np.sqrt(known), axis=-1), rtol=1e-6)


def test_constant_sounds_have_a_basis_too() -> None:
    pca, share = fit_root_pca(moments_of(np.full((9, 6), 0.25, np.float32)), k=2)
    np.testing.assert_allclose(pca.mean, 0.5)
    assert share == 1 and np.isfinite(pca.basis).all()


@pytest.mark.parametrize("k", [0, 13])
def test_impossible_requests_are_refused(k: int) -> None:
    with pytest.raises(UserError, match="do not fit 12 channels"):
        fit_root_pca(moments_of(features()), k=k)
    with pytest.raises(UserError, match="1 steps of sound have no covariance"):
        fit_root_pca(moments_of(features(1)), k=2)
