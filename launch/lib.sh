# shellcheck shell=bash disable=SC2034
# (SC2034: what is set here is used by the scripts that source this file.)
# Sourced by the other scripts: where the checkout is, how they speak, how commands are run or only printed.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dry_run="" # not empty: commands are printed

say() {
  echo "vis2sound: $*"
}

fail() {
  echo "vis2sound: error: $*" >&2
  exit 2
}

# Prints words so that a shell reads them back as they are.
quote() {
  local word line=""
  for word in "$@"; do
    if [[ "$word" =~ ^[A-Za-z0-9_./:=@%+,-]+$ ]]; then line+=" $word"; else line+=" ${word@Q}"; fi
  done
  echo "${line# }"
}

# Runs a command, or with --dry-run prints it.
run() {
  if [ -n "$dry_run" ]; then quote "$@"; else "$@"; fi
}

# note WORDS: a comment between the commands of --dry-run, so that all of it can be pasted.
note() {
  if [ -n "$dry_run" ]; then echo "# $*"; fi
}
