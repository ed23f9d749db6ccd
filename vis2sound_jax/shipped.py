"""Where the configs, builders and weights are that come with the program."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped_dir(name: str) -> Path:
    """Finds a folder that stands beside the package in a checkout and inside it once it is installed.

    Args:
      name: "configs" or "datasets".

    Returns:
      The folder.
    """
    # Beside an installed package there may be a `datasets` of somebody else.
    in_checkout = (_PACKAGE.parent / "setup.cfg").is_file()
    return (_PACKAGE.parent if in_checkout else _PACKAGE) / name


def config_file(name: str) -> Path:
    """Finds a config as the command line names it.

    Args:
      name: a file, or a shipped config: `condfoley`, `condfoley.py` or `configs/condfoley.py`.

    Returns:
      The file that is meant. A path with a suffix or folders is looked for from the current folder first. Where
      nothing is found, the name as it is: a file that is not there.
    """
    given = Path(name)
    inside = shipped_dir("configs") / f"{given.stem}.py"
    bare = given.name == name and not given.suffix
    is_shipped = given.parent.as_posix() in (".", "configs") and given.suffix in ("", ".py") and inside.is_file()
    return inside if is_shipped and (bare or not given.is_file()) else given


def config_names() -> list[str]:
    """Lists the shipped configs, as the command line may call them."""
    return sorted(path.stem for path in shipped_dir("configs").glob("*.py"))


def pretrained_dir(system: str) -> Path:
    """Names the folder of the weights that come with the package for a system.

    Args:
      system: such as "condfoley".

    Returns:
      The folder, which looks like that of a run; there need be none.
    """
    return _PACKAGE / "pretrained" / system


def pretrained_names() -> list[str]:
    """Lists the systems for which weights come with the package."""
    return sorted(path.parent.name for path in (_PACKAGE / "pretrained").glob("*/card.json"))
