"""The error for a setting that must be one of a few words."""

from vis2sound_jax.errors import UserError


def unknown_choice(section: str, value: str, allowed: tuple[str, ...], key: str = "kind") -> UserError:
    """Builds the error for a value that a setting cannot have.

    Args:
      section: of the config.
      value: that it has.
      allowed: what it may be.
      key: the setting.

    Returns:
      An error to raise.
    """
    return UserError(f"config.{section}.{key} is {value!r}; it must be one of {', '.join(allowed)}")
