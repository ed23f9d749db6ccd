# shellcheck shell=bash
# Sourced by scripts that install: finds a Python, makes .venv beside setup.cfg, installs the pinned packages.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

venv="$root/.venv"

# Prints the first Python that is new enough and can make virtual environments. Each candidate is run, because
# a name on the PATH may be a version manager's shim that refuses to start.
find_python() {
  local name python without_venv=""
  for name in python3.13 python3.12 python3.11 python3; do
    for python in $(type -aP "$name"); do
      "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
      if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python"
        return
      fi
      without_venv="$python"
    done
  done
  if [ -n "$without_venv" ]; then
    fail "$without_venv cannot make virtual environments; install them (Debian: apt-get install python3-venv)"
  fi
  fail "there is no Python 3.11 or newer; install one (Debian: apt-get install python3 python3-venv)"
}

# What the environment was installed from; when this changes, it is installed again.
fingerprint() {
  { echo "$root"; "$venv/bin/python" -V; cat "$root"/setup.{cfg,py} "$root/pyproject.toml" "$root/launch/constraints.txt"; } |
    "$venv/bin/python" -c "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
}

# setup_venv [EXTRAS]: afterwards $venv/bin/python has the package with these extras, e.g. "dev" or "cuda".
setup_venv() {
  local extras="$1" python mark
  mark="$venv/.installed-${extras:-base}"
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python="$(find_python)"
    say "making $venv with $python"
    "$python" -m venv --clear "$venv" || fail "$venv could not be made; see above, then run the same command again"
  fi
  if [ "$(cat "$mark" 2>/dev/null)" != "$(fingerprint)" ]; then
    say "installing packages into $venv (a few minutes)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      --constraint "$root/launch/constraints.txt" --editable "$root${extras:+[$extras]}" ||
      fail "the packages could not be installed; see above, then run the same command again"
    fingerprint >"$mark"
  fi
}
