"""The Dockerfile: its steps are done by hand, for there may be no engine that builds the image."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packaging.dockerfile import Instruction, Stage, read_dockerfile
from tests.support.ports import free_port
from tests.support.service import Service

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ARGUMENTS, (BUILD, FINAL) = read_dockerfile(DEPLOY / "Dockerfile")

pytestmark = pytest.mark.timeout(900)


def copied(stage: Stage) -> list[tuple[list[str], str]]:
    """Return sources and destination of each COPY from the context."""
    steps = (each.words for each in stage.all("COPY"))
    return [(words[:-1], words[-1]) for words in steps if not words[0].startswith("--from")]


def is_in_context(path: Path) -> bool:
    """Say whether .dockerignore lets a file into the build: the last pattern that fits decides."""
    name = str(path.relative_to(ROOT))
    allowed = True
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if not pattern or pattern.startswith("#"):
            continue
        parts = [name, *(str(parent) for parent in Path(name).parents)]
        anywhere = line.startswith("**/") and pattern in Path(name).parts
        if anywhere or any(fnmatch.fnmatch(part, pattern) for part in parts if part != "."):
            allowed = line.startswith("!")
    return allowed


def do_by_hand(stage: Stage, place: Path) -> None:
    """Do what a stage does, with `place` for the root of its file system."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }
    folder = place
    for step in stage.instructions:
        if step.word == "ENV":
            environment |= dict(pair.split("=", 1) for pair in step.words)
        elif step.word == "WORKDIR":
            folder = place / step.rest.removeprefix("/")
            folder.mkdir(parents=True)
        elif step.word == "COPY":
            copy_by_hand(step, folder)
        elif step.word == "RUN":
            run_by_hand(step, place, folder, environment)


def copy_by_hand(step: Instruction, folder: Path) -> None:
    *sources, destination = step.words
    for source in sources:
        target = folder / destination
        if not (ROOT / source).is_dir():
            shutil.copy(ROOT / source, target)
            continue
        shutil.copytree(
            ROOT / source,
            target,
            ignore=lambda at, names: [n for n in names if not is_in_context(Path(at) / n)],
        )


def run_by_hand(step: Instruction, place: Path, folder: Path, environment: dict[str, str]) -> None:
    command = step.rest
    for top in ("/opt/", "/dist"):
        command = command.replace(f" {top}", f" {place}{top}")
    if command.startswith("/"):
        command = f"{place}{command}"
    done = subprocess.run(
        ["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file system of the first stage, as far as its own steps make it."""
    place = tmp_path_factory.mktemp("image")
    do_by_hand(BUILD, place)
    return place


def test_what_the_build_makes_serves_and_is_healthy(image: Path, tmp_path: Path) -> None:
    programs = image / "opt/sendtrace/bin"
    assert not (programs / "pip").exists(), "nothing in the image installs anything"
    service = Service(tmp_path, command=[str(programs / "sendtrace")], workers=1)
    with service.running():
        assert check_health(programs, service.panel_port) == 0
    assert check_health(programs, service.panel_port) != 0, "it has been stopped"


def check_health(programs: Path, port: int) -> int:
    """Run the image's HEALTHCHECK against `port`; return its exit status."""
    python, *arguments = FINAL.only("HEALTHCHECK").listed
    assert python == "python"
    assert "8080" in arguments[-1]
    arguments[-1] = arguments[-1].replace("8080", str(port))
    environment = {"http_proxy": f"http://127.0.0.1:{free_port()}"}
    done = subprocess.run([programs / python, *arguments], env=environment, capture_output=True)
    return done.returncode


def test_all_that_is_copied_is_there_and_in_the_context() -> None:
    for sources, _ in copied(BUILD) + copied(FINAL):
        for source in sources:
            assert is_in_context(ROOT / source), source
            assert (ROOT / source).exists(), source


def test_all_that_the_wheel_packs_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    destinations = {destination.rstrip("/") for _, destination in copied(BUILD)}
    assert set(packages) <= destinations


@pytest.mark.parametrize("name", [".git/config", "tests/conftest.py", "var/ledger.db", ".env"])
def test_nothing_else_gets_into_the_context(name: str) -> None:
    assert not is_in_context(ROOT / name)


def test_the_image_runs_as_nobody_in_particular() -> None:
    account = ARGUMENTS["ACCOUNT"]
    assert account.isdigit(), "Kubernetes cannot tell whether a name is root"
    assert int(account) > 0
    assert FINAL.only("USER").rest == f"{account}:{account}"


def test_nothing_is_done_as_root_after_the_account_is_set() -> None:
    words = [each.word for each in FINAL.instructions]
    assert "RUN" not in words[words.index("USER") :]


def test_the_program_and_how_it_is_stopped() -> None:
    assert FINAL.only("ENTRYPOINT").listed + FINAL.only("CMD").listed == ["sendtrace", "serve"]
    assert FINAL.only("STOPSIGNAL").rest == "SIGTERM"


def test_the_locks_are_installed_with_their_hashes() -> None:
    installs = [each.rest for each in BUILD.all("RUN") if "pip install" in each.rest]
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert any(f"--require-hashes -r {lock}" in command for command in installs)
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert "PIP_NO_CACHE_DIR=1" in BUILD.only("ENV").words


def test_the_python_of_the_image_is_one_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    classifier = f"Programming Language :: Python :: {ARGUMENTS['PYTHON']}"
    assert classifier in project["project"]["classifiers"]
