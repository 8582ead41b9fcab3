// Making elements. Text of spans and lines gets into the page through here only, and always as text: no call below
// parses markup, and no attribute that could run something is ever given a value from outside.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** An element of HTML. A function among the attributes listens to the event of that name. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** An element of SVG. */
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Text of somebody else, of which neither the direction nor the length reaches its neighbours. */
export const bdi = (text, title) => h("bdi", { title }, text);

export function button(text, onclick, attributes) {
  return h("button", { type: "button", click: onclick, ...attributes }, text);
}

/** Tells a screen reader, and nobody else. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** Copies, and says so on the button that was pressed. */
export async function copy(text, pressed) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, or not on loopback: the way of old.
    const area = h("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say("Copied");
  if (!pressed) return;
  pressed.classList.add("copied");
  setTimeout(() => pressed.classList.remove("copied"), 1200);
}
