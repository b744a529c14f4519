// A list of the API that is read page by page, and read again as things happen.

import { get } from "./api.js";
import { make, setText } from "./dom.js";
import { count } from "./format.js";
import { Throttle } from "./live.js";

export class List {
  #path;
  #listeners;
  #query = {};
  #cursors = [];
  #answer = null;
  #isOther = true;
  #reading = null;
  #throttle;
  #place = make("span", { class: "soft" });
  #first = make("button", { type: "button", class: "button small", onclick: () => this.#turn([]) }, "First");
  #back = make("button", { type: "button", class: "button small", onclick: () => this.#turn(this.#cursors.slice(0, -1)) }, "Back");
  #next = make("button", { type: "button", class: "button small", onclick: () => this.#turn([...this.#cursors, this.#answer.next]) }, "Next");

  /**
   * @param path of the API; `items` the name of the list in its answer; `limit` rows a page; `pace` of a throttle.
   * @param listeners `show(items, total, isOther)` and `failed(error)`, null once it succeeds again.
   */
  constructor({ path, items, limit, pace }, listeners) {
    this.#throttle = new Throttle(() => this.#read(), pace);
    this.#path = path;
    this.items = items;
    this.limit = limit;
    this.#listeners = listeners;
    this.pager = make("nav", { class: "pager", "aria-label": "Pages", hidden: true }, this.#place, make("span", { class: "buttons" }, this.#first, this.#back, this.#next));
  }

  /** Another filter or order: from the first page on. */
  query(query) {
    this.#query = query;
    this.#turn([]);
  }

  /** Something happened: reads again, soon. */
  refresh() {
    this.#throttle.ask();
  }

  /** Something was done here: reads again at once. */
  refreshNow() {
    return this.#throttle.now();
  }

  stop() {
    this.#throttle.stop();
    this.#reading?.abort();
  }

  #turn(cursors) {
    this.#cursors = cursors;
    this.#isOther = true;
    this.#reading?.abort();
    this.#throttle.now();
  }

  async #read() {
    const reading = new AbortController();
    this.#reading = reading;
    const [cursors, isOther] = [this.#cursors, this.#isOther];
    try {
      const answer = await get(this.#path, { ...this.#query, limit: this.limit, cursor: cursors.at(-1) }, reading.signal);
      if (!reading.signal.aborted) {
        this.#answer = answer;
        this.#isOther = false;
        this.#showPlace();
        this.#listeners.failed(null);
        this.#listeners.show(answer[this.items], answer.total, isOther);
      }
    } catch (error) {
      this.#failed(error, cursors);
    }
  }

  #failed(error, cursors) {
    if (error.name === "AbortError") {
      return;
    }
    if (error.status === 400 && cursors.length > 0) {
      // A cursor of a server that was started anew.
      this.#turn([]);
    } else if (error.status !== 0 && error.status !== 401) {
      // Where there is no answer, the page says so as a whole.
      this.#listeners.failed(error);
    }
  }

  #showPlace() {
    const { total, next } = this.#answer;
    const focused = document.activeElement;
    const shown = this.#answer[this.items].length;
    const begin = this.#cursors.length * this.limit;
    setText(this.#place, shown === 0 ? `none of ${count(total)} here` : `${count(begin + 1)}–${count(begin + shown)} of ${count(total)}`);
    this.pager.hidden = this.#cursors.length === 0 && next === null;
    this.#first.disabled = this.#cursors.length === 0;
    this.#back.disabled = this.#cursors.length === 0;
    this.#next.disabled = next === null;
    if (focused?.disabled && this.pager.contains(focused)) {
      // A button that is disabled loses the focus: the other way goes on.
      (this.#next.disabled ? this.#back : this.#next).focus();
    }
  }
}
