// Filters of a list: fields that stand in the address, so that a reload and a link keep them.

import { field, make, setText } from "./dom.js";

const CLIENT_ID = /^\d{6}$/;

export class Filters {
  #controls = new Map();
  #note = make("p", { class: "problem", role: "alert", hidden: true });

  /**
   * @param fields each `{ name, label }` and `options` (a select: values, or `[value, words]`), `suggestions` (the id of
   * a datalist) or `isClientId`.
   * @param changed is told of all that is set, as an object without what is empty.
   */
  constructor(fields, changed) {
    const tell = () => this.#check() && changed(this.values());
    const labels = fields.map((one) => {
      const control = controlOf(one);
      control.addEventListener("change", tell);
      this.#controls.set(one.name, { control, ...one });
      return field(one.label, control);
    });
    this.clear = make("button", { type: "button", class: "button small", hidden: true, onclick: () => changed({}) }, "Clear filters");
    const submitted = (event) => {
      event.preventDefault();
      tell();
    };
    this.element = make("form", { class: "filters", role: "search", onsubmit: submitted }, labels, this.clear, this.#note, make("button", { class: "hidden-visually", tabindex: "-1" }, "Filter"));
  }

  /** Shows what is set. */
  show(values) {
    for (const [name, { control }] of this.#controls) {
      const value = values[name] ?? "";
      if (control.value !== value && (control !== document.activeElement || value === "" || control.tagName === "SELECT")) {
        control.value = value;
      }
    }
    this.#check();
    this.clear.hidden = Object.keys(values).length === 0;
  }

  values() {
    const set = [...this.#controls].map(([name, { control }]) => [name, control.value.trim()]);
    return Object.fromEntries(set.filter(([, value]) => value !== ""));
  }

  #check() {
    let problem = "";
    for (const { control, label, isClientId } of this.#controls.values()) {
      const value = control.value.trim();
      const isGood = !isClientId || value === "" || CLIENT_ID.test(value);
      control.setAttribute("aria-invalid", String(!isGood));
      problem ||= isGood ? "" : `${label}: six digits, please.`;
    }
    this.#note.hidden = problem === "";
    setText(this.#note, problem);
    return problem === "";
  }
}

function controlOf({ name, options, suggestions, isClientId }) {
  if (options !== undefined) {
    return make("select", { name }, make("option", { value: "" }, "all"), options.map(optionOf));
  }
  const attributes = { name, type: "text", autocomplete: "off", spellcheck: "false", list: suggestions };
  return make("input", isClientId ? { ...attributes, inputmode: "numeric", maxlength: 6, size: 7, placeholder: "······" } : { ...attributes, size: 12, placeholder: "all" });
}

function optionOf(option) {
  if (Array.isArray(option)) {
    return make("option", { value: option[0] }, option[1]);
  }
  return make("option", { value: option }, option);
}

/** The address of a view with these parameters. */
export function addressOf(path, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== "")).toString();
  return query === "" ? `#${path}` : `#${path}?${query}`;
}

/** A datalist that is changed only if its values are others. */
export class Suggestions {
  #known = "";

  constructor(id, values = []) {
    this.element = make("datalist", { id });
    this.show(values);
  }

  show(values) {
    const known = JSON.stringify(values);
    if (known !== this.#known) {
      this.#known = known;
      this.element.replaceChildren(...values.map((value) => make("option", { value })));
    }
  }
}
