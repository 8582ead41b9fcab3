// A table of any length, of which only the rows in sight exist. Rows are of one height; the one that the keyboard is on
// is told to a screen reader by `aria-activedescendant`, so that focus stays while rows come and go.

import { h } from "./dom.js";

const ROW = 28; // pixels, as `--row` of the style sheet
const AROUND = 10; // rows above and below what is in sight
let grids = 0;

/**
 * `columns`: `{name, class}` each. `cells(item)`: the cells' elements. `key(item)`: what it is, over refreshes.
 * `open(item)`: enter or double click. `chosen(item)`: the active one changed. `row(item)`: more attributes of its row.
 * `sign(item)`: what its row shows, as text; a row with the same is left as it is.
 */
export class Grid {
  items = [];
  active = -1;
  #rows = new Map();
  #planned = false;

  constructor({ label, role = "grid", name, ...options }) {
    this.options = { sign: JSON.stringify, row: () => ({}), ...options };
    this.id = `grid${(grids += 1)}`;
    const columns = options.columns.map((it) =>
      h("div", { role: "columnheader", class: `cell ${it.class}` }, it.head ?? it.name),
    );
    this.head = h(
      "div",
      { role: "rowgroup", class: "head" },
      h("div", { role: "row", class: "row", "aria-rowindex": 1 }, columns),
    );
    this.body = h("div", { role: "rowgroup", class: "body" });
    this.element = h("div", { class: `grid ${name}`, role, tabindex: 0, "aria-label": label }, this.head, this.body);
    this.element.addEventListener("scroll", () => this.#plan(), { passive: true });
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.sizes = new ResizeObserver(() => this.#plan());
    this.sizes.observe(this.element);
  }

  /** Shows these instead; what was active stays it, if it is still there. */
  set(items) {
    const before = this.current && this.options.key(this.current);
    this.items = items;
    this.active =
      before === undefined || before === null ? -1 : items.findIndex((it) => this.options.key(it) === before);
    this.element.setAttribute("aria-rowcount", items.length + 1);
    this.body.style.height = `${items.length * ROW}px`;
    this.draw();
  }

  get current() {
    return this.items[this.active];
  }

  /** Makes it the active one and brings it into sight: by a step, or to the middle. */
  choose(index, focus = true, middle = false) {
    if (index < 0 || index >= this.items.length) return;
    this.active = index;
    const top = index * ROW;
    const room = this.element.clientHeight - this.head.offsetHeight;
    const away = top < this.element.scrollTop || top + ROW > this.element.scrollTop + room;
    if (away && middle) this.element.scrollTop = top - room / 2;
    else if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + ROW > this.element.scrollTop + room) this.element.scrollTop = top + ROW - room;
    if (focus && !this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
    this.draw();
    this.options.chosen?.(this.items[index]);
  }

  /** By key, as `choose` by place. */
  find(key, focus = true, middle = false) {
    this.choose(
      this.items.findIndex((it) => this.options.key(it) === key),
      focus,
      middle,
    );
  }

  /** A step of the keyboard; rows that are only headings are passed over. */
  move(by) {
    let index = this.active;
    let last = index;
    for (let left = Math.abs(by); left > 0;) {
      index += Math.sign(by);
      if (index < 0 || index >= this.items.length) break;
      if (this.options.passive?.(this.items[index])) continue;
      last = index;
      left -= 1;
    }
    if (last !== this.active) this.choose(last);
    else if (this.active < 0 && this.items.length)
      this.choose(this.items.findIndex((it) => !this.options.passive?.(it)));
  }

  /** What the keys do that every table has. */
  key(name) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 2);
    const steps = {
      j: 1,
      ArrowDown: 1,
      k: -1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.items.length,
      End: this.items.length,
    };
    if (name in steps) this.move(steps[name]);
    else if (name === "Enter" && this.current) this.options.open?.(this.current);
    else return false;
    return true;
  }

  get scrolled() {
    return this.element.scrollTop > ROW / 2;
  }

  toTop() {
    this.element.scrollTop = 0;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - AROUND);
    const seen = Math.ceil((this.element.clientHeight || 800) / ROW);
    const last = Math.min(this.items.length, first + seen + 2 * AROUND);
    const rows = new Map();
    for (let index = first; index < last; index += 1) {
      const item = this.items[index];
      rows.set(this.options.key(item), this.#row(item, index));
    }
    for (const [key, row] of this.#rows) if (rows.get(key) !== row) row.remove();
    this.#rows = rows;
    // Only what moved is moved: a row under a pressed button stays the one that the click is meant for.
    let at = this.body.firstChild;
    for (const row of rows.values()) {
      if (row === at) at = at.nextSibling;
      else this.body.insertBefore(row, at);
    }
    const active = this.active >= first && this.active < last;
    if (active) this.element.setAttribute("aria-activedescendant", `${this.id}-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #row(item, index) {
    const sign = this.options.sign(item);
    let row = this.#rows.get(this.options.key(item));
    row ??= h("div", { role: "row" });
    if (row.sign !== sign) {
      // The row itself stays: it is what a click that has begun will end on.
      row.replaceChildren(...this.options.cells(item));
      row.sign = sign;
    }
    const { class: kind = "", ...more } = this.options.row(item);
    row.className = `row ${kind}`;
    for (const [name, value] of Object.entries(more)) row.setAttribute(name, value);
    row.id = `${this.id}-${index}`;
    row.index = index;
    row.setAttribute("aria-rowindex", index + 2);
    row.setAttribute("aria-selected", String(index === this.active));
    row.style.transform = `translateY(${index * ROW}px)`;
    return row;
  }

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.draw();
    });
  }

  #clicked(event) {
    const row = event.target.closest("[role=row]");
    const item = row && this.items[row.index];
    if (!item || event.target.closest("button, input, select") || this.options.passive?.(item)) return;
    this.choose(row.index, false);
    this.options.clicked?.(item, event);
  }
}

/** The cell of a column. */
export const cell = (kind, ...children) => h("div", { role: "gridcell", class: `cell ${kind}` }, ...children);
