// The published state diagram, with how many crSockets are in each state.

import { setAttribute, setText, shape } from "./dom.js";
import { count } from "./format.js";
import { METASTATES, STATES, TONES } from "./words.js";

/** Where boxes lie: [x, y, width, height]. Two of these, as a phone has no room for the wide one. */
const WIDE = {
  size: [880, 372],
  passive: [10, 150, 140, 72],
  active: [190, 8, 682, 356],
  readyToConnect: [212, 76, 154, 72],
  connecting: [212, 232, 154, 72],
  connected: [414, 44, 442, 304],
  readyToPair: [434, 164, 140, 72],
  paired: [620, 82, 218, 248],
  interacting: [657, 122, 144, 72],
  searching: [657, 242, 144, 72],
  arrows: [
    { from: [190, 186], to: [152, 186] },
    { from: [150, 166], to: [210, 124] },
    { from: [150, 206], to: [210, 252] },
    { from: [289, 148], to: [289, 230], isBoth: true },
    { from: [414, 112], to: [368, 112] },
    { from: [366, 258], to: [412, 258] },
    { from: [414, 284], to: [368, 284], isAgain: true },
    { from: [574, 200], to: [618, 200], isBoth: true },
    { from: [729, 194], to: [729, 240], isBoth: true },
  ],
};
const NARROW = {
  size: [340, 506],
  passive: [98, 4, 144, 60],
  active: [2, 96, 336, 406],
  readyToConnect: [14, 130, 146, 60],
  connecting: [182, 130, 144, 60],
  connected: [12, 226, 316, 264],
  readyToPair: [100, 260, 140, 60],
  paired: [22, 354, 296, 124],
  searching: [32, 396, 126, 64],
  interacting: [182, 396, 126, 64],
  arrows: [
    { from: [170, 96], to: [170, 66] },
    { from: [144, 64], to: [132, 128] },
    { from: [196, 64], to: [208, 128] },
    { from: [160, 160], to: [180, 160], isBoth: true },
    { from: [87, 226], to: [87, 192] },
    { from: [238, 190], to: [238, 224] },
    { from: [276, 226], to: [276, 192], isAgain: true },
    { from: [170, 320], to: [170, 352], isBoth: true },
    { from: [158, 428], to: [180, 428], isBoth: true },
  ],
};

const AGAIN = "Back to connecting: the stream broke, or was recycled.";

/** How many there are in each state, of one app and role where these are given. */
export function countsOf(stats, app, role) {
  if (!app && !role) {
    return stats.sockets.byState;
  }
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const one of stats.sockets.byApp) {
    if ((!app || one.app === app) && (!role || one.role === role) && one.state in counts) {
      counts[one.state] += one.count;
    }
  }
  return counts;
}

/** The sums of the metastates. */
export function metastatesOf(counts) {
  const sum = (first) => STATES.slice(STATES.indexOf(first)).reduce((total, state) => total + (counts[state] ?? 0), 0);
  return { active: sum("readyToConnect"), connected: sum("readyToPair"), paired: sum("searching") };
}

export class Diagram {
  #links = new Map();
  #hrefOf;
  #counts = null;
  #chosen = null;

  /**
   * @param element where it is drawn.
   * @param hrefOf gives the address of a state's (or metastate's) crSockets; null that of all of them.
   */
  constructor(element, hrefOf) {
    this.element = element;
    this.#hrefOf = hrefOf;
    this.media = matchMedia("(max-width: 44rem)");
    this.redraw = () => this.#draw();
    this.media.addEventListener("change", this.redraw);
    this.#draw();
  }

  stop() {
    this.media.removeEventListener("change", this.redraw);
  }

  /** @param counts by state. @param chosen the state or metastate that is shown alone, or null. */
  show(counts, chosen) {
    this.#counts = counts;
    this.#chosen = chosen;
    const figures = counts === null ? {} : { ...counts, ...metastatesOf(counts) };
    for (const [name, { link, figure }] of this.#links) {
      const value = figures[name];
      const isChosen = name === chosen;
      setText(figure, value === undefined ? "–" : count(value));
      setAttribute(link, "data-none", value === 0 ? "" : null);
      setAttribute(link, "aria-current", isChosen ? "true" : null);
      setAttribute(link, "href", this.#hrefOf(isChosen ? null : name));
      setAttribute(link, "aria-label", `${name}: ${value === undefined ? "not known yet" : count(value)}. ${isChosen ? "Show all" : "Show these"}`);
    }
  }

  #draw() {
    const places = this.media.matches ? NARROW : WIDE;
    const [width, height] = places.size;
    this.#links.clear();
    const svg = shape("svg", { class: "diagram", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "State diagram of all crSockets here" });
    svg.append(shape("defs", {}, arrowhead("end", "auto"), arrowhead("begin", "auto-start-reverse")));
    svg.append(...METASTATES.map((name) => this.#metastate(name, places[name])));
    svg.append(...places.arrows.map(arrow));
    svg.append(...STATES.map((name) => this.#state(name, places[name])));
    this.element.replaceChildren(svg);
    this.show(this.#counts, this.#chosen);
  }

  #metastate(name, [x, y, width, height]) {
    const figure = shape("tspan", { class: "figure" });
    const label = shape("text", { x: x + 12, y: y + 21 }, `${name} `, figure);
    const link = shape("a", { class: "metastate" }, shape("rect", { x: x + 4, y: y + 4, width: 128, height: 24, rx: 6, class: "ground" }), label);
    this.#links.set(name, { link, figure });
    return shape("g", { "data-meta": name }, shape("rect", { x, y, width, height, rx: 12, class: "nest" }), link);
  }

  #state(name, [x, y, width, height]) {
    const middle = x + width / 2;
    const figure = shape("text", { x: middle, y: y + height - 13, class: "figure" });
    const label = shape("text", { x: middle, y: y + 21, class: "name" }, name);
    const box = shape("rect", { x, y, width, height, rx: 10 });
    const link = shape("a", { class: "state", "data-tone": TONES[name] }, box, label, figure);
    this.#links.set(name, { link, figure });
    return link;
  }
}

function arrowhead(id, orient) {
  const tip = shape("path", { d: "M0 0L8 4L0 8z" });
  return shape("marker", { id: `arrow-${id}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient }, tip);
}

function arrow({ from: [x1, y1], to: [x2, y2], isBoth = false, isAgain = false }) {
  // An arrow that goes both ways ends a little before both boxes.
  const [dx, dy] = isBoth ? [Math.sign(x2 - x1) * 2, Math.sign(y2 - y1) * 2] : [0, 0];
  const line = { x1: x1 + dx, y1: y1 + dy, x2, y2, class: isAgain ? "arrow again" : "arrow", "marker-end": "url(#arrow-end)" };
  return shape("line", isBoth ? { ...line, "marker-start": "url(#arrow-begin)" } : line, isAgain ? shape("title", {}, AGAIN) : null);
}
