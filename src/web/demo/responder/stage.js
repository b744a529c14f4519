// The participant's side of the task: a calm dot, then a star to touch.

import { TRIALS } from "../task.js";
import { byId, setText } from "../page.js";

/** The star goes when nobody touches it; the tester counts the trial as missed a little later. */
const STAR_MAX_MS = 6_500;
const CHEER_MS = 1_100;
const SMALL_STAR = "M15 3l3.5 7.9 8.5.9-6.4 5.8 1.9 8.4-7.5-4.4-7.5 4.4 1.9-8.4-6.4-5.8 8.5-.9z";

export class Stage {
  /** The trial that runs, or null. */
  #trial = null;
  /** When the star was painted, in the clock of events; null before. */
  #paintedAt = null;
  #timer;
  #frame;
  #collected = new Set();
  #answered;
  #changed;

  /** `answered(trial, reactionMs)` is called with null for a touch that came too early; `changed()` when a trial begins or ends. */
  constructor(answered, changed) {
    this.#answered = answered;
    this.#changed = changed;
    const star = byId("star");
    document.addEventListener("pointerdown", (event) => {
      if (this.#paintedAt === null || star.contains(event.target)) {
        this.#touched(event);
      }
    });
    // Screen readers click without a touch; so does Enter on the button.
    star.addEventListener("click", (event) => this.#touched(event));
    document.addEventListener("keydown", (event) => {
      if (this.playing && (event.key === " " || event.key === "Enter")) {
        event.preventDefault();
        if (!event.repeat) {
          this.#touched(event);
        }
      }
    });
    document.addEventListener("contextmenu", (event) => this.playing && event.preventDefault());
    this.#drawCollected();
  }

  get playing() {
    return document.body.dataset.trial !== undefined;
  }

  /** Waits, and lets the star appear. */
  begin({ trial, waitMs }) {
    this.#clear();
    if (trial === 1 && this.#collected.size > 0) {
      this.startOver();
    }
    this.#trial = trial;
    this.#show("wait", "Get ready");
    this.#timer = setTimeout(() => this.#starNow(), waitMs);
  }

  /** Ends a trial without an answer: the page went to the background, or was paused. */
  cancel() {
    this.#clear();
    this.#show(null, "");
  }

  startOver() {
    this.#collected.clear();
    this.#drawCollected();
  }

  #starNow() {
    this.#frame = requestAnimationFrame((frame) => {
      const star = byId("star");
      // Somewhere near the middle.
      const room = byId("stage").getBoundingClientRect();
      star.hidden = false;
      const away = (length, size) => (Math.random() - 0.5) * Math.max(0, length - size) * 0.6;
      star.style.setProperty("--x", `${away(room.width, star.offsetWidth)}px`);
      star.style.setProperty("--y", `${away(room.height, star.offsetHeight)}px`);
      this.#paintedAt = frame;
      this.#show("star", "", "Star! Touch it.");
      // It is on the screen when the next frame begins.
      this.#frame = requestAnimationFrame((next) => {
        this.#paintedAt = next;
      });
      this.#timer = setTimeout(() => this.cancel(), STAR_MAX_MS);
    });
  }

  #touched(event) {
    if (this.#trial === null) {
      return;
    }
    const trial = this.#trial;
    const paintedAt = this.#paintedAt;
    this.#clear();
    if (paintedAt === null) {
      this.#show("early", "Wait for the star");
      this.#answered(trial, null);
    } else {
      this.#collected.add(trial);
      this.#drawCollected();
      this.#show("caught", "Well done!");
      this.#answered(trial, Math.max(0, Math.round(event.timeStamp - paintedAt)));
    }
    this.#timer = setTimeout(() => this.cancel(), CHEER_MS);
  }

  #clear() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#trial = null;
    this.#paintedAt = null;
  }

  #show(trial, cheer, spoken = cheer) {
    if (trial === null) {
      delete document.body.dataset.trial;
    } else {
      document.body.dataset.trial = trial;
    }
    byId("star").hidden = trial !== "star" && trial !== "caught";
    setText(byId("cheer"), cheer);
    setText(byId("spoken"), spoken);
    this.#changed();
  }

  #drawCollected() {
    const stars = Array.from({ length: TRIALS }, (_, index) => {
      const star = document.createElementNS("http://www.w3.org/2000/svg", "path");
      star.setAttribute("d", SMALL_STAR);
      star.setAttribute("transform", `translate(${index * 30} 0)`);
      star.setAttribute("class", this.#collected.has(index + 1) ? "got" : "");
      return star;
    });
    byId("collected").replaceChildren(...stars);
    byId("collected").setAttribute("aria-label", `${this.#collected.size} of ${TRIALS} stars`);
  }
}
