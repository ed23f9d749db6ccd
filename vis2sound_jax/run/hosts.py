"""Several processes: what the first does alone, where all wait, and how all learn that one has failed.

They talk through jax's own coordination service. Every process must see the folder of the run.
"""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vis2sound_jax.errors import UserError

HEARTBEAT_S = 30
"""A process that was silent for so long is given up, and the run with it."""

_FAILED = "vis2sound/failed"
_HEARD = "vis2sound/heard"
_POLL_S = 1.0
_PATIENCE_MS = 7 * 24 * 3600 * 1000
"""A wait is as long as a stage that the first process does alone; a lost process ends it at once."""


class _State:
    """This process's part; nothing is started in a run of one process."""

    started = False
    alone = False
    failed = False
    waits = 0


def start(coordinator: str | None, processes: int | None, process_id: int | None) -> None:
    """Joins the other processes; call it before anything else of jax.

    Args:
      coordinator: `HOST:PORT` of the first process; None finds it on TPU pods, SLURM and Kubernetes.
      processes: how many there are; None finds out likewise.
      process_id: which of them this is, from 0; None finds out likewise.

    Raises:
      UserError: if they cannot be found or do not answer.
    """
    import jax

    try:
        jax.distributed.initialize(coordinator, processes, process_id, heartbeat_timeout_seconds=HEARTBEAT_S)
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"--multihost: the processes could not be joined ({str(error).splitlines()[0]}); outside TPU pods, SLURM "
            "and Kubernetes give --coordinator=HOST:PORT, --processes=N and --process_id=I, the same address everywhere"
        ) from None
    _State.started = True
    # All find each other's devices now: whoever used jax alone later would wait for the others in vain.
    jax.devices()
    threading.Thread(target=_watch, daemon=True).start()


def _service() -> Any:
    # jax offers barriers between devices, which time out, and none between processes; orbax, too, takes this one.
    # It also knows this process's number before the devices of all are there, for which `jax.process_index` waits.
    from jax._src.distributed import global_state

    return global_state


def _watch() -> None:
    """Ends this process when another one has told that it failed."""
    while True:
        try:
            reason = _service().client.key_value_try_get(_FAILED)
        except Exception as error:
            if "NOT_FOUND" not in str(error):
                return  # the service has ended, and with it the run
            time.sleep(_POLL_S)
            continue
        if not _State.failed:
            _leave(2, reason)
        return


def _leave(code: int, reason: str | None = None) -> None:
    """Ends this process at once; the first one, where the service lives, when all others have heard of the failure.

    Whoever finds the service gone is aborted by jax before it can say why.
    """
    if reason is not None:
        print(f"vis2sound: error: {reason}", file=sys.stderr)
    sys.stderr.flush()
    service = _service()
    with contextlib.suppress(Exception):  # where the service is gone, there is nobody left to wait for
        service.client.key_value_set(f"{_HEARD}/{service.process_id}", "", allow_overwrite=True)
        last = time.monotonic() + HEARTBEAT_S
        while service.process_id == 0 and time.monotonic() < last:
            if len(service.client.key_value_dir_get(_HEARD)) == service.num_processes:
                break
            time.sleep(_POLL_S)
    os._exit(code)


def fail(reason: str, code: int, error: BaseException | None = None) -> None:
    """Ends this process and all others, which print the reason too; does nothing in a run of one process.

    Args:
      reason: one line.
      code: exit code of this process.
      error: of which to print the traceback here.
    """
    if not _State.started:
        return
    _State.failed = True
    client = _service().client
    try:
        client.key_value_set(_FAILED, f"process {_service().process_id} failed: {reason}")
    except Exception as refused:
        if "ALREADY_EXISTS" in str(refused):
            # This process missed the one that failed before it had heard why.
            _leave(2, client.key_value_try_get(_FAILED))
    if error is not None:
        traceback.print_exception(error)
    # A regular exit would wait for the others.
    _leave(code)


def is_first() -> bool:
    """Tells whether this process writes what all share."""
    return not _State.started or _service().process_id == 0


def wait(name: str) -> None:
    """Waits until every process is here; they must all come by in the same order.

    Args:
      name: of the place, for the error of a process that does not come.
    """
    if _State.started and not _State.alone:
        _State.waits += 1
        _service().client.wait_at_barrier(f"vis2sound/{_State.waits}/{name}", _PATIENCE_MS)


def first_alone(name: str, job: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Lets the first process do a job while the others wait.

    Args:
      name: of the job.
      job: what to do; the waits inside it wait for nobody.

    Returns:
      The job's answer; `{}` in the other processes.
    """
    answer: Mapping[str, Any] = {}
    if is_first():
        before, _State.alone = _State.alone, True
        try:
            answer = job()
        finally:
            _State.alone = before
    wait(name)
    return answer


@contextlib.contextmanager
def first_then_others(name: str) -> Iterator[None]:
    """Lets the others in when the first process has left: what it wrote, they find.

    Args:
      name: of the place.

    Yields:
      Nothing.
    """
    if not is_first():
        wait(name)
    yield
    if is_first():
        wait(name)
