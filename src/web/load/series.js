// The charts: what each shows of a report. Each gives options, data and a height for uPlot, and a sentence for those who
// cannot see it; or null where there is nothing to show.
"use strict";

const column = (report, get) => report.series.points.map(get);
const times = (report) => column(report, ({ at }) => at);
const anyOf = (values) => values.some((value) => !isNone(value));
/** A logarithm has no zero; nothing is faster than this. */
const positive = (value) => (isNone(value) ? null : Math.max(value, 0.001));
const greatest = (values) => values.reduce((most, value) => (isNone(value) || value <= most ? most : value), 0);

function latencyOverTime(report, colours) {
  const data = [times(report), ...["p50Ms", "p99Ms", "maxMs"].map((name) => column(report, (point) => positive(point[name])))];
  if (!anyOf(data[1])) {
    return null;
  }
  const series = [
    line("p50", colours.blue, inUnits.ms),
    line("p99", colours.orange, inUnits.ms, { dash: [8, 3] }),
    line("max", colours.purple, inUnits.ms, { width: 1.25, dash: [2, 2] }),
  ];
  const options = overTime(report, colours, { series, axes: [lengthAxis(colours)], scales: { y: LENGTHS } });
  const label = `Latency over time. The highest p50 of an interval is ${inUnits.ms(greatest(data[1]))}, the highest p99 ${inUnits.ms(greatest(data[2]))}, the slowest event took ${inUnits.ms(greatest(data[3]))}.`;
  return { options, data, height: 300, label };
}

/** Where a percentile lies: 90 % at 1, 99 % at 2. The longest is one of so many. */
function nines(percentile, count) {
  return percentile >= 100 ? Math.log10(Math.max(10, count)) : -Math.log10(1 - percentile / 100);
}

/** Labels as far as there is room for them, from the left. */
function labelsWithRoom(plot, all) {
  let end = -Infinity;
  return all.map((value) => {
    const text = inUnits.percentile(value);
    const [middle, half] = [plot.valToPos(value, "x"), text.length * 3.5 + 4];
    if (middle - half < end) {
      return "";
    }
    end = middle + half;
    return text;
  });
}

function latencyCurve(report, colours) {
  const points = report.percentiles;
  if (points.length < 2) {
    return null;
  }
  const xs = points.map(({ percentile }) => nines(percentile, report.latencyMs.count));
  for (let at = 1; at < xs.length; at += 1) {
    xs[at] = Math.max(xs[at], xs[at - 1]);
  }
  const end = Math.max(1, xs.at(-1));
  const ticks = [Math.log10(2), ...Array.from({ length: Math.floor(end + 1e-9) }, (_, at) => at + 1)];
  const options = {
    padding: [12, 24, 0, 0],
    scales: { x: { time: false, range: () => [0, end] }, y: LENGTHS },
    series: [{ label: "percentile", value: (_, value) => inUnits.percentile(value) }, line("latency", colours.blue, inUnits.ms, { fill: faint(colours.blue, 0.12), width: 2.5 })],
    axes: [axis(colours, { size: 30, splits: () => ticks, filter: (_, splits) => splits, values: labelsWithRoom }), lengthAxis(colours)],
    cursor: { drag: { x: false, y: false }, y: false },
    hooks: { draw: [(plot) => within(plot, (context, box, ratio) => drawLimits(plot, report.gates, colours, context, box, ratio))], setCursor: [idle], ready: [idle] },
  };
  const { p50, p90, p99, p999, max } = report.latencyMs;
  const label = `Latency by percentile: p50 ${inUnits.ms(p50)}, p90 ${inUnits.ms(p90)}, p99 ${inUnits.ms(p99)}, p99.9 ${inUnits.ms(p999)}, the longest ${inUnits.ms(max)}.`;
  return { options, data: [xs, points.map(({ ms }) => positive(ms))], height: 260, label };
}

/** What was accepted at most, at the percentile that the gate is about. */
function drawLimits(plot, gates, colours, context, box, ratio) {
  const at = { "--max-p50": Math.log10(2), "--max-p90": 1, "--max-p99": 2, "--max-p999": 3, "--max-latency": plot.scales.x.max };
  for (const { flag, limit, passed } of gates.filter(({ flag }) => flag in at)) {
    const x = plot.valToPos(at[flag], "x", true);
    const y = plot.valToPos(limit, "y", true);
    if (x > box.left + box.width + 1 || y < box.top || y > box.top + box.height) {
      continue;
    }
    context.fillStyle = passed ? colours.soft : colours.stop;
    context.fillRect(x - 16 * ratio, y - ratio, 32 * ratio, 2 * ratio);
    context.font = MARK_FONT(ratio);
    context.textAlign = x > box.left + box.width - 60 * ratio ? "right" : "center";
    context.textBaseline = y - box.top < 16 * ratio ? "top" : "bottom";
    const text = [passed ? "limit" : "limit, failed", x, y + (context.textBaseline === "top" ? 4 : -3) * ratio];
    // Legible also where the curve passes.
    context.strokeStyle = colours.card;
    context.lineWidth = 4 * ratio;
    context.lineJoin = "round";
    context.strokeText(...text);
    context.fillText(...text);
  }
}

function throughput(report, colours) {
  const interval = report.series.interval || 1;
  const data = [times(report), column(report, ({ received }) => received / interval), column(report, ({ sent }) => sent / interval)];
  const series = [
    line("received", colours.blue, inUnits.rate, { width: 3, fill: faint(colours.blue, 0.15) }),
    line("sent", colours.orange, inUnits.rate, { width: 1.25, dash: [3, 7] }),
  ];
  const options = overTime(report, colours, { series, axes: [upAxis(colours, inUnits.rate)], scales: { y: { range: fromZero } } });
  const label = `Throughput over time: ${inUnits.rate(report.events.perSecond)} received while it was measured, ${inUnits.rate(greatest(data[1]))} in the best interval.`;
  return { options, data, height: 260, label };
}

/** The names of all states that occur, the published ones first. */
function statesIn(report) {
  const all = new Set(report.series.points.flatMap(({ states }) => Object.keys(states)));
  return [...STATES.filter((name) => all.has(name)), ...[...all].filter((name) => !STATES.includes(name)).sort()];
}

function states(report, colours) {
  const names = statesIn(report);
  if (names.length === 0) {
    return null;
  }
  const counts = names.map((name) => column(report, (point) => point.states[name] ?? 0));
  // Each area reaches down to the ground; the next lower one is drawn over it.
  const tops = names.map((_, upTo) => counts[0].map((_, at) => counts.slice(0, upTo + 1).reduce((total, one) => total + one[at], 0)));
  const series = names.map((name, at) => ({
    label: name,
    stroke: colours.card,
    width: 0.5,
    fill: colours.state(name),
    points: { show: false },
    value: (_, __, ___, index) => inUnits.count(isNone(index) ? null : counts[at][index]),
  }));
  const more = { legend: { markers: { fill: (_, index) => colours.state(names[names.length - index]), stroke: () => "transparent" } } };
  const scales = { y: { range: (_, __, max) => [0, Math.max(1, max)] } };
  const options = overTime(report, colours, { series: series.toReversed(), axes: [upAxis(colours, inUnits.count)], scales, more });
  options.cursor.points = { show: false };
  const last = names.map((name, at) => `${inUnits.count(counts[at].at(-1))} ${name}`);
  return { options, data: [times(report), ...tops.toReversed()], height: 260, label: `CrSockets by state over time. In the last interval: ${last.join(", ")}.` };
}

/** A lane for each kind of incident, one for errors. */
function incidents(report, colours) {
  const kinds = new Set(report.series.points.flatMap(({ incidents }) => Object.keys(incidents)));
  const lanes = [...kinds].sort().slice(0, 12).map((name) => ({ name, colour: colours.purple, counts: column(report, ({ incidents }) => incidents[name] ?? 0) }));
  const errors = column(report, (point) => point.errors);
  if (greatest(errors) > 0) {
    lanes.push({ name: "errors", colour: colours.stop, counts: errors });
  }
  if (lanes.length === 0) {
    return null;
  }
  const series = lanes.map(({ name, colour }) => line(name, colour, inUnits.count, { paths: () => null }));
  const axes = [axis(colours, { side: 3, size: 62, grid: { show: false }, ticks: { show: false }, splits: () => [], values: () => [] })];
  const options = overTime(report, colours, { series, axes, scales: { y: { range: () => [0, lanes.length] } } });
  options.cursor.points = { show: false };
  options.hooks.drawAxes = [(plot) => within(plot, (context, box, ratio) => drawLanes(plot, report.series.interval, lanes, colours, context, box, ratio))];
  const total = lanes.map(({ name, counts }) => `${inUnits.count(counts.reduce((all, one) => all + one, 0))} ${name}`);
  return { options, data: [times(report), ...lanes.map(({ counts }) => counts)], height: 56 + Math.max(3, lanes.length) * 36, label: `Incidents and errors over time: ${total.join(", ")}.` };
}

function drawLanes(plot, interval, lanes, colours, context, box, ratio) {
  const high = box.height / lanes.length;
  context.font = MARK_FONT(ratio);
  context.textBaseline = "top";
  context.textAlign = "left";
  lanes.forEach(({ name, colour, counts }, lane) => {
    const top = box.top + lane * high;
    const most = greatest(counts);
    counts.forEach((count, index) => {
      const at = plot.data[0][index];
      const [left, right] = [at - interval, at].map((time) => plot.valToPos(time, "x", true));
      if (count > 0 && right > box.left && left < box.left + box.width) {
        context.fillStyle = faint(colour, 0.35 + 0.65 * (count / most));
        context.fillRect(left, top + 17 * ratio, Math.max(ratio, right - left), high - 21 * ratio);
      }
    });
    context.fillStyle = colours.line;
    context.fillRect(box.left, top, box.width, ratio);
    context.fillStyle = colours.ink;
    context.fillText(name.length > 40 ? `${name.slice(0, 39)}…` : name, box.left + 4 * ratio, top + 4 * ratio);
  });
}

function single(name, unit, colour, more) {
  return (report, colours) => {
    const data = [times(report), column(report, (point) => point[name])];
    const series = [line(more.label, colours[colour], unit, { fill: faint(colours[colour], 0.15) })];
    const options = overTime(report, colours, { series, axes: [upAxis(colours, unit)], scales: { y: { range: fromZero } } });
    return { options, data, height: 200, label: `${more.title} over time: at most ${unit(greatest(data[1]))}${more.unit}.` };
  };
}

const CHARTS = {
  latency: latencyOverTime,
  percentiles: latencyCurve,
  throughput,
  states,
  incidents,
  cores: single("cores", inUnits.cores, "blue", { label: "cores", title: "Processor time", unit: " cores" }),
  memory: single("memoryBytes", inUnits.bytes, "purple", { label: "memory", title: "Memory", unit: "" }),
};
