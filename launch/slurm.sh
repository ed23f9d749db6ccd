#!/usr/bin/env bash
# A run on a SLURM cluster, from its login node: writes a batch script and submits it.
#   bash launch/slurm.sh --nodes=2 --gpus-per-node=8 --config=configs/condfoley.py:paper --workdir=DIR \
#     [--partition=P] [--account=A] [--time=24:00:00] [--cpus-per-task=8] [-- further arguments of vis2sound_jax.main]
# --dry-run prints the script and the commands. The checkout and DIR must be on a disk that all nodes share; paths are
# absolute or from the checkout.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/flags.sh"

example=(
  [nodes]=2 [gpus-per-node]=8 [cpus-per-task]=8 [partition]=gpu [account]=ACCOUNT [time]=24:00:00
  [config]=configs/condfoley.py:paper [workdir]=/shared/run
)

# Prints a line for sbatch for each flag that was given.
directives() {
  local name
  for name in "$@"; do
    if [ -n "${flag[$name]:-}" ]; then echo "#SBATCH --$name=${flag[$name]}"; fi
  done
}

# One task for each GPU, since that is what jax.distributed.initialize makes of SLURM: task i of a node takes the
# node's GPU i and leaves the others alone, so that one task a node would use one GPU of it. For the same reason
# every task must see all GPUs of its node: --gpus-per-node and no --gpus-per-task, and no binding by srun.
#
# --signal: two minutes before the time is over the tasks, not this script, are told to stop. Preemption tells them
# too. They save, attempt.sh makes that a 75, and the job puts itself back into the queue. `scancel` ends this script
# as well, so that a job cancelled by hand stays cancelled. --kill-on-bad-exit=0: the first task to stop must not
# have the others killed while they save; jax ends them itself if one of them crashes.
batch_script() {
  cat <<BATCH
#!/usr/bin/env bash
#SBATCH --job-name=vis2sound
$(directives nodes)
#SBATCH --ntasks-per-node=${flag[gpus-per-node]}
$(directives gpus-per-node cpus-per-task partition account time)
#SBATCH --output=$folder/%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=TERM@120
set -uo pipefail
cd $(quote "$root") || exit 2

srun --cpus-per-task=${flag[cpus-per-task]} --gpu-bind=none --kill-on-bad-exit=0 \\
  bash launch/attempt.sh $(quote .venv/bin/python -m vis2sound_jax.main --multihost \
    "--config=${flag[config]}" "--workdir=${flag[workdir]}" "${extra[@]}")
status=\$?
if [ "\$status" -eq 75 ]; then
  echo "vis2sound: not finished; back into the queue as job \$SLURM_JOB_ID"
  scontrol requeue "\$SLURM_JOB_ID" && exit 0
  echo "vis2sound: error: the queue did not take it; submit it again with launch/slurm.sh" >&2
fi
exit "\$status"
BATCH
}

parse_flags "${!example[*]}" dry-run "$@"
require nodes gpus-per-node config workdir
flag[cpus-per-task]="${flag[cpus-per-task]:-${example[cpus-per-task]}}"
require_count nodes gpus-per-node cpus-per-task
for name in partition account time; do
  [[ "${flag[$name]:-}" =~ ^[A-Za-z0-9_.:,-]*$ ]] ||
    fail "--$name=${flag[$name]} has characters that sbatch cannot take"
done
(cd "$root" && [ -f "${flag[config]%%:*}" ]) ||
  fail "--config=${flag[config]}: there is no such file; write for example --config=${example[config]}"
[[ "$root" != *[[:space:]]* ]] || fail "$root: sbatch cannot write to a path with spaces; move the checkout"
require_tool sbatch "it comes with SLURM: run this on a login node"

# Beside the runs and not in the workdir, which is main's own.
folder="$root/runs/slurm"
label="${flag[workdir]%/}"
label="${label##*/}"
script="$folder/${label//[^A-Za-z0-9_.-]/_}.sbatch"
run mkdir -p "$folder"
if [ -n "$dry_run" ]; then
  echo "cat >$(quote "$script") <<'SCRIPT'"
  batch_script
  echo SCRIPT
else
  batch_script >"$script.tmp"
  mv "$script.tmp" "$script"
fi
# On the login node, since nodes that compute often have no way out.
run env VIS2SOUND_EXTRAS="${VIS2SOUND_EXTRAS:-cuda}" bash "$root/launch/install.sh"
run sbatch "$script"
[ -n "$dry_run" ] || say "the log is in $folder; squeue --me says where the job is"
