// The page's colours, as the canvas needs them: by day, by night, on paper.
"use strict";

const STATES = ["interacting", "searching", "readyToPair", "connecting", "readyToConnect", "passive"];

/** What the style sheets say now. */
function coloursNow() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    soft: of("soft"),
    line: of("line"),
    card: of("card"),
    accent: of("accent"),
    blue: of("blue"),
    orange: of("orange"),
    purple: of("purple"),
    shade: of("shade"),
    outage: of("outage"),
    stop: of("stop"),
    state: (name) => of(`state-${name}`) || of("edge"),
  };
}

/** The same colour, seen through. */
const faint = (colour, opacity) => `color-mix(in srgb, ${colour} ${opacity * 100}%, transparent)`;
