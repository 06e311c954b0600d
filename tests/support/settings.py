"""The configuration of a relay that runs in a test."""

from pathlib import Path

from config.loader import Loaded, load


def relay_in(folder: Path, **more: str) -> Loaded:
    """Return that of a relay on loopback, its state and its ledger in `folder`.

    `more` are settings by their names in the environment, without SENDTRACE_.
    """
    environment = {
        "HOSTNAME": "relay.example.org",
        "STATE_DIRECTORY": str(folder / "state"),
        "STORE__URL": f"sqlite:{folder}/ledger.db",
        "SUBMISSION__LISTENERS__0__ADDRESS": "127.0.0.1:0",
        **more,
    }
    return load(None, {f"SENDTRACE_{name}": value for name, value in environment.items()})


def mx_at(port: int) -> dict[str, str]:
    """Let exchanges be on loopback, all at one port."""
    return {"DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true", "DELIVERY__PORT": str(port)}


def next_hop_at(port: int) -> dict[str, str]:
    """Send all mail to one port of loopback."""
    return {
        "DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        "ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{port}"}}]',
    }
