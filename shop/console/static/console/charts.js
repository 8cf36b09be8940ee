// The charts of the live page, drawn with the Chart.js that comes with the admin's theme.

const REASONS = {
  "sold-out": "#8a94a3",
  "purchase-limit": "#d9822b",
  "sale-not-open": "#3b82c4",
  "sale-closed": "#6b5bb5",
  "idempotency-key-reused": "#b0378f",
  unavailable: "#c8321f",
};
const OTHER = "#4c8c8a";

// Of a second: its parts, in the sequence in which the feed sends them.
const [AT, ACCEPTED, REFUSED, PERSISTED, BACKLOG, P50, P99] = [0, 1, 2, 3, 4, 5, 6];

export function makeCharts() {
  const flow = chart("chart-flow", [line("accepted", "#2e9e6b"), line("persisted", "#3b82c4")]);
  const refused = chart("chart-refused", [], { stacked: true });
  const backlog = chart("chart-backlog", [area("orders waiting", "#e0a030")]);
  const latency = chart("chart-latency", [line("half within", "#2e9e6b"), line("99 % within", "#b0370b")], { latency: true });
  const all = [flow, refused, backlog, latency];
  new MutationObserver(() => all.forEach(recolour)).observe(document.documentElement, { attributeFilter: ["class"] });

  return {
    draw(seconds) {
      const at = seconds.map((second) => clock(second[AT]));
      fill(flow, at, [seconds.map((second) => second[ACCEPTED]), seconds.map((second) => second[PERSISTED])]);
      fill(backlog, at, [seconds.map((second) => second[BACKLOG])]);
      fill(latency, at, [seconds.map((second) => second[P50]), seconds.map((second) => second[P99])]);
      fillReasons(refused, at, seconds);
    },
  };
}

function chart(id, datasets, { stacked = false, latency = false } = {}) {
  const ticks = { maxTicksLimit: 6, callback: (value) => (latency ? `${value} ms` : value.toLocaleString("en")) };
  const y = latency
    ? { type: "logarithmic", min: 1, max: 4000, ticks: { ...ticks, maxTicksLimit: 5 } }
    : { beginAtZero: true, suggestedMax: 5, stacked, ticks: { ...ticks, precision: 0 } };
  const made = new window.Chart(document.getElementById(id), {
    type: "line",
    data: { labels: [], datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { align: "end", labels: { boxWidth: 10, boxHeight: 10 } } },
      scales: { x: { grid: { display: false }, ticks: { maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 16 } }, y },
    },
  });
  recolour(made);
  return made;
}

function line(label, colour) {
  return { label, data: [], borderColor: colour, backgroundColor: colour, borderWidth: 1.5, pointRadius: 0, spanGaps: false };
}

function area(label, colour) {
  return { ...line(label, colour), backgroundColor: `${colour}55`, fill: true };
}

function fill(made, labels, columns) {
  made.data.labels = labels;
  columns.forEach((column, index) => {
    made.data.datasets[index].data = column;
  });
  made.update("none");
}

function fillReasons(made, labels, seconds) {
  const seen = new Set(seconds.flatMap((second) => Object.keys(second[REFUSED])));
  const names = [...Object.keys(REASONS).filter((name) => seen.has(name)), ...[...seen].filter((name) => !(name in REASONS)).sort()];
  const shown = names.length ? names : ["none"];
  made.data.datasets = shown.map((name, index) => ({
    ...area(name, REASONS[name] ?? OTHER),
    backgroundColor: REASONS[name] ?? OTHER,
    borderWidth: 0,
    fill: index ? "-1" : "origin",
    data: seconds.map((second) => second[REFUSED][name] ?? 0),
  }));
  made.data.labels = labels;
  made.update("none");
}

function recolour(made) {
  const dark = document.documentElement.classList.contains("dark");
  const [ink, grid] = dark ? ["#b6bcc6", "#2c333d"] : ["#5b6470", "#e6e9ed"];
  made.options.plugins.legend.labels.color = ink;
  made.options.scales.x.ticks.color = made.options.scales.y.ticks.color = ink;
  made.options.scales.y.grid = { color: grid };
  made.update("none");
}

const clock = (unix) => new Date(unix * 1000).toLocaleTimeString("en-GB");
