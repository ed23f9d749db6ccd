#!/usr/bin/env bash
# Checks one GPU or TPU in at most 8 minutes: parity with the CPU, and speed beside what the device allows.
#   bash launch/accelerator_check.sh [--output=accelerator.json]
#   bash launch/accelerator_check.sh --small      tries the check itself, on any device
# Nothing is installed or downloaded: VIS2SOUND_EXTRAS=cuda bash launch/install.sh comes before it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

limit_s=480

# The environment beside the scripts, or one that is active.
find_environment() {
  local python
  for python in "$root/.venv/bin/python" "${VIRTUAL_ENV:-}/bin/python"; do
    if [ -x "$python" ] && "$python" -c 'import flax, jax' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  fail "there is no environment with the packages; make it (VIS2SOUND_EXTRAS=cuda bash launch/install.sh, or tpu)"
}

# A program that ends another after some time; macOS has none, where the check keeps to its time alone.
time_limit=()
if command -v timeout >/dev/null; then time_limit=(timeout --kill-after=10 "$limit_s"); fi

output="accelerator.json" before=""
for argument in "$@"; do
  case "$argument" in
    --output=*) output="${argument#*=}" ;;
    *) if [ "$before" = "--output" ]; then output="$argument"; fi ;;
  esac
  before="$argument"
done

python="$(find_environment)"
# Memory is taken as it is needed: the check stays below 16 GB, whatever the device has.
export XLA_PYTHON_CLIENT_PREALLOCATE=false PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
say "checking with $python, at most $((limit_s / 60)) minutes"
status=0
${time_limit[@]+"${time_limit[@]}"} "$python" -m vis2sound_jax.accelerator "$@" || status=$?
case "$status" in
  0 | 1) cat "${output%.json}.md" ;;
  124 | 137)
    if [ -f "${output%.json}.md" ]; then cat "${output%.json}.md"; fi
    fail "the time was over; $output has what was found until then"
    ;;
esac
exit "$status"
