#!/usr/bin/env bash
# From a fresh machine to tested code: makes .venv, installs the tested packages, stops at the first check that fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_venv.sh"

setup_venv dev
cd "$root"

check() {
  say "$*"
  "$venv/bin/python" -m "$@" || fail "this check failed: $*"
}

check ruff check
check ruff format --check
check mypy
# Two at a time: most tests wait for the compiler, which takes one core. The tests of a file share what they make.
check pytest --numprocesses=2 --dist=loadfile
