/** Histogram: how many events there are over time, by type or source; a brush sets the period. */

import uPlot from "./vendor/uPlot.esm.js";
import { jsonOf, wasAborted } from "./api.js";
import { follow, go, period, queryOf, view } from "./store.js";
import { whenArrived, whenShown } from "./feed.js";
import { short } from "./visible.js";

const HEIGHT = 108;
const LEAST_SECONDS = 3;
const COST_FACTOR = 10;
const OTHERS = "others";
const COLOURS = [
  "#2563eb", "#d97706", "#059669", "#c026d3", "#dc2626", "#0891b2",
  "#7c3aed", "#65a30d", "#db2777", "#78716c", "#94a3b8",
];

const figure = document.getElementById("histogram");
const place = document.createElement("div");
const legend = document.createElement("ul");
legend.className = "legend";

let plot;
let key;
let request = new AbortController();
let timer;
let wait = LEAST_SECONDS;

/** Draw it for each view, and again as events arrive. */
export function begin() {
  figure.append(place, legend);
  follow((now) => {
    const wanted = JSON.stringify([now.filters, now.group, now.times]);
    if (wanted !== key) load();
    key = wanted;
  });
  whenArrived(() => {
    timer ??= setTimeout(load, wait * 1000);
  });
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", load);
}

async function load() {
  clearTimeout(timer);
  timer = undefined;
  request.abort();
  request = new AbortController();
  const { signal } = request;
  // Rows come first: neither the service nor this thread is to be busy with something else.
  await whenShown();
  if (signal.aborted) return;
  const began = performance.now();
  const { filters, group } = view();
  try {
    const query = queryOf([...filters, ["group", group]]);
    draw(tableOf(await jsonOf(`/v1/stats${query}`, signal)));
    // Who leaves the page open must not cost the service more than a part of its time.
    wait = Math.max(LEAST_SECONDS, ((performance.now() - began) / 1000) * COST_FACTOR);
  } catch (error) {
    if (!wasAborted(error)) draw({ starts: [], series: [] });
  }
}

/** Starts of buckets in seconds, and of each value its name, its total and its counts. */
function tableOf({ items }) {
  const starts = [...new Set(items.map((item) => Date.parse(item.start) / 1000))];
  const index = new Map(starts.map((start, at) => [start, at]));
  const series = new Map();
  for (const { start, value, count } of items) {
    const name = value ?? OTHERS;
    if (!series.has(name)) series.set(name, { name, total: 0, counts: Array(starts.length).fill(0) });
    const one = series.get(name);
    one.counts[index.get(Date.parse(start) / 1000)] += count;
    one.total += count;
  }
  const found = [...series.values()].filter(({ total }) => total);
  return { starts, series: found.sort((one, other) => other.total - one.total) };
}

function draw({ starts, series }) {
  plot?.destroy();
  plot = undefined;
  legend.replaceChildren(...series.map(legendItem));
  describe(starts, series);
  if (!starts.length || !place.clientWidth) return;
  // One bucket alone has no width.
  const length = starts.length > 1 ? starts[1] - starts[0] : 1;
  const stacked = stack(series);
  const ink = getComputedStyle(figure).color;
  plot = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      tzDate: (seconds) => inZone(new Date(seconds * 1000)),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { range: [starts[0], starts.at(-1) + length] }, y: { range: (_, __, most) => [0, most || 1] } },
      axes: [
        { stroke: ink, grid: { show: false }, size: 24 },
        { stroke: ink, grid: { show: false }, size: 48, space: 24 },
      ],
      series: [{}, ...stacked.map(({ colour }) => bars(colour))],
      hooks: { setSelect: [(self) => choose(self, length)] },
    },
    [starts, ...stacked.map(({ sums }) => sums)],
    place,
  );
}

function inZone(date) {
  return view().times === "utc" ? uPlot.tzDate(date, "Etc/UTC") : date;
}

function bars(colour) {
  const paths = uPlot.paths.bars({ align: 1, size: [1, Infinity], gap: 1 });
  return { fill: colour, stroke: colour, width: 0, points: { show: false }, paths };
}

/** The sums of each value and those before it; the highest first, so that lower ones are on top. */
function stack(series) {
  let sums = [];
  const stacked = series.map(({ counts }, index) => {
    sums = counts.map((count, at) => count + (sums[at] ?? 0));
    return { sums, colour: COLOURS[index % COLOURS.length] };
  });
  return stacked.reverse();
}

function legendItem({ name, total }, index) {
  const item = document.createElement("li");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = COLOURS[index % COLOURS.length];
  item.append(swatch, `${short(name, 60)} ${total.toLocaleString("en")}`);
  return item;
}

function describe(starts, series) {
  const total = series.reduce((sum, each) => sum + each.total, 0);
  place.role = "img";
  place.ariaLabel = `${total.toLocaleString("en")} events in ${starts.length} intervals`;
}

function choose(self, length) {
  const { left, width } = self.select;
  if (width < 2) return;
  const since = Math.floor(self.posToVal(left, "x") / length) * length;
  const until = Math.ceil(self.posToVal(left + width, "x") / length) * length;
  self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  const now = view();
  const by = now.filters.filter(([name]) => name === "by");
  go([...period(now.pairs, moment(since), moment(until)), ...by]);
}

function moment(seconds) {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
