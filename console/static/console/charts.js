// The charts of the live page, drawn with uPlot (console/uplot/).

const { uPlot } = window;
const REASONS = {
  "sold-out": "#8a94a3",
  "purchase-limit": "#d9822b",
  "sale-not-open": "#3b82c4",
  "sale-closed": "#6b5bb5",
  "idempotency-key-reused": "#b0378f",
  unavailable: "#c8321f",
};
const OTHER = "#4c8c8a";
const [LIGHT, DARK] = [{ ink: "#5b6470", grid: "#e6e9ed" }, { ink: "#b6bcc6", grid: "#2c333d" }];
const LATENCY_MS = [1, 4000]; // of the axis; quicker and slower answers are drawn at its ends
const TOGETHER = uPlot.sync("live"); // a moment that is pointed at in one chart is shown in all

// Of a second: its parts, in the sequence in which the feed sends them.
const [AT, ACCEPTED, REFUSED, PERSISTED, BACKLOG, P50, P99] = [0, 1, 2, 3, 4, 5, 6];

export function makeCharts() {
  const flow = chart("chart-flow", [line("accepted", "#2e9e6b"), line("persisted", "#3b82c4")]);
  const backlog = chart("chart-backlog", [area("orders waiting", "#e0a030")]);
  const latency = chart("chart-latency", [line("half within", "#2e9e6b"), line("99 % within", "#b0370b")], { latency: true });
  const refused = refusedChart();
  const all = () => [flow, backlog, latency, refused.current()];
  new MutationObserver(() => all().forEach((made) => made.redraw(false))).observe(document.documentElement, { attributeFilter: ["class"] });
  new ResizeObserver(() => all().forEach(fit)).observe(flow.root.parentElement);

  return {
    draw(seconds) {
      const column = (part) => seconds.map((second) => second[part]);
      fill(flow, [column(AT), column(ACCEPTED), column(PERSISTED)]);
      fill(backlog, [column(AT), column(BACKLOG)]);
      fill(latency, [column(AT), column(P50).map(onAxis), column(P99).map(onAxis)]);
      refused.draw(seconds);
    },
  };
}

function chart(id, series, { latency = false } = {}) {
  const place = document.getElementById(id);
  const options = {
    ...sizeOf(place),
    series: [{ value: (_, at) => clock(at) }, ...series.map((each) => ({ value: (_, value) => said(value, latency), ...each }))],
    scales: { y: latency ? { distr: 3, range: LATENCY_MS } : { range: (_, least, most) => [0, uPlot.rangeNum(0, Math.max(5, most ?? 0), 0.1, true)[1]] } },
    axes: [
      { ...axis(), grid: { show: false }, size: 28, space: 70, incrs: [5, 10, 30, 60, 120, 300], values: (_, splits) => splits.map(clock) },
      { ...axis(latency ? tens : undefined), size: latency ? 64 : 52, incrs: latency ? undefined : WHOLE, values: (_, splits) => splits.map((value) => said(value, latency)) },
    ],
    padding: [8, 16, 0, 0],
    cursor: { sync: { key: TOGETHER.key }, drag: { x: false, y: false }, y: false },
  };
  return new uPlot(options, [[], ...series.map(() => [])], place);
}

// A stack has a series for each reason that was given, so it is made anew when there is another one.
function refusedChart() {
  let names = ["none"];
  let parts = [];
  let made = stack();

  function stack() {
    return chart("chart-refused", names.map((name, index) => ({
      ...line(name, REASONS[name] ?? OTHER),
      fill: REASONS[name] ?? OTHER,
      value: (_, __, ___, at) => said(parts[index]?.[at]),
    })));
  }

  return {
    current: () => made,
    draw(seconds) {
      const seen = reasonsOf(seconds);
      if (seen.join() !== names.join()) {
        made.destroy();
        names = seen;
        made = stack();
      }
      parts = names.map((name) => seconds.map((second) => second[REFUSED][name] ?? 0));
      // The first is the sum of all, and is painted over by those that follow.
      const sums = parts.map((_, index) => seconds.map((__, at) => parts.slice(index).reduce((sum, part) => sum + part[at], 0)));
      fill(made, [seconds.map((second) => second[AT]), ...sums]);
    },
  };
}

function reasonsOf(seconds) {
  const seen = new Set(seconds.flatMap((second) => Object.keys(second[REFUSED])));
  const names = [...Object.keys(REASONS).filter((name) => seen.has(name)), ...[...seen].filter((name) => !(name in REASONS)).sort()];
  return names.length ? names : ["none"];
}

function fill(made, columns) {
  made.setData(columns);
  // Without a pointer over a chart, the legend shows the last second. Later, as uPlot empties it with new data.
  if ((made.cursor.left ?? -1) < 0 && columns[0].length) queueMicrotask(() => made.setLegend({ idx: columns[0].length - 1 }, false));
}

function fit(made) {
  made.setSize(sizeOf(made.root.parentElement));
}

const sizeOf = (place) => ({ width: Math.max(place.clientWidth, 200), height: 180 });
const line = (label, colour) => ({ label, stroke: colour, width: 1.5, points: { show: false } });
const area = (label, colour) => ({ ...line(label, colour), fill: `${colour}55` });
const WHOLE = [1, 2, 5].flatMap((digit) => [...Array(9).keys()].map((power) => digit * 10 ** power)).sort((one, other) => one - other);

const tens = (_, values) => values.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

function axis(filter) {
  const colours = () => (document.documentElement.classList.contains("dark") ? DARK : LIGHT);
  return { stroke: () => colours().ink, font: "12px system-ui, sans-serif", grid: { stroke: () => colours().grid, width: 1, ...(filter && { filter }) }, ticks: { show: false } };
}

function onAxis(milliseconds) {
  return milliseconds === null ? null : Math.min(Math.max(milliseconds, LATENCY_MS[0]), LATENCY_MS[1]);
}

function said(value, latency = false) {
  if (value === null || value === undefined) return latency ? "" : "–";
  const figure = value.toLocaleString("en", { maximumFractionDigits: latency ? 1 : 0 });
  return latency ? `${figure} ms` : figure;
}

const clock = (unix) => (unix === null || unix === undefined ? "–" : new Date(unix * 1000).toLocaleTimeString("en-GB"));
