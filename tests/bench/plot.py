"""Draws `plot.py RESULTS.json PLOT.svg`: for each work each server's wall time divided by that of OpenSSH's server, with
the quartiles, on a logarithmic axis. It is run by the Python that has matplotlib."""

import json
import sys

import matplotlib
from matplotlib import pyplot, ticker

matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "strongroom", "font.family": "sans-serif"})

COLOURS = ["#0b62a4", "#5b9bd5", "#12876f", "#d98a00", "#b5413c", "#7a5195"]


def draw(results, path):
    works, contenders = list(results["works"]), list(results["contenders"])
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.16 * len(works) * (len(contenders) + 1.5)), layout="constrained")
    step = 0.8 / max(len(contenders), 1)
    for index, contender in enumerate(contenders):
        rows = [row for row in results["rows"] if row["contender"] == contender]
        places = [works.index(row["work"]) - 0.4 + step * (index + 0.5) for row in rows]
        ratios = [row["wall"]["ratio"] for row in rows]
        spread = [[r["median"] - r["lower"] for r in ratios], [r["upper"] - r["median"] for r in ratios]]
        medians = [ratio["median"] for ratio in ratios]
        colour = COLOURS[index % len(COLOURS)]
        title = results["contenders"][contender]
        axes.errorbar(medians, places, xerr=spread, fmt="o", markersize=5, capsize=2, color=colour, label=title)
    axes.axvline(1, color="#555555", linewidth=1)
    for boundary in range(1, len(works)):
        axes.axhline(boundary - 0.5, color="#dddddd", linewidth=0.6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_yticks(range(len(works)), [results["works"][work] for work in works])
    axes.set_ylim(len(works) - 0.5, -0.5)
    axes.set_xlabel("wall time divided by that of OpenSSH's sftp-server; left of 1 is faster; bars are quartiles")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        draw(json.load(file), sys.argv[2])
