"""The Markdown tables of decisions.py."""

from plot import seconds_text
from stores import BATCH

LARGER = (10_000, 100_000, 1_000_000)


def table(head, rows, texts=1):
    """The lines of a Markdown table whose first columns are texts."""
    rules = ["---"] * texts + ["---:"] * (len(head) - texts)
    return ["| " + " | ".join(map(str, row)) + " |" for row in [head, rules, *rows]]


def percent(part, whole):
    return f"{100 * part / whole:.0f} %"


def times(figure, other):
    return f"{figure / other:.2f} ×"


def micro(figures):
    """The median of a request's latency."""
    return seconds_text(figures["p50"] / 1e6)


def mebibytes(*figures):
    return [f"{figure / (1 << 20):,.0f} MiB" for figure in figures]


def beside_cedar(plain, ours, inner):
    """Nanoseconds by size: Cedar's authorizer, a request, and one of the requests of a batch."""
    rows = []
    for size in sorted({*plain, *ours}):
        row = [each.get(size) for each in (plain, ours, inner)]
        rows.append([f"{size:,}", *(seconds_text(t / 1e9) if t else "–" for t in row)])
    head = ["linked policies", "`cedar-policy`", "IsAuthorized", f"one of a batch of {BATCH}"]
    return table(head, rows, texts=0)


def in_process_table(found):
    """A row for each shape and kind of request."""
    rows = []
    for kind, count in (("IsAuthorized", 1), ("BatchIsAuthorized", BATCH)):
        shapes = dict.fromkeys(shape for group, shape, _ in found if group == kind)
        for shape in sorted(shapes):
            first = found[kind, shape, 100] / count
            others = [found.get((kind, shape, size)) for size in LARGER]
            cells = [seconds_text(t / count / 1e9) if t else "–" for t in others]
            largest = [t / count for t in others if t][-1]
            name = kind if count == 1 else f"one of a batch of {count}"
            rows.append([name, shape, seconds_text(first / 1e9), *cells, times(largest, first)])
    sizes = [f"{size:,}" for size in (100, *LARGER)]
    return table(["", "policies", *sizes, "largest to 100"], rows, texts=2)


def http_table(found, batches, alone, sizes):
    bare, small = found["echo"]["perSecond"], found[100]
    head = ["8 connections", "requests/s", "decisions/s", "p50", "p99", "of the echo"]
    head += ["of 100 policies", "p50, one connection"]

    def row(name, figures, decisions, *last):
        rate = figures["perSecond"]
        each = f"{rate * decisions:,.0f}" if decisions else "–"
        tail = seconds_text(figures["p99"] / 1e6)
        return [name, f"{rate:,.0f}", each, micro(figures), tail, *last]

    rows = [row("axum JSON echo", found["echo"], 0, "", "", "")]
    for policies in sizes.links:
        figures = found[policies]
        rate = figures["perSecond"]
        shares = percent(rate, bare), percent(rate, small["perSecond"])
        name = f"IsAuthorized, {policies:,} policies"
        rows.append(row(name, figures, 1, *shares, micro(alone[policies])))
    for policies, figures in batches.items():
        name = f"BatchIsAuthorized of {BATCH}, {policies:,} policies"
        decisions = BATCH * figures["perSecond"]
        share = percent(figures["perSecond"], batches[100]["perSecond"])
        single = times(decisions, found[policies]["perSecond"])
        rows.append(row(name, figures, BATCH, f"{single} single calls", share, ""))
    return table(head, rows)
