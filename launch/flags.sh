# shellcheck shell=bash disable=SC2034
# (SC2034: what is set here is used by the scripts that source this file.)
# Sourced by scripts that have flags, after lib.sh, which works with older shells as well.

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  fail "this is bash $BASH_VERSION, and 4.4 or newer is needed; install one (macOS: brew install bash)"
fi

declare -A flag=()    # flag → its value, "yes" for one without a value
declare -A example=() # flag → what an error says to write after it
extra=()              # what follows "--": arguments of vis2sound_jax.main

# parse_flags "NAMES" "SWITCHES" ARGUMENTS: fills flag and extra; a name takes a value, a switch takes none.
parse_flags() {
  local names="$1" switches="$2" name
  shift 2
  while [ $# -gt 0 ]; do
    if [ "$1" = "--" ]; then
      shift
      extra=("$@")
      return
    fi
    [[ "$1" == --?* ]] ||
      fail "'$1' is not understood; flags look like --name=NAME, and what main is to hear follows --"
    name="${1#--}"
    name="${name%%=*}"
    if [[ " $switches " == *" $name "* ]]; then
      [[ "$1" != *=* ]] || fail "--$name takes no value; write --$name alone"
      flag[$name]=yes
      dry_run="${flag[dry-run]:-}"
    elif [[ " $names " != *" $name "* ]]; then
      fail "--$name: there is no such flag; there are --${names// / --} --${switches// / --}, and main's follow --"
    elif [[ "$1" == *=* ]]; then
      flag[$name]="${1#*=}"
    else
      [ $# -ge 2 ] || fail "--$name has no value; write --$name=${example[$name]:-VALUE}"
      flag[$name]="$2"
      shift
    fi
    shift
  done
}

# require NAMES: each must have been given; all that are missing are named at once.
require() {
  local name missing=()
  for name in "$@"; do
    if [ -z "${flag[$name]:-}" ]; then missing+=("--$name=${example[$name]:-VALUE}"); fi
  done
  [ ${#missing[@]} -eq 0 ] || fail "missing: ${missing[*]%%=*}; add for example ${missing[*]}"
}

# require_tool NAME WHERE: the command must be there, except when it is only printed.
require_tool() {
  [ -n "$dry_run" ] || command -v "$1" >/dev/null ||
    fail "there is no command $1; install it ($2), or add --dry-run to see what would be run"
}

# require_count NAMES: each must be a whole number from 1.
require_count() {
  local name
  for name in "$@"; do
    [[ "${flag[$name]}" =~ ^[1-9][0-9]*$ ]] ||
      fail "--$name=${flag[$name]} is not a whole number from 1; write --$name=${example[$name]}"
  done
}
