// What can be done with a value: one click on it opens these.

import { button, copy, h } from "./dom.js";
import { go } from "./router.js";

let open = null;

function close(back) {
  if (!open) return;
  const { menu, from } = open;
  open = null;
  menu.remove();
  from.setAttribute("aria-expanded", "false");
  if (back) from.focus({ preventScroll: true });
}

/** Opens a menu below an element; `entries`: a label and what it does. */
function show(from, entries) {
  const again = open?.from === from;
  close(false);
  if (again) return;
  const items = entries.map(([label, act]) =>
    button(
      label,
      () => {
        close(true);
        act(from);
      },
      { role: "menuitem", tabindex: -1 },
    ),
  );
  const menu = h("div", { role: "menu", class: "menu", keydown: (event) => steer(event, items) }, items);
  document.body.append(menu);
  const box = from.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  const below = box.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.top = `${below ? box.bottom + 2 : Math.max(4, box.top - menu.offsetHeight - 2)}px`;
  open = { menu, from };
  from.setAttribute("aria-expanded", "true");
  items[0].focus();
}

function steer(event, items) {
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, j: at + 1, k: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") close(true);
  else if (to !== undefined) items.at(to % items.length).focus();
  else if (event.key !== "Enter" && event.key !== " ") return;
  else return event.stopPropagation();
  event.preventDefault();
  event.stopPropagation();
}

/** A value of a field, as a button: requests with it, lines with it, a copy of it. */
export function field(name, value, shown, attributes) {
  const same = `${name}=${value}`;
  const fits = same.length <= 1000;
  const entries = [
    fits && ["Requests with this", () => go({ view: "requests", field: same })],
    fits && ["Lines with this", () => go({ view: "lines", field: same })],
    ["Copy the value", (from) => copy(value, from)],
    ["Copy as name=value", (from) => copy(same, from)],
  ].filter(Boolean);
  return button(shown, (event) => show(event.currentTarget, entries), {
    class: "value",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    ...attributes,
  });
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.menu.contains(event.target) && !open.from.contains(event.target)) close(false);
});
addEventListener("hashchange", () => close(false));
addEventListener("scroll", () => close(false), { capture: true, passive: true });
