"""The wheel: what is in it, and that it runs where nothing of this checkout is."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.service import Service

ROOT = Path(__file__).parents[2]
ROOMS = ("config", "tracker", "relay", "web")

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run([*build, "--outdir", str(directory), str(ROOT)], check=True, capture_output=True)
    (built,) = directory.glob("*.whl")
    return built


def test_the_wheel_holds_everything_that_is_not_python_too(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    assert packed == {
        str(path.relative_to(ROOT)) for path in files if path.parent.name != "__pycache__"
    }
    for kind in ("web/templates/", "web/static/", "tracker/sqlite/migrations/"):
        assert any(name.startswith(kind) and not name.endswith(".py") for name in packed), kind
    assert {f"{room}/py.typed" for room in ROOMS} <= packed


def test_the_wheel_carries_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.rpartition("/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert texts["LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in texts["METADATA"]
    assert "sendtrace = relay.cli:main" in texts["entry_points.txt"]


def test_it_serves_from_an_empty_environment_in_an_empty_directory(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    pip = [f"{environment}/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    lock = f"{ROOT}/requirements.lock"
    subprocess.run([*pip, "--require-hashes", "-r", lock], check=True, capture_output=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True, capture_output=True)
    directory = tmp_path / "empty"
    directory.mkdir()
    service = Service(directory, command=[f"{environment}/bin/sendtrace"])
    with service.running():
        assert "password" in service.log(), "the first account's password is shown"
        assert service.terminate() == 0
