"""A machine for the launch scripts: ordinary commands are real, all others only write down what they are asked."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ORDINARY = "bash cat date dirname env grep gzip hostname mkdir mktemp mv nohup rm setsid sleep tail tar"


class Machine:
    """A home with a copy of the scripts as checkout, and a PATH on which nothing else is found."""

    def __init__(self, home: Path):
        self.home, self.checkout, self._bin = home, home / "checkout", home / "bin"
        self._calls = home / "calls"
        self._bin.mkdir()
        for name in ORDINARY.split():
            (self._bin / name).symlink_to(shutil.which(name) or name)
        shutil.copytree(ROOT / "launch", self.checkout / "launch")
        shutil.copytree(ROOT / "configs", self.checkout / "configs")
        self.environment = {"PATH": str(self._bin), "HOME": str(home), "TMPDIR": str(home)}

    def stub(self, name: str, body: str = "", *, path: Path | None = None) -> None:
        """Makes a command that writes down its words and then does `body`, in Bash."""
        path = path or self._bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Separators that no argument holds.
        note = rf"""{{ printf '%s\x1f' {name} "$@"; printf '\x1e'; }} >>{self._calls}"""
        path.write_text(f"#!{shutil.which('bash')}\n{note}\n{body}\n")
        path.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        """What the made commands were asked so far, in order."""
        text = self._calls.read_text() if self._calls.exists() else ""
        return [call.split("\x1f")[:-1] for call in text.split("\x1e")[:-1]]

    def forget(self) -> None:
        """Starts the list of calls anew."""
        self._calls.unlink(missing_ok=True)

    def bash(self, *words: str | Path, says: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs Bash in the home with these words; `says` is typed into it."""
        command = [str(self._bin / "bash"), *map(str, words)]
        everything = {**self.environment, **environment}
        return subprocess.run(
            command, cwd=self.home, env=everything, input=says, capture_output=True, text=True, timeout=60
        )

    def launch(self, script: str, *words: str, says: str = "") -> "subprocess.CompletedProcess[str]":
        """Runs a script of the checkout."""
        return self.bash(self.checkout / "launch" / script, *words, says=says)

    def refuses(self, script: str, *words: str, says: str = "") -> str:
        """Runs a script that must end with 2 and one line of error, and returns that line."""
        answer = self.launch(script, *words, says=says)
        lines = answer.stderr.strip().splitlines()
        assert answer.returncode == 2 and len(lines) == 1, (answer.returncode, answer.stdout, answer.stderr)
        assert lines[0].startswith("vis2sound: error: ")
        return lines[0].removeprefix("vis2sound: error: ")

    def does(self, script: str, *words: str, says: str = "") -> str:
        """Runs a script that must succeed, and returns what it printed."""
        answer = self.launch(script, *words, says=says)
        assert answer.returncode == 0, (answer.stdout, answer.stderr)
        return answer.stdout


def spawn(machine: Machine, *words: str | Path, **environment: str) -> "subprocess.Popen[str]":
    """Starts Bash with these words in a session of its own and leaves it running."""
    return subprocess.Popen(
        [shutil.which("bash") or "bash", *map(str, words)],
        cwd=machine.home,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
