// A table whose rows are kept by their key: what changed is marked, and focus and selection stay.

import { arrange, make, setAttribute, setText } from "./dom.js";

const MARKED_MS = 2_500;

/** Marks for a while. */
export function mark(element) {
  clearTimeout(marks.get(element));
  element.classList.add("changed");
  marks.set(element, setTimeout(() => element.classList.remove("changed"), MARKED_MS));
}
const marks = new WeakMap();

export class Table {
  #rows = new Map();
  #columns;
  #keyOf;
  #heads = new Map();
  #body = make("tbody", { role: "rowgroup" });

  /**
   * @param columns each: label; `show(cell, row)` fills the cell; `sort` is its name for the API; `isMarked` if a change
   * is worth a mark; `class`.
   * @param keyOf gives the key of a row.
   * @param onSort is told of the column that was chosen.
   */
  constructor({ caption, columns, keyOf, onSort = null }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    const heads = columns.map((column) => this.#head(column, onSort));
    this.element = make(
      "table",
      { role: "table", class: "cards" },
      make("caption", { class: "hidden-visually" }, caption),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, heads)),
      this.#body,
    );
  }

  #head({ label, sort, class: name }, onSort) {
    const head = make("th", { role: "columnheader", scope: "col", class: name });
    if (sort === undefined || onSort === null) {
      head.append(label);
      return head;
    }
    head.append(make("button", { type: "button", class: "sort", onclick: () => onSort(sort) }, label));
    this.#heads.set(sort, head);
    return head;
  }

  /** Says by what the rows are sorted. */
  showSort(sort, order) {
    for (const [name, head] of this.#heads) {
      setAttribute(head, "aria-sort", name !== sort ? null : order === "desc" ? "descending" : "ascending");
    }
  }

  /** @param isOther whether these are other rows (another page or filter), so that nothing is marked. */
  show(rows, isOther) {
    const kept = new Map();
    const isFirst = isOther || this.#rows.size === 0;
    for (const row of rows) {
      const key = this.#keyOf(row);
      const known = this.#rows.get(key);
      const shown = known ?? this.#newRow();
      this.#fill(shown, row, known !== undefined && !isOther);
      if (known === undefined && !isFirst) {
        mark(shown.element);
      }
      kept.set(key, shown);
    }
    this.#rows = kept;
    arrange(this.#body, [...kept.values()].map(({ element }) => element));
  }

  /** Fills the cells again, as time goes by. */
  tick() {
    for (const { cells, row } of this.#rows.values()) {
      this.#columns.forEach((column, place) => column.isTime && column.show(cells[place], row));
    }
  }

  #newRow() {
    const cells = this.#columns.map(({ label, class: name }) => make("td", { role: "cell", "data-label": label, class: name }));
    return { cells, element: make("tr", { role: "row" }, cells), row: null };
  }

  #fill(shown, row, marksChanges) {
    shown.row = row;
    this.#columns.forEach((column, place) => {
      const cell = shown.cells[place];
      const before = cell.textContent;
      column.show(cell, row);
      if (marksChanges && column.isMarked && cell.textContent !== before) {
        mark(cell);
      }
    });
  }
}

/** A column that is a text only. */
export const text = (of) => (cell, row) => setText(cell, of(row));

/** A column that is a link; none where `href` gives null. */
export const link = (of, href) => (cell, row) => {
  const [words, target] = [of(row), href(row)];
  if (target === null) {
    setText(cell, words);
    return;
  }
  const anchor = cell.querySelector("a") ?? cell.appendChild(make("a"));
  if (cell.childNodes.length > 1) {
    cell.replaceChildren(anchor);
  }
  setText(anchor, words);
  setAttribute(anchor, "href", target);
};
