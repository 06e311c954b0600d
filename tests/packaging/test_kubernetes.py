"""deploy/kubernetes: the manifests are valid, and agree with the image and with the product."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from config.loader import Loaded, load
from config.units import parse_duration
from tests.packaging.dockerfile import read_dockerfile

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
ARGUMENTS, (BUILD, IMAGE) = read_dockerfile(DEPLOY / "Dockerfile")

OLDEST, NEWEST = "1.27", kubernetes_validate.latest_version()


def read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((KUBERNETES / name).read_text(encoding="utf-8")))


KUSTOMIZATION = read("kustomization.yaml")[0]
OBJECTS = {
    (each["kind"], each["metadata"]["name"]): each
    for name in KUSTOMIZATION["resources"]
    for each in read(name)
}
STATEFULSET = OBJECTS["StatefulSet", "sendtrace"]["spec"]
POD = STATEFULSET["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORTS = {each["name"]: each["containerPort"] for each in CONTAINER["ports"]}
LABELS = STATEFULSET["template"]["metadata"]["labels"]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """What a node makes of its configuration."""
    (tmp_path / "url").write_text("postgresql://u:p@database/sendtrace\n", encoding="utf-8")
    environ = {each["name"]: each["value"] for each in CONTAINER["env"]}
    assert environ["SENDTRACE_STORE__URL_FILE"] == "/run/secrets/sendtrace/url"
    environ["SENDTRACE_STORE__URL_FILE"] = str(tmp_path / "url")
    return load(KUBERNETES / "sendtrace.toml", environ)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("key", OBJECTS, ids="/".join)
def test_kubernetes_knows_all_of_it(key: tuple[str, str], version: str) -> None:
    kubernetes_validate.validate(OBJECTS[key], version, strict=True)


def test_every_file_is_used() -> None:
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    used = {*KUSTOMIZATION["resources"], *generated["files"], "kustomization.yaml", "README.md"}
    assert {path.name for path in KUBERNETES.iterdir()} == used


def test_the_image_is_the_one_that_kustomize_renames() -> None:
    assert [each["name"] for each in KUSTOMIZATION["images"]] == [CONTAINER["image"]]
    assert CONTAINER["args"] == IMAGE.only("CMD").listed
    assert "command" not in CONTAINER


def test_the_ports_are_those_of_the_configuration_and_the_image(loaded: Loaded) -> None:
    settings = loaded.settings
    addresses = [each.address for each in settings.submission.listeners]
    addresses.append(settings.panel.address)
    listening = [int(address.rpartition(":")[2]) for address in addresses]
    assert listening == list(PORTS.values())
    assert [str(port) for port in listening] == IMAGE.only("EXPOSE").words
    assert all(address.startswith("0.0.0.0:") for address in addresses)


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")],
)
def test_probes_ask_what_the_product_answers(probe: str, path: str) -> None:
    assert CONTAINER[probe]["httpGet"] == {"path": path, "port": "panel"}
    assert path in (DEPLOY.parent / "web" / "routes.py").read_text(encoding="utf-8")


def test_there_is_time_to_drain_and_to_stop(loaded: Loaded) -> None:
    *command, wait = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["sendtrace", "drain", "--wait"]
    grace = timedelta(seconds=POD["terminationGracePeriodSeconds"])
    ending = parse_duration("5s")  # what the supervisor adds
    assert grace > parse_duration(wait) + loaded.settings.shutdown_grace + ending
    noticed = CONTAINER["readinessProbe"]["periodSeconds"] + 1  # an answer is good for a second
    assert parse_duration(wait) > timedelta(seconds=noticed)


def test_the_pod_is_restricted() -> None:
    """As the Pod Security Standard "restricted" has it."""
    pod, container = POD["securityContext"], CONTAINER["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["runAsUser"] == pod["runAsGroup"] == pod["fsGroup"] == int(ARGUMENTS["ACCOUNT"])
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert POD["automountServiceAccountToken"] is False
    labels = OBJECTS["Namespace", "sendtrace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_services_leave_no_variables_that_the_configuration_would_refuse() -> None:
    assert POD["enableServiceLinks"] is False


def test_mounts_are_where_the_product_looks(loaded: Loaded) -> None:
    mounts = {each["mountPath"]: each["name"] for each in CONTAINER["volumeMounts"]}
    settings = loaded.settings
    assert mounts[str(settings.state_directory)] == "state"
    assert IMAGE.only("VOLUME").rest == str(settings.state_directory)
    assert "/etc/sendtrace/sendtrace.toml" in mounts
    assert mounts["/run/secrets/sendtrace"] == "database"
    for file in (settings.submission.certificate, settings.submission.private_key):
        assert file is not None
        assert mounts[str(file.parent)] == "tls"
    assert {each["name"] for each in POD["volumes"]} == set(mounts.values())


def test_workers_are_as_many_as_the_cores_asked_for(loaded: Loaded) -> None:
    assert str(loaded.settings.workers) == CONTAINER["resources"]["requests"]["cpu"]


def test_nobody_relays_without_a_password(loaded: Loaded) -> None:
    submission = loaded.settings.submission
    assert submission.trusted_networks == ()
    assert all(each.auth == "required" for each in submission.listeners)


def test_everything_selects_the_pods() -> None:
    selectors = [
        OBJECTS["PodDisruptionBudget", "sendtrace"]["spec"]["selector"]["matchLabels"],
        OBJECTS["NetworkPolicy", "sendtrace"]["spec"]["podSelector"]["matchLabels"],
        STATEFULSET["selector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in POD["topologySpreadConstraints"]),
    ]
    services = [each["spec"] for (kind, _), each in OBJECTS.items() if kind == "Service"]
    selectors += [each["selector"] for each in services]
    assert len(services) == 3
    assert all(selector == LABELS for selector in selectors)
    assert ("Service", STATEFULSET["serviceName"]) in OBJECTS


def test_ports_by_name_are_ports_of_the_pod() -> None:
    network = OBJECTS["NetworkPolicy", "sendtrace"]["spec"]
    named = [port["port"] for rule in network["ingress"] for port in rule["ports"]]
    for (kind, _), each in OBJECTS.items():
        if kind == "Service":
            named += [port["targetPort"] for port in each["spec"]["ports"]]
    assert set(named) == set(PORTS)
    outward = {port["port"] for rule in network["egress"] for port in rule["ports"]}
    assert {25, 53, 5432} <= outward


def test_two_nodes_and_one_at_a_time_may_go() -> None:
    assert STATEFULSET["replicas"] >= 2
    assert OBJECTS["PodDisruptionBudget", "sendtrace"]["spec"]["maxUnavailable"] == 1
    assert OBJECTS["Service", "sendtrace-submission"]["spec"]["externalTrafficPolicy"] == "Local"
