"""The log-mel autoencoder with a discrete code: encoder, codebook, decoder.

Inside, arrays are laid out [b, f, t, c]: row 0 is the lowest mel band. One code covers
2**(levels - 1) = 16 bands times 16 frames at the paper's size.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.codebook import Quantised, nearest_code, quantise
from vis2sound_jax.models.layers import group_norm, uniform_fan_in


def _conv(channels: int, size: int, name: str) -> nn.Conv:
    """A convolution that keeps the shape: odd size, zero padding."""
    return nn.Conv(channels, (size, size), padding=size // 2, kernel_init=uniform_fan_in, name=name)


class ResBlock(nn.Module):
    """Two pre-normalised 3x3 convolutions beside a shortcut.

    Attributes:
      channels: width of the output.
    """

    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "b f t i"]) -> Float[Array, "b f t c"]:
        """Returns `shortcut(x) + conv(swish(norm(conv(swish(norm(x))))))`."""
        h = _conv(self.channels, 3, "conv1")(nn.swish(group_norm(x.shape[-1], "norm1")(x)))
        h = _conv(self.channels, 3, "conv2")(nn.swish(group_norm(h.shape[-1], "norm2")(h)))
        if x.shape[-1] != self.channels:
            x = _conv(self.channels, 1, "nin_shortcut")(x)
        return x + h


class GridAttention(nn.Module):
    """One-head self-attention over all cells of the grid, beside a shortcut."""

    @nn.compact
    def __call__(self, x: Float[Array, "b f t c"]) -> Float[Array, "b f t c"]:
        """Returns `x + proj(softmax(q k / sqrt(c)) v)` of the normalised input."""
        b, f, t, c = x.shape
        h = group_norm(x.shape[-1], "norm")(x)
        q, k, v = (_conv(c, 1, name)(h).reshape(b, f * t, c) for name in ("q", "k", "v"))
        weights = jax.nn.softmax(jnp.einsum("bqc,bkc->bqk", q, k) * c**-0.5, axis=-1)
        h = jnp.einsum("bqk,bkc->bqc", weights, v).reshape(b, f, t, c)
        return x + _conv(c, 1, "proj_out")(h)


class Middle(nn.Module):
    """Residual block, attention, residual block at the coarsest resolution."""

    @nn.compact
    def __call__(self, x: Float[Array, "b f t c"]) -> Float[Array, "b f t c"]:
        """Returns an array of the shape of `x`."""
        x = ResBlock(x.shape[-1], name="block_1")(x)
        x = GridAttention(name="attn_1")(x)
        return ResBlock(x.shape[-1], name="block_2")(x)


class Encoder(nn.Module):
    """Log-mel to latent grid. Fields as in `VQGAN`."""

    ch: int
    ch_mult: tuple[int, ...]
    num_res_blocks: int
    attn_resolutions: tuple[int, ...]
    resolution: int
    z_channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "b f t 1"]) -> Float[Array, "b f2 t2 z"]:
        """Returns the latent grid, each axis shortened by 2**(levels - 1)."""
        x = _conv(self.ch, 3, "conv_in")(x)
        for level, factor in enumerate(self.ch_mult):
            for block in range(self.num_res_blocks):
                x = ResBlock(self.ch * factor, name=f"down_{level}_block_{block}")(x)
                if self.resolution >> level in self.attn_resolutions:
                    x = GridAttention(name=f"down_{level}_attn_{block}")(x)
            if level + 1 < len(self.ch_mult):
                # One row of zeros at the end only: the released weights expect this asymmetry.
                x = nn.Conv(
                    x.shape[-1],
                    (3, 3),
                    strides=2,
                    padding=((0, 1), (0, 1)),
                    kernel_init=uniform_fan_in,
                    name=f"down_{level}_downsample",
                )(x)
        x = Middle(name="mid")(x)
        return _conv(self.z_channels, 3, "conv_out")(nn.swish(group_norm(x.shape[-1], "norm_out")(x)))


class Decoder(nn.Module):
    """Latent grid to log-mel. Fields as in `VQGAN`."""

    ch: int
    ch_mult: tuple[int, ...]
    num_res_blocks: int
    attn_resolutions: tuple[int, ...]
    resolution: int

    @nn.compact
    def __call__(self, z: Float[Array, "b f2 t2 z"]) -> Float[Array, "b f t 1"]:
        """Returns the log-mel; no squashing at the end."""
        x = _conv(self.ch * self.ch_mult[-1], 3, "conv_in")(z)
        x = Middle(name="mid")(x)
        for level in reversed(range(len(self.ch_mult))):
            for block in range(self.num_res_blocks + 1):
                x = ResBlock(self.ch * self.ch_mult[level], name=f"up_{level}_block_{block}")(x)
                if self.resolution >> level in self.attn_resolutions:
                    x = GridAttention(name=f"up_{level}_attn_{block}")(x)
            if level > 0:
                x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
                x = _conv(x.shape[-1], 3, f"up_{level}_upsample")(x)
        return _conv(1, 3, "conv_out")(nn.swish(group_norm(x.shape[-1], "norm_out")(x)))


class VQGAN(nn.Module):
    """Log-mel autoencoder with a codebook (Esser et al. 2021); the defaults are those of Du et al. 2023.

    Attributes:
      ch: width of the finest level.
      ch_mult: width of each level as a multiple of `ch`; each level but the last halves both axes.
      num_res_blocks: residual blocks a level in the encoder; the decoder has one more.
      attn_resolutions: levels that attend, named by what `resolution` has become there.
      resolution: nominal length at the finest level; only gives `attn_resolutions` their meaning.
      z_channels: width of the encoder's output.
      embed_dim: width of a code.
      n_codes: number of codes.
      commitment_weight: see `codebook.quantise`.
      codebook_weight: see `codebook.quantise`.
    """

    ch: int = 128
    ch_mult: tuple[int, ...] = (1, 1, 2, 2, 4)
    num_res_blocks: int = 2
    attn_resolutions: tuple[int, ...] = (10,)
    resolution: int = 160
    z_channels: int = 256
    embed_dim: int = 256
    n_codes: int = 1024
    commitment_weight: float = 0.25
    codebook_weight: float = 1.0

    def setup(self) -> None:
        """Builds the parts in the order in which data passes them."""
        shape = (self.ch, self.ch_mult, self.num_res_blocks, self.attn_resolutions, self.resolution)
        self.encoder = Encoder(*shape, self.z_channels)
        self.quant_conv = nn.Dense(self.embed_dim, kernel_init=uniform_fan_in)
        limit = 1.0 / self.n_codes
        self.codebook = self.param(
            "codebook",
            lambda key, size: jax.random.uniform(key, size, minval=-limit, maxval=limit),
            (self.n_codes, self.embed_dim),
        )
        self.post_quant_conv = nn.Dense(self.z_channels, kernel_init=uniform_fan_in)
        self.decoder = Decoder(*shape)

    def __call__(self, mel: Float[Array, "b f t"]) -> tuple[Float[Array, "b f t"], Quantised]:
        """Encodes, quantises and decodes.

        Args:
          mel: log-mel scaled to [-1, 1]; bands and frames multiples of 2**(levels - 1).

        Returns:
          The reconstruction, and the quantisation with its losses.
        """
        found = self.quantise(self.latent(mel))
        return self.decode(found.quantised), found

    def latent(self, mel: Float[Array, "b f t"]) -> Float[Array, "b f2 t2 d"]:
        """Returns the latent grid before quantisation.

        Raises:
          UserError: if an axis of `mel` is not a multiple of 2**(levels - 1).
        """
        step = 2 ** (len(self.ch_mult) - 1)
        if mel.shape[1] % step or mel.shape[2] % step:
            raise UserError(
                f"a log-mel of {mel.shape[1]} bands x {mel.shape[2]} frames does not divide into cells of "
                f"{step} x {step}; crop or pad both to multiples of {step}"
            )
        return self.quant_conv(self.encoder(mel[..., None]))

    def quantise(self, z: Float[Array, "b f2 t2 d"]) -> Quantised:
        """Returns the nearest codes of a latent grid; see `codebook.quantise`."""
        weights = {"commitment_weight": self.commitment_weight, "codebook_weight": self.codebook_weight}
        return quantise(z, self.codebook, **weights)

    def encode(self, mel: Float[Array, "b f t"]) -> Int[Array, "b f2 t2"]:
        """Returns the grid of code indices; row 0 holds the lowest bands."""
        return nearest_code(self.latent(mel), self.codebook)

    def decode(self, quantised: Float[Array, "b f2 t2 d"]) -> Float[Array, "b f t"]:
        """Returns the log-mel, nominally in [-1, 1], of a grid of codes or unquantised latents."""
        return self.decoder(self.post_quant_conv(quantised))[..., 0]

    def decode_code(self, indices: Int[Array, "b f2 t2"]) -> Float[Array, "b f t"]:
        """Returns the log-mel, nominally in [-1, 1], of a grid of code indices."""
        return self.decode(self.codebook[indices])

    looks_around = True
    """A code depends on the whole log-mel, so that every window has to be encoded by itself."""

    def codes_of(self, mel: Float[Array, "b f t"]) -> Int[Array, "b f2 t2"]:
        """Returns the codes of log-mels in [0, 1]; the name that all coders share."""
        return self.encode(2.0 * mel - 1.0)

    def mel_of(self, grid: Int[Array, "b f2 t2"]) -> Float[Array, "b f t"]:
        """Returns the log-mels, nominally in [0, 1], of grids of codes; the name that all coders share."""
        return 0.5 * (self.decode_code(grid) + 1.0)
