// The keyboard: one listener for the page, and the sheet that tells its keys.

import { button, h } from "./dom.js";

const SHEET = [
  [
    "Everywhere",
    [
      ["1 … 6", "requests, map, routes, lines, metrics, what is held"],
      ["/", "search"],
      [".", "show what has arrived meanwhile"],
      ["Esc", "leave a field, close, go back"],
      ["?", "this sheet"],
    ],
  ],
  [
    "Lists",
    [
      ["j  k  ↓  ↑", "next, previous"],
      ["Enter", "open"],
      ["Page Up/Down  Home  End", "further"],
      ["c", "mark a trace; with a second one, compare the two"],
    ],
  ],
  [
    "A trace",
    [
      ["↓  ↑", "next, previous span or line"],
      ["→  ←", "unfold, fold; or to the first child, to the parent"],
      ["e", "next failure"],
      ["l", "lines on or off"],
      ["x", "fold or unfold all"],
      ["y", "copy the permalink"],
      ["Enter", "to the details; Esc comes back"],
    ],
  ],
];

/** `act(key)` returns whether the key meant something. Keys in fields and with modifiers are the browser's. */
export function onKeys(act) {
  document.addEventListener("keydown", (event) => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.querySelector("dialog[open]")
    )
      return;
    const field = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && field) {
      field.blur();
      event.preventDefault();
      return;
    }
    if (field) return;
    // A button or a link takes its own Enter and Space.
    if (event.target.closest("a, button, summary") && (event.key === "Enter" || event.key === " ")) return;
    if (event.key === "?") help();
    else if (event.key === "/") search();
    else if (!act(event.key)) return;
    event.preventDefault();
  });
}

function search() {
  const field = document.querySelector("main [data-search]");
  field?.focus();
  field?.select();
}

/** Opens the sheet of keys. */
export function help() {
  const before = document.activeElement;
  const parts = SHEET.map(([title, keys]) => [
    h("h3", {}, title),
    h(
      "dl",
      {},
      keys.map(([names, what]) =>
        h(
          "div",
          {},
          h(
            "dt",
            {},
            names.split("  ").map((it) => h("kbd", {}, it)),
          ),
          h("dd", {}, what),
        ),
      ),
    ),
  ]);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "sheet", class: "sheet" },
    h("h2", { id: "sheet" }, "Keys"),
    parts,
    button("Close", () => dialog.close()),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
}
