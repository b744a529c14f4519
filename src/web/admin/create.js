// The form that creates a pair, or single crSockets.

import { post } from "./api.js";
import { open } from "./dialog.js";
import { field, make, problemPlace, showProblem } from "./dom.js";
import { count } from "./format.js";

const KINDS = [
  ["pairs", "Pairs", "A controller and a responder each, which find each other by themselves."],
  ["controller", "Controllers", "They need a partner’s clientId to interact with."],
  ["responder", "Responders", "They wait for a controller, a browser’s too."],
];

/** @param apps known ones. @param created is told of what was created. */
export function openCreate(apps, created) {
  const form = new Form(apps);
  const problem = problemPlace();
  const cancel = make("button", { type: "button", class: "button" }, "Cancel");
  const go = make("button", { class: "button main" }, "Create");
  const element = make("form", { class: "create", novalidate: true }, form.fields, problem, make("div", { class: "buttons end" }, cancel, go));
  const dialog = open("Create crSockets", element);
  cancel.addEventListener("click", () => dialog.close());
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    showProblem(problem, null);
    try {
      const { sockets } = await post("sockets", form.body());
      dialog.close();
      created(sockets);
    } catch (error) {
      showProblem(problem, error);
      go.disabled = false;
    }
  });
}

class Form {
  app = make("input", { name: "app", required: true, list: "create-apps", autocomplete: "off", spellcheck: "false" });
  token = make("input", { name: "accessToken", type: "password", required: true, autocomplete: "off" });
  number = make("input", { name: "number", type: "number", min: 1, value: 1, inputmode: "numeric" });
  partner = make("input", { name: "partner", inputmode: "numeric", maxlength: 6, pattern: "[0-9]{6}", autocomplete: "off" });
  clientId = make("input", { name: "clientId", inputmode: "numeric", maxlength: 6, pattern: "[0-9]{6}", autocomplete: "off" });
  #kind = "pairs";

  constructor(apps) {
    this.app.value = apps[0] ?? "";
    const kinds = KINDS.map(([value, label, hint]) => {
      const radio = make("input", { type: "radio", name: "kind", value, onchange: () => this.#choose(value) });
      radio.checked = value === this.#kind;
      return make("label", { class: "kind" }, radio, make("span", {}, label, make("small", { class: "soft" }, hint)));
    });
    this.single = make("div", { class: "fields" }, field("Partner’s clientId", this.partner, "may be empty"), field("Own clientId", this.clientId, "may be empty: one is given"));
    this.fields = [
      make("fieldset", {}, make("legend", { class: "hidden-visually" }, "What to create"), kinds),
      make("div", { class: "fields" }, field("App", this.app), field("accessToken", this.token), field("How many", this.number)),
      this.single,
      make("datalist", { id: "create-apps" }, apps.map((app) => make("option", { value: app }))),
    ];
    this.#choose(this.#kind);
  }

  #choose(kind) {
    this.#kind = kind;
    this.single.hidden = kind === "pairs";
  }

  /** What the API wants; throws what is missing, in words. */
  body() {
    const number = Number(this.number.value);
    const need = (isGood, input, words) => {
      input.setAttribute("aria-invalid", String(!isGood));
      if (!isGood) {
        input.focus();
        throw new Error(words);
      }
    };
    need(this.app.value !== "", this.app, "An app, please.");
    need(this.token.value !== "", this.token, "An accessToken, please: on whose behalf they take part.");
    need(Number.isInteger(number) && number > 0, this.number, "How many? A whole number from 1 on.");
    const whose = { app: this.app.value, accessToken: this.token.value };
    if (this.#kind === "pairs") {
      return { ...whose, pairs: number };
    }
    const [partnerClientId, clientId] = [this.partner.value.trim(), this.clientId.value.trim()];
    need(clientId === "" || number === 1, this.number, "A clientId is for one crSocket only.");
    return {
      ...whose,
      role: this.#kind,
      count: number,
      ...(partnerClientId !== "" && { partnerClientId }),
      ...(clientId !== "" && { clientId }),
    };
  }
}

/** What was created, in words, with a link to the first ones. */
export function createdInWords(sockets) {
  const links = sockets.slice(0, 4).map(({ socketId, role }) => make("a", { href: `#/sockets/${socketId}` }, `${role} ${socketId}`));
  const parts = links.flatMap((link, place) => (place === 0 ? [link] : [", ", link]));
  const rest = sockets.length > links.length ? ` and ${count(sockets.length - links.length)} more` : "";
  return ["Created: ", ...parts, `${rest}.`];
}
