// What is marked in charts over time: what was not measured, outages, incidents.
"use strict";

const MARK_FONT = (ratio) => `600 ${11 * ratio}px system-ui, sans-serif`;

/** Times that are shaded, with what they are called. */
function shades(report) {
  const { measuredFrom, measuredTo, points } = report.series;
  const end = points.at(-1)?.at ?? 0;
  const ramp = Math.min(report.setting.rampSeconds, measuredFrom);
  return [
    { from: 0, to: ramp, name: "ramp" },
    { from: ramp, to: measuredFrom, name: "warm-up" },
    { from: measuredTo, to: end, name: "end" },
  ].filter(({ from, to }) => to > from);
}

/** A plugin of uPlot that draws them over a chart. */
function marks(report, colours) {
  return { hooks: { draw: (plot) => within(plot, (context, box, ratio) => drawMarks(plot, report, colours, context, box, ratio)) } };
}

/** Draws, with everything as it was afterwards. */
function within(plot, draw) {
  const context = plot.ctx;
  context.save();
  draw(context, plot.bbox, uPlot.pxRatio);
  context.restore();
}

function drawMarks(plot, report, colours, context, box, ratio) {
  const span = (from, to) => {
    const [left, right] = [from, to].map((at) => Math.min(box.left + box.width, Math.max(box.left, plot.valToPos(at, "x", true))));
    return [left, right - left];
  };
  for (const { from, to, name } of shades(report)) {
    const [left, width] = span(from, to);
    context.fillStyle = colours.shade;
    context.fillRect(left, box.top, width, box.height);
    nameIt(context, name, left, width, box, ratio, colours.soft);
  }
  for (const { from, to } of report.outages) {
    const [left, width] = span(from, to ?? plot.scales.x.max);
    context.fillStyle = faint(colours.outage, 0.22);
    context.fillRect(left, box.top, width, box.height);
    context.fillStyle = colours.outage;
    for (const at of [left, left + width]) {
      context.fillRect(at - ratio * 0.75, box.top, ratio * 1.5, box.height);
    }
    nameIt(context, "outage", left, width, box, ratio, colours.outage);
  }
  drawIncidents(plot, report.series, colours.purple, context, box, ratio);
}

/** Its name, where there is room for it, beside it otherwise. */
function nameIt(context, name, left, width, box, ratio, colour) {
  context.font = MARK_FONT(ratio);
  context.textBaseline = "bottom";
  const needed = context.measureText(name).width;
  if (width <= 0 || (needed > width && name !== "outage")) {
    return;
  }
  context.fillStyle = colour;
  context.textAlign = "center";
  const middle = Math.min(box.left + box.width - needed / 2, Math.max(box.left + needed / 2, left + width / 2));
  context.fillText(name, middle, box.top - 7 * ratio);
}

/** A row of strokes over the chart; where there are few incidents, lines through it. */
function drawIncidents(plot, { points, interval }, colour, context, box, ratio) {
  const { min, max } = plot.scales.x;
  const some = points.filter(({ at, incidents }) => sum(incidents) > 0 && at - interval / 2 >= min && at - interval / 2 <= max);
  const most = Math.max(...some.map(({ incidents }) => sum(incidents)));
  for (const { at, incidents } of some) {
    const x = Math.round(plot.valToPos(at - interval / 2, "x", true));
    context.fillStyle = faint(colour, 0.35 + 0.65 * (sum(incidents) / most));
    context.fillRect(x - ratio / 2, box.top - 5 * ratio, Math.max(1, ratio), 5 * ratio);
    if (some.length <= 20) {
      context.fillStyle = faint(colour, 0.45);
      context.fillRect(x - ratio / 2, box.top, Math.max(1, ratio), box.height);
    }
  }
}

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
