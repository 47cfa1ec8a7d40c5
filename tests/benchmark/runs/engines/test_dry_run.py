"""What a plan of hundreds of cells costs."""

from __future__ import annotations

import json
import resource

import pytest

from benchmark.cli import main


@pytest.mark.faults
def test_a_dry_run_of_240_cells_takes_seconds(toys):
    data = str(toys.root / "data")
    assert main(["prepare", "demo", "--data", data, "--quiet"]) == 0
    specs = ",".join(f"demo[sigma={level}]" for level in range(10, 26))
    words = ("--methods", "r2r,scpgan,dgunet,mssr,lir", "--seeds", "0,1,2", "--no-baselines", "--dry-run", "--json")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    driver = toys.driver(*words, "--dataset", specs, "--data", data)
    out, err = driver.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert driver.returncode == 0 and len(json.loads(out)) == 240, err
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{seconds:.1f} s of the processor")
    assert seconds < 5
