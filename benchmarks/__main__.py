"""Run scenarios one after the other, each with its default sizes.

python -m benchmarks [SCENARIO …]
"""

import subprocess
import sys

SCENARIOS = (
    "limits",
    "end_to_end",
    "accept",
    "drain",
    "backlog",
    "destinations",
    "latency",
    "cluster",
)
"""Those of `make bench`; `ledger`, `panel`, `transfer`, `tracking`, `deferred`, `retention`,
`freshness` and `growth` can be named."""


def main() -> None:
    """Run those that are named, or all; the exit status is 1 when any of them failed."""
    failed = []
    for name in sys.argv[1:] or SCENARIOS:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
