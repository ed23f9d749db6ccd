#!/usr/bin/env bash
# A TPU slice from one's own machine: make it, install on every worker, run on all of them, fetch their logs, delete it.
#   bash launch/tpu_pod.sh all --name=NAME --zone=us-west4-a --type=v5litepod-16 --version=v2-alpha-tpuv5-lite \
#     --repo=URL --config=configs/condfoley.py:paper --workdir=DIR [-- further arguments of vis2sound_jax.main]
# Tasks: create, install, run, logs, stop, resume, delete, and all = create or reuse, install, run, logs.
# Flags: every task accepts all of them and says which it misses.
#   --name --zone --project   the slice; --type --version --spot   how it is made
#   --repo                    a git URL, or a tarball of the repository (git archive --prefix=vis2sound_jax/ …)
#   --setup                   a command for every worker before the installation, such as one that mounts DIR's disk
#   --config --workdir        of the run; DIR must be one place for all workers, which a slice's own disks are not
#   --dry-run                 print the commands and run none        --yes   delete without asking
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/flags.sh"

names="name zone project type version setup repo config workdir"
switches="spot dry-run yes"
tasks="create install run logs stop resume delete all"
example=(
  [name]=vis2sound [zone]=us-west4-a [project]=PROJECT [type]=v5litepod-16 [version]=v2-alpha-tpuv5-lite
  [setup]="sudo mount …" [repo]=vis2sound.tar.gz [config]=configs/condfoley.py:paper [workdir]=/mnt/shared/run
)
checkout=vis2sound_jax # on a worker, in the home folder

# slice VERB MORE…: one command about the slice.
slice() {
  local verb="$1"
  shift
  run gcloud compute tpus tpu-vm "$verb" "${flag[name]}" "$@" "${place[@]}"
}

on_workers() {
  slice ssh --worker=all --command="$1" "${@:2}" ||
    fail "a worker did not do it; see above, then run the same command again"
}

# Prints "TYPE STATE" of the slice, or nothing if there is none.
look() {
  local errors found why
  errors="$(mktemp)"
  found="$(slice describe --format='value(acceleratorType,state)' 2>"$errors")" || found=""
  why="$(<"$errors")"
  rm -f "$errors"
  # Not to see a slice for want of rights or network is not the same as there being none.
  [[ -n "$found" || "$why" == *NOT_FOUND* || "$why" == *"not found"* ]] ||
    fail "gcloud could not look for ${flag[name]}: $(grep -m 1 ERROR <<<"$why" || echo "it said nothing")"
  echo "${found##*/}"
}

make() {
  local spot=()
  if [ -n "${flag[spot]:-}" ]; then spot=(--spot); fi
  slice create --accelerator-type="${flag[type]}" --version="${flag[version]}" "${spot[@]}" ||
    fail "the slice was not made; see above (no capacity: another --zone, a smaller --type, or later)"
}

create() {
  local found type state here="${flag[name]} in ${flag[zone]}"
  if [ -n "$dry_run" ]; then
    slice describe --format='value(acceleratorType,state)'
    note "only if there is no such slice:"
    make
    return
  fi
  found="$(look)"
  read -r type state <<<"$found"
  if [ -z "$type" ]; then
    make
  elif [ "$type" != "${flag[type]}" ]; then
    fail "$here is a $type, not a ${flag[type]}; give --type=$type or another --name, or delete it first"
  elif [ "$state" = READY ]; then
    say "using $here, which is there already"
  elif [ "$state" = PREEMPTED ] || [ "$state" = TERMINATED ]; then
    say "$here was taken away; making it again"
    slice delete --quiet
    make
  else
    fail "$here is $state, not READY; wait until it is, or delete it first"
  fi
}

install() {
  local get repo="${flag[repo]}"
  if [ -n "${flag[setup]:-}" ]; then on_workers "${flag[setup]}"; fi
  if [[ "$repo" == *.tar.gz || "$repo" == *.tgz ]]; then
    [ -f "$repo" ] || fail "$repo: there is no such file; make it with $(tarball "$repo")"
    tar -tzf "$repo" | grep -c '^[^/]*/launch/worker.sh$' >/dev/null ||
      fail "$repo: this is no tarball of the repository in one folder; make it with $(tarball "$repo")"
    run gcloud compute tpus tpu-vm scp "$repo" "${flag[name]}:$checkout.tar.gz" --worker=all "${place[@]}" ||
      fail "$repo did not reach all workers; see above, then run the same command again"
    get="mkdir -p $checkout && tar -xzf $checkout.tar.gz -C $checkout --strip-components=1"
  else
    # Again and again the same: a first time, a newer commit and another URL.
    get="git init -q $checkout && git -C $checkout fetch -q --depth=1 $(quote "$repo") HEAD"
    get+=" && git -C $checkout checkout -q --force FETCH_HEAD"
  fi
  on_workers "$get && VIS2SOUND_EXTRAS=tpu bash $checkout/launch/worker.sh install"
}

tarball() {
  quote git archive --prefix=vis2sound_jax/ --output="$1" HEAD
}

start() {
  on_workers "$(quote bash "$checkout/launch/worker.sh" start --multihost \
    "--config=${flag[config]}" "--workdir=${flag[workdir]}" "${extra[@]}")"
}

logs() {
  local folder="runs/logs/${flag[name]}"
  run mkdir -p "$folder"
  on_workers "bash $checkout/launch/worker.sh log" --output-directory="$folder"
  [ -n "$dry_run" ] || say "the logs are in $folder, one file for each worker"
}

delete() {
  local answer="${flag[yes]:-}$dry_run"
  if [ -z "$answer" ]; then
    read -r -p "delete ${flag[name]} in ${flag[zone]} and all that is on its disks? [y/N] " answer || true
  fi
  [[ "$answer" == y* ]] || fail "nothing was deleted; answer y or add --yes"
  slice delete --quiet
}

task="${1:-}"
[[ " $tasks " == *" $task "* && -n "$task" ]] || fail "'$task' is not a task; there are ${tasks// /, }"
shift
parse_flags "$names" "$switches" "$@"
require_tool gcloud https://cloud.google.com/sdk/docs/install
case "$task" in
  create) require name zone type version ;;
  install) require name zone repo ;;
  run | resume) require name zone config workdir ;;
  all) require name zone type version repo config workdir ;;
  *) require name zone ;;
esac
place=("--zone=${flag[zone]}")
if [ -n "${flag[project]:-}" ]; then place+=("--project=${flag[project]}"); fi

case "$task" in
  create | install | logs | delete) "$task" ;;
  run | resume) start ;; # a run goes on from its checkpoint, so to resume is to run again
  stop) on_workers "bash $checkout/launch/worker.sh stop" ;;
  all)
    create
    install
    start
    logs
    ;;
esac
