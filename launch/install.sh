#!/usr/bin/env bash
# Makes .venv with the tested packages and runs nothing, for machines that others start.
#   VIS2SOUND_EXTRAS=tpu bash launch/install.sh      (cuda on an NVIDIA GPU)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_venv.sh"

setup_venv "${VIS2SOUND_EXTRAS:-}"
say "$venv is ready"
