#!/usr/bin/env bash
# A run on one slice of TPU v5e in Google Kubernetes Engine: fills launch/gke/jobset.yaml and applies it.
#   bash launch/gke/submit.sh --name=NAME --image=IMAGE --topology=4x4 --config=configs/condfoley.py:paper \
#     --workdir=/data/run --claim=CLAIM [--namespace=N] [-- further arguments of vis2sound_jax.main]
# --claim names a persistent volume claim that all workers can write, mounted at /data. The image is made by
# launch/Dockerfile; the cluster has JobSet and a node pool ct5lp-hightpu-4t of this topology. --dry-run prints all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../flags.sh"

example=(
  [name]=vis2sound [image]=IMAGE [topology]=4x4 [config]=configs/condfoley.py:paper [workdir]=/data/run
  [claim]=CLAIM [namespace]=default
)

# A word as YAML and JSON write it.
text() {
  local word="${1//\\/\\\\}"
  word="${word//\"/\\\"}"
  echo "\"${word//$'\n'/\\n}\""
}

# A list of words, likewise.
list() {
  local word line=""
  for word in "$@"; do line+=", $(text "$word")"; done
  echo "[${line#, }]"
}

manifest() {
  local filled key
  declare -A value=(
    [NAME]="${flag[name]}" [IMAGE]="$(text "${flag[image]}")" [TOPOLOGY]="${flag[topology]}"
    [WORKERS]="$workers" [CHIPS]="$chips" [VOLUME]="$volume"
    [COMMAND]="$(list bash launch/attempt.sh .venv/bin/python -m vis2sound_jax.main --multihost \
      "--config=${flag[config]}" "--workdir=${flag[workdir]}" "${extra[@]}")"
  )
  filled="$(<"$root/launch/gke/jobset.yaml")"
  for key in "${!value[@]}"; do filled="${filled//"__${key}__"/"${value[$key]}"}"; done
  echo "$filled"
}

parse_flags "${!example[*]}" dry-run "$@"
require name image topology config workdir
[[ "${flag[name]}" =~ ^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$ ]] ||
  fail "--name=${flag[name]}: it must be at most 40 small letters, digits and dashes; write --name=${example[name]}"

# Machines of four chips, except for the single one.
case "${flag[topology]}" in
  1x1) workers=1 chips=1 ;;
  2x2 | 2x4 | 4x4 | 4x8 | 8x8 | 8x16 | 16x16)
    chips=4
    workers=$((${flag[topology]%x*} * ${flag[topology]#*x} / chips))
    ;;
  *) fail "--topology=${flag[topology]}: v5e has 1x1, 2x2, 2x4, 4x4, 4x8, 8x8, 8x16, 16x16; write one of these" ;;
esac

volume="emptyDir: {}"
if [ -n "${flag[claim]:-}" ]; then
  volume="persistentVolumeClaim: {claimName: $(text "${flag[claim]}")}"
elif [[ "${flag[workdir]}" != *://* ]]; then
  fail "--workdir=${flag[workdir]} would be another disk on every worker; add --claim=CLAIM, to be mounted at /data"
fi
if [[ "${flag[workdir]}" != *://* && "${flag[workdir]}" != /data/?* ]]; then
  fail "--workdir=${flag[workdir]} is not on the volume; write for example --workdir=${example[workdir]}"
fi
require_tool kubectl https://kubernetes.io/docs/tasks/tools

namespace="--namespace=${flag[namespace]:-default}"
apply=(kubectl apply "$namespace" -f -)
if [ -n "$dry_run" ]; then
  echo "$(quote "${apply[@]}") <<'MANIFEST'"
  manifest
  echo MANIFEST
else
  manifest | "${apply[@]}"
  say "kubectl logs $namespace --follow --selector=jobset.sigs.k8s.io/jobset-name=${flag[name]}"
fi
