"""deploy/compose: the files agree with each other, with the image and with the product."""

import re
import shutil
import ssl
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loader import Loaded, load
from config.units import parse_duration
from tests.acceptance import system
from tests.packaging.dockerfile import read_dockerfile

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose"
NODES = ("node1", "node2")
ARGUMENTS, (BUILD, IMAGE) = read_dockerfile(DEPLOY / "Dockerfile")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


@pytest.fixture
def loaded(services: dict[str, Any], tmp_path: Path) -> Loaded:
    """What a node makes of its configuration."""
    (tmp_path / "password").write_text("p/a:s@s\n", encoding="utf-8")
    environ = {"SENDTRACE_HOSTNAME": "mail.example.org"}
    for name, value in services["node1"]["environment"].items():
        environ.setdefault(name, value)
    assert environ["SENDTRACE_STORE__PASSWORD_FILE"] == "/run/secrets/database_password"
    environ["SENDTRACE_STORE__PASSWORD_FILE"] = str(tmp_path / "password")
    return load(COMPOSE / "sendtrace.toml", environ)


@pytest.fixture(scope="module")
def balancer() -> str:
    return (COMPOSE / "haproxy.cfg").read_text(encoding="utf-8")


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_compose_reads_it() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    schema = ["--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [check, *schema, COMPOSE / "compose.yaml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_haproxy_reads_it() -> None:
    system.require("haproxy")
    command = [str(system.find("haproxy")), "-c", "-f", str(COMPOSE / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if "[WARNING]" in line]
    assert all("could not resolve address 'node" in line for line in warnings), done.stderr


def test_the_configuration_is_good(loaded: Loaded) -> None:
    settings = loaded.settings
    assert settings.store.url.startswith("postgresql://")
    assert settings.submission.trusted_networks == ()
    assert all(each.proxy_protocol for each in settings.submission.listeners)
    assert all(each.auth == "required" for each in settings.submission.listeners)


def test_the_ports_are_the_image_s(loaded: Loaded) -> None:
    settings = loaded.settings
    ports = [port_of(each.address) for each in settings.submission.listeners]
    ports.append(port_of(settings.panel.address))
    assert [str(port) for port in ports] == IMAGE.only("EXPOSE").words


def test_the_balancer_passes_on_to_the_ports_where_nodes_listen(
    loaded: Loaded, balancer: str
) -> None:
    settings = loaded.settings
    listening = {port_of(each.address) for each in settings.submission.listeners}
    panel = port_of(settings.panel.address)
    servers = re.findall(r"^    server (\S+) (\S+):(\d+)(.*)$", balancer, re.MULTILINE)
    expected = {(node, port) for node in NODES for port in (*listening, panel)}
    assert {(name, int(port)) for name, _, port, _ in servers} == expected
    for name, host, port, options in servers:
        assert name == host
        assert ("send-proxy-v2" in options) == (int(port) != panel)
    assert f"default-server check port {panel} " in balancer
    assert "http-check send meth GET uri /readyz " in balancer


def test_the_balancer_is_reached_where_it_listens(services: dict[str, Any], balancer: str) -> None:
    inside = {entry.rpartition(":")[2] for entry in services["balancer"]["ports"]}
    assert inside == set(re.findall(r"^    bind :(\d+)$", balancer, re.MULTILINE))
    (panel,) = (entry for entry in services["balancer"]["ports"] if "PANEL" in entry)
    assert panel.startswith("127.0.0.1:"), "log-ins in clear text stay on this machine"


def test_the_balancer_is_who_is_believed(
    compose: dict[str, Any], services: dict[str, Any], loaded: Loaded
) -> None:
    address = ip_address(services["balancer"]["networks"]["inside"]["ipv4_address"])
    believed = (f"{address}/32",)
    assert loaded.settings.submission.trusted_proxies == believed
    assert loaded.settings.panel.trusted_proxies == believed
    (pool,) = compose["networks"]["inside"]["ipam"]["config"]
    assert address in ip_network(pool["subnet"])
    assert address not in ip_network(pool["ip_range"]), "another container could get it"


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_its_own_name_and_state(
    services: dict[str, Any], loaded: Loaded, node: str
) -> None:
    service = services[node]
    mounts = dict(reversed(entry.split(":")[:2]) for entry in service["volumes"])
    assert service["hostname"] == node
    assert mounts[str(loaded.settings.state_directory)] == f"{node}-state"
    assert mounts["/etc/sendtrace/sendtrace.toml"] == "./sendtrace.toml"
    assert IMAGE.only("VOLUME").rest == str(loaded.settings.state_directory)
    assert IMAGE.only("WORKDIR").rest == str(loaded.settings.state_directory)


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_built_from_here_and_may_do_little(services: dict[str, Any], node: str) -> None:
    service = services[node]
    context = (COMPOSE / service["build"]["context"]).resolve()
    assert context / service["build"]["dockerfile"] == DEPLOY / "Dockerfile"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_time_to_stop(services: dict[str, Any], loaded: Loaded, node: str) -> None:
    given = parse_duration(services[node]["stop_grace_period"])
    needed = loaded.settings.shutdown_grace + parse_duration("5s")  # what the supervisor adds
    assert given > needed


def test_passwords_are_in_files_alone(compose: dict[str, Any], services: dict[str, Any]) -> None:
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert name.endswith("_FILE"), name
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    ignored = (COMPOSE / ".gitignore").read_text(encoding="utf-8").split()
    for secret in compose["secrets"].values():
        assert f"{Path(secret['file']).parts[0]}/" in ignored


def test_the_database_has_the_names_of_the_url(services: dict[str, Any], loaded: Loaded) -> None:
    database = services["database"]["environment"]
    assert loaded.settings.store.url == (
        f"postgresql://{database['POSTGRES_USER']}@database:5432/{database['POSTGRES_DB']}"
    )
    probe = services["database"]["healthcheck"]["test"]
    assert f"--username={database['POSTGRES_USER']}" in probe
    assert f"--dbname={database['POSTGRES_DB']}" in probe


def test_every_variable_has_an_example(compose: dict[str, Any]) -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    example = (COMPOSE / ".env.example").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_prepare_makes_what_compose_mounts(compose: dict[str, Any], tmp_path: Path) -> None:
    system.require("openssl")
    folder = tmp_path / "compose"
    shutil.copytree(COMPOSE, folder, ignore=shutil.ignore_patterns("secrets", ".env"))
    prepare = [str(folder / "prepare"), "mail.example.net"]
    subprocess.run(prepare, check=True, capture_output=True)
    made = {name: folder / each["file"] for name, each in compose["secrets"].items()}
    contents = {name: path.read_bytes() for name, path in made.items()}
    assert len(contents["database_password"]) == 64
    ssl.create_default_context().load_cert_chain(made["tls"])
    assert "SENDTRACE_HOSTNAME=mail.example.net\n" in (folder / ".env").read_text(encoding="utf-8")
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in made.values())
    assert set((folder / "secrets").iterdir()) == set(made.values())
    subprocess.run(prepare, check=True, capture_output=True)
    assert {name: path.read_bytes() for name, path in made.items()} == contents, "kept"
