"""Single events a second as bars, in SVG."""

from html import escape

from bench.load import wrk as load
from bench.measures.rates import Results, Spread

WIDTH, LABELS, BAR, GAP, MARGIN = 760, 260, 26, 14, 24
SCALE = WIDTH - LABELS - 110
OURS, PEER, INK = "#2a7f62", "#9aa5b1", "#1f2933"
TITLE = "Single events a second, binary mode"


def singles(rates: Results) -> str:
    """A bar for each contender that took single events, with a line from its lowest round to its
    highest.
    """
    found = {name: rates.rate(name) for name, kind in rates.samples if kind == load.BINARY.name}
    bars = [(name, rate) for name, rate in found.items() if rate]
    bars.sort(key=lambda bar: -bar[1].median)
    most = max(rate.high for _, rate in bars)
    height = 2 * MARGIN + len(bars) * (BAR + GAP)
    text = f'font-family="sans-serif" font-size="13" fill="{INK}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {text}>',
        f"<title>{TITLE}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LABELS}" y="{MARGIN - 6}" font-weight="bold">{TITLE}</text>',
    ]
    for number, (name, rate) in enumerate(bars):
        lines += _bar(name, rate, SCALE / most, MARGIN + number * (BAR + GAP) + GAP / 2)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _bar(name: str, rate: Spread, scale: float, top: float) -> list[str]:
    middle, length = top + BAR / 2, rate.median * scale
    low, high = LABELS + rate.low * scale, LABELS + rate.high * scale
    colour = OURS if name.startswith("ours") else PEER
    return [
        f'<text x="{LABELS - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{LABELS}" y="{top:.1f}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>',
        f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="{INK}" stroke-width="2"/>',
        f'<text x="{high + 8:.1f}" y="{middle + 4:.1f}">{rate.median:,.0f}</text>',
    ]
