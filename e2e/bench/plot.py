"""A plot of times against sizes, both on logarithmic scales, as SVG."""

import math

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 60
COLORS = ["#0b6e4f", "#c0392b", "#1f5fa8", "#8e5a00", "#6b3fa0"]
UNITS = [(1e-6, "ns", 1e9), (1e-3, "µs", 1e6), (1, "ms", 1e3), (math.inf, "s", 1)]


def seconds_text(seconds):
    """A time with three digits and its unit."""
    _, unit, factor = next(row for row in UNITS if seconds < row[0])
    value = seconds * factor
    digits = max(0, 2 - math.floor(math.log10(value))) if value else 0
    return f"{value:,.{min(digits, 2)}f} {unit}"


def tick_text(exponent):
    return seconds_text(10.0**exponent).replace(".00", "").replace(".0", "")


def decades(values):
    return range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)


def plot(title, series):
    """The SVG; `series` are seconds by number of policies, by name."""
    points = [point for each in series.values() for point in each.items()]
    across, up = decades([x for x, _ in points]), decades([y for _, y in points])

    def place(x, y):
        from_left = (math.log10(x) - across[0]) / (across[-1] - across[0])
        from_below = (math.log10(y) - up[0]) / (up[-1] - up[0])
        left = LEFT + from_left * (WIDTH - LEFT - RIGHT)
        return left, HEIGHT - BOTTOM - from_below * (HEIGHT - TOP - BOTTOM)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{title}</text>',
    ]
    lines += grid(across, up, place)
    for name, label in zip(series, label_places(series, place), strict=True):
        color = COLORS[list(series).index(name) % len(COLORS)]
        places = [place(x, y) for x, y in sorted(series[name].items())]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>'
        )
        for left, top in places:
            lines.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" fill="{color}"/>')
        left = WIDTH - RIGHT + 14
        lines.append(f'<text x="{left}" y="{label + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join([*lines, "</svg>", ""])


def grid(across, up, place):
    text, rule = 'fill="#333333"', 'stroke="#dddddd"'
    middle = f'text-anchor="middle" {text}'
    for exponent in across:
        left, bottom = place(10.0**exponent, 10.0 ** up[0])
        yield f'<line x1="{left:.1f}" y1="{TOP}" x2="{left:.1f}" y2="{bottom:.1f}" {rule}/>'
        label = f"{10**exponent:,}"
        yield f'<text x="{left:.1f}" y="{bottom + 20:.1f}" {middle}>{label}</text>'
    for exponent in up:
        left, top = place(10.0 ** across[0], 10.0**exponent)
        right, _ = place(10.0 ** across[-1], 10.0**exponent)
        yield f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{top:.1f}" {rule}/>'
        label = tick_text(exponent)
        yield f'<text x="{left - 8:.1f}" y="{top + 4:.1f}" text-anchor="end" {text}>{label}</text>'
    center = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{center}" y="{HEIGHT - 14}" {middle}>policies in the store</text>'


def label_places(series, place):
    """How far down the names of the lines stand: at their ends, but not on each other."""
    ends = [place(*max(each.items()))[1] for each in series.values()]
    order = sorted(range(len(ends)), key=lambda at: ends[at])
    for before, at in zip(order, order[1:], strict=False):
        ends[at] = max(ends[at], ends[before] + 18)
    return ends
