// Draws the charts of the report that is in this page, and draws them anew when its width or its colours change.
"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const plots = new Map();

/** Whether nothing was measured at all. */
const isEmpty = report.series.points.length < 2 && report.percentiles.length < 2;

function drawAll() {
  if (isEmpty) {
    const charts = document.querySelector(".charts");
    charts.replaceChildren(nothing("There is nothing to show: nothing was measured."));
    return;
  }
  const colours = coloursNow();
  for (const place of document.querySelectorAll("[data-chart]")) {
    plots.get(place)?.destroy();
    plots.delete(place);
    draw(place, colours);
  }
}

function draw(place, colours) {
  const name = place.dataset.chart;
  const isOverTime = name !== "percentiles";
  const chart = isOverTime && report.series.points.length < 2 ? null : CHARTS[name](report, colours);
  if (chart === null) {
    const were = name === "incidents" && report.series.points.length >= 2;
    place.replaceChildren(nothing(were ? "There were none." : "There is nothing to show."));
    return;
  }
  place.replaceChildren();
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", chart.label);
  plots.set(place, new uPlot({ ...chart.options, ...sizeOf(place, chart.height) }, chart.data, place));
}

function nothing(text) {
  const said = document.createElement("p");
  said.className = "nothing";
  said.textContent = text;
  return said;
}

function fit() {
  for (const [place, plot] of plots) {
    const size = sizeOf(place, plot.height);
    if (size.width !== plot.width) {
      plot.setSize(size);
    }
  }
}

/** What the charts over time show, interval by interval; made when it is asked for. */
function fillTable(details) {
  const names = statesIn(report);
  const columns = [
    ["at", ({ at }) => inUnits.seconds(at)],
    ["sent", ({ sent }) => inUnits.count(sent)],
    ["received", ({ received }) => inUnits.count(received)],
    ["p50", ({ p50Ms }) => inUnits.ms(p50Ms)],
    ["p99", ({ p99Ms }) => inUnits.ms(p99Ms)],
    ["max", ({ maxMs }) => inUnits.ms(maxMs)],
    ...names.map((name) => [name, ({ states }) => inUnits.count(states[name] ?? 0)]),
    ["cores", ({ cores }) => inUnits.cores(cores)],
    ["memory", ({ memoryBytes }) => inUnits.bytes(memoryBytes)],
    ["incidents", ({ incidents }) => Object.entries(incidents).map(([kind, count]) => `${count} ${kind}`).join(", ")],
    ["errors", ({ errors }) => inUnits.count(errors)],
  ];
  const row = (cells, head) => {
    const line = document.createElement("tr");
    cells.forEach((text, at) => {
      const cell = document.createElement(head || at === 0 ? "th" : "td");
      cell.textContent = text;
      if (cell.tagName === "TH") {
        cell.scope = head ? "col" : "row";
      }
      line.append(cell);
    });
    return line;
  };
  const table = document.createElement("table");
  table.createTHead().append(row(columns.map(([name]) => name), true));
  table.createTBody().append(...report.series.points.map((point) => row(columns.map(([, show]) => show(point)), false)));
  details.querySelector(".wide").replaceChildren(table);
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 2)], { type: "application/json" }));
  link.download = "crsocket-load.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function showAll() {
  const last = report.series.points.at(-1)?.at ?? 0;
  for (const [place, plot] of plots) {
    if (place.dataset.chart !== "percentiles") {
      plot.setScale("x", { min: 0, max: last });
    }
  }
}

for (const said of document.querySelectorAll(".key, .hint")) {
  said.hidden = isEmpty;
}
const overTimeTable = document.getElementById("over-time");
overTimeTable.hidden = report.series.points.length === 0;
overTimeTable.addEventListener("toggle", () => fillTable(overTimeTable), { once: true });
const saving = document.getElementById("save");
saving.hidden = false;
saving.addEventListener("click", save);
document.getElementById("show-all").addEventListener("click", showAll);

drawAll();
new ResizeObserver(fit).observe(document.querySelector(".charts"));
for (const media of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(media).addEventListener("change", drawAll);
}
