"""What setup.cfg cannot say: configs and builders stand beside the package and are installed inside it."""

from setuptools import find_packages, setup

# Not as packages of their own: a package called `datasets` would shadow the one of Hugging Face.
BESIDE = ("configs", "datasets")

setup(
    packages=[*find_packages(include=["vis2sound_jax*"]), *(f"vis2sound_jax.{name}" for name in BESIDE)],
    package_dir={f"vis2sound_jax.{name}": name for name in BESIDE},
)
