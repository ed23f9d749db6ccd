#!/usr/bin/env bash
# What one machine of a TPU slice does; launch/tpu_pod.sh calls it on all of them over ssh.
#   install   get a Python if there is none, and the packages (VIS2SOUND_EXTRAS=tpu)
#   start …   run vis2sound_jax.main with these arguments; it lives on when the connection ends
#   log       print what it said, and whether it still runs
#   stop      tell it to save its state and stop, and wait for it
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_venv.sh"

state="$root/runs/worker"

# Prints the process of the run that was started last, and fails if it has ended.
running() {
  local pid
  pid="$(cat "$state/pid" 2>/dev/null)" || return 1
  # The number may have gone to another program since.
  grep -qs vis2sound_jax "/proc/$pid/cmdline" && echo "$pid"
}

# Images of TPU machines have been behind the Python that is needed here.
install() {
  PATH="$HOME/.local/bin:$PATH"
  if ! (find_python) >/dev/null 2>&1; then
    say "there is no Python 3.11 or newer; getting 3.12 with uv"
    python3 -m pip install --user --quiet --disable-pip-version-check 'uv>=0.8' ||
      fail "uv could not be installed; install Python 3.11 or newer by hand, then run the same command again"
    python3 -m uv python install --quiet 3.12 || fail "uv could not get Python 3.12; install one by hand"
  fi
  setup_venv "${VIS2SOUND_EXTRAS:-}"
  say "$(hostname): ready"
}

start() {
  local pid
  if pid="$(running)"; then
    fail "$(hostname): a run is going on (process $pid); see it with tpu_pod.sh logs, or end it with tpu_pod.sh stop"
  fi
  [ -x "$venv/bin/python" ] || fail "$(hostname): nothing is installed; run tpu_pod.sh install first"
  mkdir -p "$state"
  cd "$root"
  # Appended: what an interrupted run said stays above what its continuation says.
  say "$(date -u +%FT%TZ) $(quote "$@")" >>"$state/log"
  nohup setsid "$venv/bin/python" -m vis2sound_jax.main "$@" >>"$state/log" 2>&1 </dev/null &
  echo $! >"$state/pid"
  say "$(hostname): started, process $!"
}

show_log() {
  local pid
  cat "$state/log" 2>/dev/null || say "$(hostname): nothing was started"
  if pid="$(running)"; then say "$(hostname): runs, process $pid"; else say "$(hostname): does not run"; fi
}

stop() {
  local pid
  if ! pid="$(running)"; then
    say "$(hostname): does not run"
    return
  fi
  kill -TERM "$pid"
  while running >/dev/null; do sleep 1; done
  say "$(hostname): stopped; tpu_pod.sh resume goes on from here"
}

task="${1:-}"
[ $# -eq 0 ] || shift
case "$task" in
  install | start | stop) "$task" "$@" ;;
  log) show_log ;;
  *) fail "'$task' is not a task; there are install, start, log, stop" ;;
esac
