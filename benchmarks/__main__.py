"""Run every benchmark, each in a process of its own, and keep what it prints in ``benchmarks/results/``.

``make bench`` runs this. It takes well over an hour on two cores; name benchmarks to run only those:

    python -m benchmarks febrl landing
"""

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ALL: dict[str, list[str]] = {
    "febrl": [],
    "matching_county": [],
    "matching_scale": [],
    "families_quality": ["--assignment", "truth", "matched"],
    "nominations_quality": [],
    "identification_scale": ["--people", "50000", "100000", "200000"],
    "landing": [],
    "vault_write": [],
    "simulation_scale": [],
    "policy_decisions": [],
    "audit_appends": [],
    "rotate_to_forget": [],
    "parcels": [],
    "splitting_scale": [],
    "national_scale": [],
    "linking_scale": [],
    "evaluation_speed": [],
    "did_speed": ["--large"],
    "evaluation_scale": [],
    "interval_coverage": ["--counties", "20"],
}


def run(name: str) -> bool:
    """Run one benchmark, print and keep its JSON, and say whether it came to its end."""
    started = time.perf_counter()
    command = [sys.executable, str(HERE / f"{name}.py"), *ALL[name]]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(f"== {name}: {time.perf_counter() - started:.0f} s", flush=True)
    print(done.stdout, flush=True)
    if done.returncode:
        return False
    json.loads(done.stdout)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{name}.json").write_text(done.stdout, encoding="utf-8")
    return True


def main() -> int:
    names = sys.argv[1:] or list(ALL)
    unknown = sorted(set(names) - set(ALL))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}", file=sys.stderr)
        return 2
    failed = [name for name in names if not run(name)]
    if failed:
        print(f"These did not come to their end: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
