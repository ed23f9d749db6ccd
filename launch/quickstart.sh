#!/usr/bin/env bash
# From a fresh machine to films with sound: makes .venv, installs the tested packages, runs the main job.
#   bash launch/quickstart.sh [arguments of vis2sound_jax.main, e.g. --config=configs/condfoley.py:smoke]
#   VIS2SOUND_EXTRAS=cuda bash launch/quickstart.sh      the same on an NVIDIA GPU
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_venv.sh"

setup_venv "${VIS2SOUND_EXTRAS:-}"

config=("--config=$root/configs/condfoley.py")
for argument in "$@"; do
  case "$argument" in
    --config | --config=* | -config | -config=*) config=() ;;
  esac
done
# The bash of macOS is 3.2, to which an empty array is an unset variable.
exec "$venv/bin/python" -m vis2sound_jax.main ${config[@]+"${config[@]}"} "$@"
