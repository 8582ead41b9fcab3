// The bar of filters above requests and lines. What it says stands in the address, so that a link has it.

import { button, h } from "./dom.js";
import { cut } from "./format.js";
import { become, go } from "./router.js";

const PAUSE_MS = 250; // in typing, before it is asked

/**
 * `fields`: `{name, label, kind: "select"|"search"|"number"|"field", options, hint}` each; all but the parameters named are kept.
 * Returns the element, `offer(name, values)` for the choices of a select, and `set(params)`.
 */
export function filters(fields, params, label) {
  let current = new URLSearchParams(params);
  let timer = 0;
  const inputs = new Map();
  const chips = h("ul", { class: "chips", "aria-label": "Fields filtered by" });

  function change(name, value, typed) {
    const next = new URLSearchParams(current);
    next.delete("before");
    next.delete(name);
    for (const one of [value].flat()) if (one) next.append(name, one);
    current = next;
    if (typed) become(next);
    else go(next);
  }

  function addField(input) {
    const text = input.value.trim();
    if (!text) return;
    if (!/^[^=]+=/.test(text)) {
      input.setCustomValidity("Write name=value, such as customer_id=4711");
      input.reportValidity();
      return;
    }
    input.value = "";
    change("field", [...new Set([...current.getAll("field"), text])]);
  }

  function input(it) {
    if (it.kind === "select") {
      const select = h("select", { change: () => change(it.name, select.value) });
      return select;
    }
    if (it.kind === "field") {
      const one = h("input", {
        type: "text",
        placeholder: "name=value",
        size: 18,
        spellcheck: "false",
        autocomplete: "off",
        input: () => one.setCustomValidity(""),
        keydown: (event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          addField(one);
        },
        change: () => addField(one),
      });
      return one;
    }
    const number = it.kind === "number";
    const one = h("input", {
      type: number ? "number" : "search",
      placeholder: it.hint,
      size: number ? 6 : 24,
      min: number ? 0 : null,
      step: number ? "any" : null,
      spellcheck: "false",
      autocomplete: "off",
      "data-search": it.kind === "search",
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(() => change(it.name, one.value.trim(), true), PAUSE_MS);
      },
    });
    return one;
  }

  const labels = fields.map((it) => {
    const control = input(it);
    inputs.set(it.name, { ...it, control });
    return h("label", { class: `filter ${it.kind}` }, h("span", {}, it.label), control);
  });
  const clear = button("Clear filters", () => go({ view: current.get("view") ?? "requests" }), { class: "clear" });
  const element = h("search", { class: "filters", "aria-label": label }, labels, clear, chips);

  function offer(name, values) {
    const { control, any = "any", fixed = [] } = inputs.get(name);
    const value = current.get(name) ?? "";
    const all = [...new Set([...fixed, ...values.map(String), ...(value ? [value] : [])])];
    const sign = JSON.stringify([all, value]);
    // A list that is open stays as it is.
    if (control.sign === sign || (document.activeElement === control && control.value === value)) return;
    control.sign = sign;
    control.replaceChildren(
      h("option", { value: "" }, any),
      ...all.map((it) => h("option", { value: it }, cut(it, 60))),
    );
    control.value = value;
  }

  function set(next) {
    current = new URLSearchParams(next);
    for (const [name, { kind, control }] of inputs) {
      if (kind === "select") offer(name, control.known ?? []);
      else if (kind !== "field" && document.activeElement !== control) control.value = current.get(name) ?? "";
    }
    chips.replaceChildren(
      ...current.getAll("field").map((it) =>
        h(
          "li",
          {},
          h("bdi", {}, cut(it, 80)),
          button(
            "×",
            () =>
              change(
                "field",
                current.getAll("field").filter((other) => other !== it),
              ),
            {
              "aria-label": `Remove the filter ${cut(it, 80)}`,
            },
          ),
        ),
      ),
    );
    chips.hidden = !chips.children.length;
    clear.hidden = ![...current.keys()].some((name) => inputs.has(name) || ["kind", "trace", "around"].includes(name));
  }

  set(params);
  return {
    element,
    set,
    offer(name, values) {
      inputs.get(name).control.known = values;
      offer(name, values);
    },
  };
}
