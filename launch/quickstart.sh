#!/usr/bin/env bash
# From a fresh machine to a film with sound: makes .venv, installs the tested packages, sounds a film.
#   bash launch/quickstart.sh                                      a procedural film, which is drawn first
#   bash launch/quickstart.sh --video FILM --example SOUND         your film; with any flag of --job=generate
#   bash launch/quickstart.sh train [arguments of vis2sound_jax.main, e.g. --config=configs/condfoley.py:smoke]
#   VIS2SOUND_EXTRAS=cuda bash launch/quickstart.sh                the same on an NVIDIA GPU
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_venv.sh"

films=runs/quickstart # where the drawn film and its sound go, from the current folder

# given NAME ARGUMENTS: whether the flag is among them, as --NAME=VALUE or --NAME VALUE.
given() {
  local name="$1" argument
  shift
  for argument in "$@"; do
    case "$argument" in
      "--$name" | "--$name="* | "-$name" | "-$name="*) return 0 ;;
    esac
  done
  return 1
}

config=("--config=$root/configs/condfoley.py")
if given config "$@"; then config=(); fi

# The bash of macOS is 3.2, to which an empty array is an unset variable.
if [ "${1:-}" = train ]; then
  shift
  setup_venv "${VIS2SOUND_EXTRAS:-}"
  exec "$venv/bin/python" -m vis2sound_jax.main ${config[@]+"${config[@]}"} "$@"
fi

main() {
  "$venv/bin/python" -m vis2sound_jax.main ${config[@]+"${config[@]}"} "$@" ||
    fail "this step failed; see above, then run the same command again"
}

request=("$@")
steps=2
if ! given video "$@"; then
  if given config "$@"; then
    fail "--config without --video is not understood; to train, write: bash $0 train $*"
  fi
  if given example "$@"; then fail "--example without --video; add --video=FILM, or leave both out"; fi
  steps=3
elif ! given config "$@" && ! given example "$@"; then
  fail "--video without --example; add --example=SOUND, a film or sound file that it is to sound like"
fi

say "1/$steps the environment $venv"
setup_venv "${VIS2SOUND_EXTRAS:-}"
if [ $steps = 3 ]; then
  say "2/$steps a film without sound and an example, both drawn by a program: $films"
  if ! [ -f $films/film.mp4 ] || ! [ -f $films/example.wav ]; then main --job=draw --output=$films; fi
  request=("--video=$films/film.mp4" "--example=$films/example.wav" "--output=$films/film_sound.mp4" "$@")
fi
say "$steps/$steps the sound, by the weights that ship with vis2sound_jax or by your own run in runs/"
main --job=generate "${request[@]}"
say "done in $SECONDS s. What is next:"
echo "  your own film:   bash $0 --video=FILM --example=SOUND"
echo "  training:        bash $0 train"
