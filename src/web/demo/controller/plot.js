// Reaction times as a picture: one bar for each trial, and a line at the median.

import { median, reactionTimes } from "../task.js";

/** As wide as its place, so that the letters are as large as elsewhere. */
const WIDTH_MIN = 280;
const WIDTH_MAX = 720;
const HEIGHT = 250;
const LEFT = 46;
const TOP = 26;
const BOTTOM = 210;

function shape(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, String(value));
  }
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

/** The upper end of the scale: the next 250 ms above the longest time, at least 500 ms. */
function scaleEnd(times) {
  return Math.max(500, Math.ceil((Math.max(0, ...times) * 1.02) / 250) * 250);
}

function inWords(run) {
  return run
    .filter((one) => one.outcome !== "open")
    .map((one) => `Trial ${one.trial}: ${one.outcome === "reaction" ? `${one.reactionMs} ms` : one.outcome}.`)
    .join(" ");
}

/** Draws the run anew. `running` is the trial that runs, or null. */
export function drawPlot(figure, run, running) {
  const times = reactionTimes(run);
  const end = scaleEnd(times);
  const y = (ms) => BOTTOM - (ms / end) * (BOTTOM - TOP);
  const right = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, figure.clientWidth));
  const svg = shape("svg", { viewBox: `0 0 ${right} ${HEIGHT}`, role: "img", "aria-labelledby": "plot-title plot-desc" });
  svg.append(shape("title", { id: "plot-title" }, "Reaction times of ten trials"));
  svg.append(shape("desc", { id: "plot-desc" }, inWords(run) || "No trial was done yet."));
  for (let ms = 0; ms <= end; ms += end > 1500 ? 500 : 250) {
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: right, y1: y(ms), y2: y(ms) }));
    svg.append(shape("text", { class: "axis", x: LEFT - 8, y: y(ms) + 5, "text-anchor": "end", "font-size": 14 }, ms));
  }
  svg.append(shape("text", { class: "axis", x: LEFT - 8, y: 14, "text-anchor": "end", "font-size": 14 }, "ms"));
  const step = (right - LEFT) / run.length;
  const columns = run.map((one) => column(one, one.trial === running, LEFT + (one.trial - 1) * step, step, y));
  svg.append(...columns.map(({ box }) => box));
  if (times.length > 1) {
    const at = y(median(times));
    svg.append(shape("line", { class: "median", x1: LEFT, x2: right, y1: at, y2: at, "stroke-width": 2 }));
  }
  svg.append(...columns.flatMap(({ words }) => words));
  figure.replaceChildren(svg);
}

function column(one, isRunning, left, step, y) {
  const middle = left + step / 2;
  const x = left + step * 0.16;
  const width = step * 0.68;
  const size = step < 40 ? 11.5 : 14;
  const centred = { x: middle, "text-anchor": "middle", "font-size": size };
  const name = shape("text", { ...centred, class: isRunning ? "value" : "axis", y: BOTTOM + 22 }, one.trial);
  if (one.outcome === "reaction" && !isRunning) {
    const top = y(one.reactionMs);
    return {
      box: shape("rect", { class: "bar", x, y: top, width, height: Math.max(0, BOTTOM - top), rx: 4 }),
      words: [name, shape("text", { ...centred, class: "value", y: top - 7 }, one.reactionMs)],
    };
  }
  const box = shape("rect", { class: isRunning ? "now" : "gap", x, y: BOTTOM - 26, width, height: 25, rx: 4 });
  const word = isRunning ? "…" : one.outcome === "open" ? "" : one.outcome;
  return { box, words: [name, shape("text", { ...centred, class: "word", y: BOTTOM - 34 }, word)] };
}
