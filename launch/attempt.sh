#!/usr/bin/env bash
# Runs a command to its end for a scheduler that may take the machine away.
#   bash launch/attempt.sh COMMAND…
# A run that is told to stop saves its state and ends with 0, as a finished one does. Here it ends with 75 instead
# ("try again later" in sysexits.h), so that the scheduler starts it again. Nobody who was told to stop is asked how he
# ended, since a stage without checkpoints just dies; only a user's mistake, 2, stays one. Other runs keep their status.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || fail "there is nothing to run; write bash launch/attempt.sh COMMAND"

told="" interrupted="" child=""
# SLURM signals every process of a step by itself; of a container only the first process hears, and passes it on.
trap 'told=yes interrupted=yes; [ -z "$child" ] || [ -n "${SLURM_JOB_ID:-}" ] || kill -TERM "$child" 2>/dev/null' TERM
"$@" &
child=$!

# A signal ends `wait` early, with a status that is not the command's.
status=0
while :; do
  interrupted=""
  wait "$child"
  status=$?
  [ -n "$interrupted" ] || break
done

if [ -n "$told" ] && [ "$status" -ne 2 ]; then
  say "told to stop; the next attempt goes on from the last checkpoint"
  exit 75
fi
exit "$status"
