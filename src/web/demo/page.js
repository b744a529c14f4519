// What both pages do with their crSocket and their document.

import { describe } from "./words.js";

/** States that often last for a moment only are told a little later. */
const FLEETING_MS = 400;
const SLOW_MS = 8_000;

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; texts stay texts. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Changes a text only if it is another one: screen readers read changes. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Six digits, three and three, read one by one. */
export function showClientId(element, clientId) {
  const digits = clientId ?? "······";
  if (element.dataset.clientId === digits) {
    return;
  }
  element.dataset.clientId = digits;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", clientId === null ? "none yet" : [...digits].join(" "));
  element.replaceChildren(make("span", {}, digits.slice(0, 3)), make("span", {}, digits.slice(3)));
}

/** Calls `show` with the state in words, whenever that changes. */
export function tellStates(socket, show) {
  let metPartner = null;
  let fleeting;
  let slow;
  const tell = (isSlow) => {
    const { role, state, subState, clientId, partnerClientId } = socket;
    const met = partnerClientId !== null && metPartner === partnerClientId;
    show(describe({ role, state, subState, clientId, partnerClientId, met, slow: isSlow }));
  };
  const changed = () => {
    if (socket.state === "interacting") {
      metPartner = socket.partnerClientId;
    }
    clearTimeout(fleeting);
    clearTimeout(slow);
    const isFleeting = socket.state === "connecting" || (socket.state === "readyToConnect" && socket.subState === "");
    fleeting = setTimeout(() => tell(false), isFleeting ? FLEETING_MS : 0);
    slow = setTimeout(() => tell(true), SLOW_MS);
  };
  for (const type of ["statechange", "clientidchange", "partnerchange"]) {
    socket.addEventListener(type, changed);
  }
  tell(false);
  changed();
}

/** The ways out as buttons, made anew only if they are others: somebody may be about to press one. */
export function showRemedies(element, ways) {
  const words = ways.map(([word]) => word).join();
  if (element.dataset.words === words) {
    return;
  }
  element.dataset.words = words;
  element.replaceChildren(
    ...ways.map(([word, act, isMain]) => {
      const button = make("button", { type: "button", className: isMain ? "button main" : "button" }, word);
      button.addEventListener("click", act);
      return button;
    }),
  );
}

/** What the buttons of a state in words do; `otherPartner` is the page's own. */
export function remedy(socket, name) {
  switch (name) {
    case "resume":
      socket.paused = false;
      break;
    case "connectAgain":
    case "useHere":
      socket.accessToken = socket.accessToken;
      break;
    case "newClientId":
      socket.clientId = null;
      break;
    case "pairAgain":
      socket.partnerClientId = socket.partnerClientId;
      break;
  }
}

/** A switch that pauses; it follows the socket too. */
export function pauseSwitch(button, socket) {
  const show = () => button.setAttribute("aria-checked", String(socket.paused));
  button.addEventListener("click", () => {
    socket.paused = !socket.paused;
    show();
  });
  socket.addEventListener("statechange", show);
  show();
}
