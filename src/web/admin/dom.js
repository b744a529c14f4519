// Elements. Whatever comes from the server gets in as text only.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/**
 * An element with attributes and children. Attributes that are null or false are left out; `onclick` and the like are
 * listeners.
 */
export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for a shape of an SVG. */
export function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Changes a text only if it is another one: screen readers read changes, and a selection stays. Tells whether it did. */
export function setText(element, text) {
  const words = text === null || text === undefined ? "" : String(text);
  if (element.textContent === words) {
    return false;
  }
  element.textContent = words;
  return true;
}

/** Sets an attribute, or takes it away where the value is null. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

/** The children in this order, moving only those that are elsewhere; the focus stays where it was. */
export function arrange(parent, children) {
  const focused = document.activeElement;
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) {
      child.remove();
    }
  }
  children.forEach((child, place) => {
    if (parent.children[place] !== child) {
      parent.insertBefore(child, parent.children[place] ?? null);
    }
  });
  if (focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** A label with its control and, where there is one, a hint. */
export function field(label, control, hint = null) {
  return make("label", { class: "field" }, make("span", {}, label), control, hint && make("small", { class: "soft" }, hint));
}

/** A place for what went wrong; empty until then. */
export function problemPlace() {
  return make("p", { class: "problem", role: "alert", hidden: true });
}

/** Says what went wrong there; null takes it away. */
export function showProblem(place, error) {
  place.hidden = error === null;
  setText(place, error === null ? "" : inWords(error));
}

function inWords(error) {
  return error instanceof Error ? error.message : String(error);
}
