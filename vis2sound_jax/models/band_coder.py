"""A small vector-quantised autoencoder of log-mels with one codebook for each frequency band.

It stands where the VQGAN stands (same grid of codes, same calls) and trains in a minute on a laptop: a
column of the grid is `frames` mel frames, a row is one of `rows` bands. The decoder sees all bands and the
neighbouring columns, so that the codes of a moment share the work of saying when within it a sound begins.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float, Int

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.codebook import nearest_code, quantise
from vis2sound_jax.models.patches import neighbours


@struct.dataclass
class Coded:
    """What a pass through the coder gives.

    Attributes:
      mel: [b, f, t] the reconstruction.
      latents: [b, rows, columns, d] before quantisation.
      indices: [b, rows, columns] chosen codes.
      loss: [] weighted commitment and codebook terms; 0 without quantisation.
      perplexity: [] codes in use, mean over the books.
    """

    mel: jax.Array
    latents: jax.Array
    indices: jax.Array
    loss: jax.Array
    perplexity: jax.Array


class BandCoder(nn.Module):
    """Log-mel ↔ grid of codes.

    Attributes:
      n_mels: mel bands, a multiple of `rows`.
      rows: frequency bands with a codebook each, low to high.
      frames: mel frames in a column.
      codes: codes in each book.
      latent: size of a code.
      width: channels inside.
      blocks: residual blocks over columns in the encoder and in the decoder.
    """

    n_mels: int = 80
    rows: int = 5
    frames: int = 8
    codes: int = 256
    latent: int = 16
    width: int = 256
    blocks: int = 2

    def setup(self) -> None:
        """Builds both halves and the books."""
        self.books = self.param("books", nn.initializers.normal(1.0), (self.rows, self.codes, self.latent))
        self.encoder_in = nn.Dense(self.width)
        self.encoder_blocks = [_Block(self.width) for _ in range(self.blocks)]
        self.encoder_out = nn.Dense(self.rows * self.latent)
        self.decoder_in = nn.Dense(self.width)
        self.decoder_blocks = [_Block(self.width) for _ in range(self.blocks)]
        self.decoder_out = nn.Dense(self.n_mels * self.frames)

    def __call__(self, mel: Float[Array, "b f t"], *, quantised: bool = True) -> Coded:
        """Encodes and decodes, as training needs it.

        Args:
          mel: log-mel in [0, 1]; t a multiple of `frames`.
          quantised: False lets the latents pass as they are (warm-up).

        Returns:
          Reconstruction, latents, codes and losses.
        """
        latents = self.latents(mel)
        found = jax.vmap(quantise, in_axes=(1, 0))(latents, self.books)  # [r, b, k, ...]
        quantised_latents, indices = found.quantised.swapaxes(0, 1), found.indices.swapaxes(0, 1)
        if not quantised:
            zero = jnp.zeros(())
            return Coded(self._mel(latents), latents, indices, zero, found.perplexity.mean())
        loss = jnp.stack([term.mean() for term in found.losses.values()]).sum()
        return Coded(self._mel(quantised_latents), latents, indices, loss, found.perplexity.mean())

    def latents(self, mel: Float[Array, "b f t"]) -> Float[Array, "b r k d"]:
        """Returns the vectors to quantise, one for each row and column.

        Raises:
          UserError: if the number of frames is not a multiple of `frames`.
        """
        b, f, t = mel.shape
        if t % self.frames:
            raise UserError(f"a mel of {t} frames does not divide into columns of {self.frames}; pad or cut it")
        columns = mel.reshape(b, f, t // self.frames, self.frames).transpose(0, 2, 1, 3)
        x = self.encoder_in(columns.reshape(b, t // self.frames, f * self.frames))
        for block in self.encoder_blocks:
            x = block(x)
        x = self.encoder_out(x).reshape(b, -1, self.rows, self.latent)
        return x.transpose(0, 2, 1, 3)

    looks_around = False
    """A code depends on its own piece of the log-mel alone."""

    def codes_of(self, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of log-mels in [0, 1]; the name that all coders share."""
        return self.encode(mel)

    def mel_of(self, grid: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mels in [0, 1] of grids of codes; the name that all coders share."""
        return self.decode(grid)

    def encode(self, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of a log-mel in [0, 1], rows low to high."""
        return jax.vmap(nearest_code, in_axes=(1, 0), out_axes=1)(self.latents(mel), self.books)

    def decode(self, indices: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mel in [0, 1] of a grid of codes."""
        codes = jax.vmap(lambda book, index: book[index], in_axes=(0, 1), out_axes=1)(self.books, indices)
        return jnp.clip(self._mel(codes), 0.0, 1.0)

    def _mel(self, codes: Float[Array, "b r k d"]) -> Float[Array, "b f t"]:
        b, _, columns, _ = codes.shape
        x = self.decoder_in(codes.transpose(0, 2, 1, 3).reshape(b, columns, -1))
        for block in self.decoder_blocks:
            x = block(x)
        x = self.decoder_out(x).reshape(b, columns, self.n_mels, self.frames)
        return x.transpose(0, 2, 1, 3).reshape(b, self.n_mels, columns * self.frames)


class _Block(nn.Module):
    """Residual convolution over three columns, then a pointwise map."""

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "b k d"]) -> Float[Array, "b k d"]:
        y = nn.Dense(self.width)(neighbours(nn.gelu(nn.LayerNorm()(x)), 1))
        return x + nn.Dense(self.width, kernel_init=nn.initializers.zeros)(nn.gelu(y))
