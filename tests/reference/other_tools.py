"""Write `other_tools.json`: 200 random tables with missing reads, and what irrCAC and pingouin make of them.

Neither is among the development dependencies: irrCAC 0.4.4 needs pandas 2, and pingouin 0.6.1 brings statsmodels,
seaborn, xarray and six more for one function. So their numbers are written down once, in an environment of their own:

    python -m venv peers && peers/bin/pip install "pandas<3" irrCAC==0.4.4 pingouin==0.6.1
    peers/bin/python tests/reference/other_tools.py > tests/reference/other_tools.json

scikit-learn and krippendorff, which are among them, are asked afresh in every test run on the same tables.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pingouin
from irrCAC.raw import CAC

N_TABLES = 200
DIGITS = 12


def random_table(seed):
    """Give items x readers, 0 upwards and -1 for a missing read, and the number of stages."""
    generator = np.random.default_rng(seed)
    n_items, n_readers = int(generator.integers(5, 41)), int(generator.integers(2, 7))
    n_stages, slip = int(generator.integers(2, 8)), generator.uniform(0.05, 0.9)
    truth = generator.integers(0, n_stages, n_items)
    drawn = generator.integers(0, n_stages, (n_items, n_readers))
    stages = np.where(generator.random(drawn.shape) < slip, drawn, truth[:, None])
    stages[generator.random(stages.shape) < generator.uniform(0.0, 0.35)] = -1
    return stages, n_stages


def weights_of(name, n_stages):
    """Give agreement weights on the whole scale, so that stages that do not occur are no matter."""
    steps = np.abs(np.subtract.outer(np.arange(n_stages), np.arange(n_stages))) / (n_stages - 1)
    return {"unweighted": np.eye(n_stages), "linear": 1.0 - steps, "quadratic": 1.0 - steps**2}[name]


def by_irrcac(stages, n_stages):
    """Give the coefficients of all readers; what cannot be computed is left out."""
    reads = pd.DataFrame(np.where(stages < 0, np.nan, stages.astype(float)))
    found = {}
    for weights in ("unweighted", "linear", "quadratic"):
        cac = CAC(reads, weights=weights_of(weights, n_stages), categories=list(range(n_stages)), digits=DIGITS)
        for ours, theirs in (("fleiss", "fleiss"), ("conger", "conger"), ("gwet", "gwet"), ("brennan_prediger", "bp")):
            found[f"{ours}.{weights}"] = number(cac, theirs)
        found[f"alpha.{weights}"] = number(cac, "krippendorff")
    return {name: value for name, value in found.items() if value is not None}


def number(cac, method):
    """Give a coefficient, None where irrCAC gives none."""
    try:
        value = float(getattr(cac, method)()["est"]["coefficient_value"])
    except (ZeroDivisionError, ValueError, IndexError):
        return None
    return value if np.isfinite(value) else None


def by_pingouin(stages):
    """Give ICC(2,1) and ICC(3,1) with intervals (two decimals) of the items that all have read."""
    complete = stages[(stages >= 0).all(axis=1)]
    if len(complete) < 5 or np.ptp(complete) == 0:
        return {}
    long = pd.DataFrame(
        [(item, reader, float(value)) for item, row in enumerate(complete) for reader, value in enumerate(row)],
        columns=["item", "reader", "value"],
    )
    table = pingouin.intraclass_corr(long, "item", "reader", "value").set_index("Type")
    found = {}
    for ours, theirs in (("icc_2_1", "ICC(A,1)"), ("icc_3_1", "ICC(C,1)")):
        low, high = table.loc[theirs, "CI95"]
        found |= {ours: table.loc[theirs, "ICC"], f"{ours} low": low, f"{ours} high": high}
    return {name: round(float(value), DIGITS) for name, value in found.items() if np.isfinite(value)}


def main():
    """Print one table a line."""
    warnings.simplefilter("ignore")
    lines = []
    for seed in range(N_TABLES):
        stages, n_stages = random_table(seed)
        rows = ["".join("." if stage < 0 else str(stage) for stage in row) for row in stages.tolist()]
        found = {
            "n_stages": n_stages,
            "rows": rows,
            "irrCAC": by_irrcac(stages, n_stages),
            "pingouin": by_pingouin(stages),
        }
        lines.append(json.dumps(found))
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
