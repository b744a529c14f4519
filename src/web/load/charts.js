// What charts have in common: axes, scales, cursor, size.
"use strict";

const AXIS_FONT = "12px system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif";
const SECONDS = [0.1, 1, 10, 100, 1_000, 10_000, 100_000].flatMap((power) => [power, 2 * power, 5 * power]);

function axis(colours, more) {
  return {
    stroke: colours.soft,
    font: AXIS_FONT,
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 5 },
    ...more,
  };
}

/** From bottom to top; figures with these units. */
const upAxis = (colours, unit, more = {}) => axis(colours, { size: 62, gap: 4, values: (_, all) => all.map((value) => (value === null ? "" : atAxis(unit(value)))), ...more });

const timeAxis = (colours) => axis(colours, { size: 30, space: 56, incrs: SECONDS, values: (_, all) => all.map((at) => `${atAxis(at.toFixed(1))} s`) });

/** From 0 on, with some room above. */
const fromZero = (_, __, max) => [0, max > 0 ? max * 1.05 : 1];

/** Whole powers of ten around all. */
function powersOfTen(_, min, max) {
  if (isNone(min) || isNone(max) || min <= 0) {
    return [0.1, 100];
  }
  const low = Math.floor(Math.log10(min) + 1e-9);
  return [10 ** low, 10 ** Math.max(low + 1, Math.ceil(Math.log10(max) - 1e-9))];
}

/** A scale for lengths that differ by orders. */
const LENGTHS = { distr: 3, range: powersOfTen };

/** At each power of ten; in between, too, where there are few of them. */
function powersAt(_, __, min, max) {
  const decades = Math.round(Math.log10(max / min));
  const steps = decades <= 2 ? [1, 2, 5] : [1];
  const all = Array.from({ length: decades + 1 }, (_, at) => steps.map((step) => Number((min * 10 ** at * step).toPrecision(6))));
  return all.flat().filter((value) => value <= max * 1.001);
}

const lengthAxis = (colours) => upAxis(colours, inUnits.ms, { splits: powersAt, filter: (_, splits) => splits });

function line(label, colour, unit, more = {}) {
  return { label, stroke: colour, width: 2, points: { show: false }, value: (_, value) => unit(value), ...more };
}

/** A chart over time that shows the same part of it as the others, with their cursor. */
function overTime(report, colours, { series, axes, scales, more = {} }) {
  const times = report.series.points.map(({ at }) => at);
  const [first, last] = [times[0], times.at(-1)];
  return {
    padding: [22, 20, 0, 0],
    scales: { x: { time: false, range: (_, min, max) => (min === first && max === last ? [0, last] : [min, max]) }, ...scales },
    series: [{ label: "at", value: (_, at) => inUnits.seconds(at) }, ...series],
    axes: [timeAxis(colours), ...axes],
    cursor: { sync: { key: "time" }, drag: { x: true, y: false, dist: 8 }, y: false },
    plugins: [marks(report, colours)],
    hooks: { setScale: [(plot, key) => key === "x" && zoomed(plot, last)], setCursor: [idle], ready: [idle] },
    ...more,
  };
}

/** The button that leads back is there while a part is shown. */
function zoomed(plot, last) {
  const { min, max } = plot.scales.x;
  document.getElementById("show-all").hidden = min <= 0 && max >= last;
}

/** Where the cursor is nowhere, there are no values to show. */
const idle = (plot) => plot.root.toggleAttribute("data-idle", isNone(plot.cursor.idx));

/** As wide as its place. */
const sizeOf = (element, height) => ({ width: Math.max(240, Math.floor(element.clientWidth)), height });
