// Log search: all lines of a trace, of a customer, around a time.

import { Latest } from "./api.js";
import { level, service, time, trouble } from "./badge.js";
import { bdi, button, h, say } from "./dom.js";
import { attributes, text } from "./detail.js";
import { filters } from "./filters.js";
import { brief, clock, count, cut, duration, short, utc } from "./format.js";
import { cell, Grid } from "./grid.js";
import { become, go, link, toTrace } from "./router.js";

const PAGE = 500;
const MOST = 5000;
const FIELDS_SHOWN = 12; // in a row
const READING_MS = 2500;
const ASKED = ["trace", "service", "level", "text", "field", "around", "within"];
const FIELDS = [
  { name: "text", label: "Text", kind: "search", hint: "in messages and fields" },
  { name: "service", label: "Service", kind: "select" },
  {
    name: "level",
    label: "At least",
    kind: "select",
    any: "every level",
    fixed: ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"],
  },
  { name: "field", label: "Field", kind: "field" },
];
const COLUMNS = [
  { name: "Time", class: "when" },
  { name: "Level", class: "lev" },
  { name: "Service", class: "who" },
  { name: "Line", class: "what" },
  { name: "Trace", class: "of" },
];

/** Fields of the service's own before those that every line of a request has; what is filtered by before both. */
function rank(name, wanted) {
  if (wanted.has(name)) return 0;
  if (!name.includes(".")) return 1;
  return /^(error|exception)\./.test(name) ? 2 : 3;
}

function cells(line, wanted) {
  const fields = Object.entries(line.attributes)
    .map(([name, it]) => [name, it, rank(name, wanted)])
    .sort((a, b) => a[2] - b[2])
    .slice(0, FIELDS_SHOWN);
  return [
    cell("when", time(line.at)),
    cell("lev", level(line.level)),
    cell("who", service(line.service)),
    cell(
      "what",
      h("span", { class: "message" }, bdi(cut(line.message))),
      fields.map(([name, it]) =>
        h("span", { class: "pair" }, h("i", {}, bdi(cut(name, 40)), "="), bdi(cut(brief(it), 60))),
      ),
    ),
    cell(
      "of",
      line.trace &&
        h(
          "a",
          { href: toTrace(line.trace, line.span), tabindex: -1, "aria-label": `Trace ${short(line.trace)}` },
          short(line.trace),
        ),
    ),
  ];
}

export function lines(main, params, { title }) {
  const latest = new Latest();
  let asked = params;
  let held = [];
  let more = false;
  let most = PAGE;
  let moved = 0;
  let known = new Set();

  const bar = filters(FIELDS, params, "Filter lines");
  const scope = h("p", { class: "told" });
  const side = h("aside", { class: "side", "aria-label": "Details of the line", tabindex: -1, hidden: true });
  const place = h("div", { class: "split" });
  const earlier = button(
    "Show earlier ones",
    () => {
      most = Math.min(MOST, most + PAGE);
      load();
    },
    { class: "earlier" },
  );
  const grid = new Grid({
    label: "Lines, the latest first",
    name: "loglines",
    columns: COLUMNS,
    cells: (line) => cells(line, new Set(asked.getAll("field").map((it) => it.split("=", 1)[0]))),
    key: (line) => line.key,
    sign: (line) => `${line.key} ${asked.getAll("field")}`,
    row: (line) => ({ class: ["ERROR", "FATAL"].includes(line.level) ? "failed" : "" }),
    chosen: choose,
    open: () => side.focus(),
  });
  grid.element.addEventListener("pointermove", () => (moved = Date.now()), { passive: true });
  place.append(grid.element, side);
  main.append(h("h1", { class: "unseen" }, "Lines"), bar.element, h("div", { class: "strip" }, scope), place, earlier);
  title("Lines");

  function without(...names) {
    const next = new URLSearchParams(asked);
    names.forEach((it) => next.delete(it));
    next.set("view", "lines");
    become(next);
  }

  function choose(line) {
    side.hidden = false;
    side.replaceChildren(
      h("h2", {}, level(line.level), " Line"),
      h("p", { class: "facts" }, service(line.service), time(line.at)),
      h("div", { class: "message" }, text(line.message)),
      h(
        "p",
        { class: "links" },
        line.trace && h("a", { href: toTrace(line.trace, line.span) }, "Its trace"),
        line.trace && h("a", { href: link({ view: "lines", trace: line.trace }) }, "Lines of its trace"),
        h("a", { href: link({ view: "lines", around: line.at, within: 1000 }) }, "Lines within a second"),
        h("a", { href: link({ view: "lines", around: line.at, within: 60_000 }) }, "within a minute"),
      ),
      attributes(line.attributes, "Attributes") ?? "",
      line.event_name ? h("p", {}, "Event ", bdi(cut(line.event_name, 120))) : "",
    );
    side.scrollTop = 0;
  }

  function told() {
    const of = [];
    const trace = asked.get("trace");
    const around = Number(asked.get("around"));
    if (trace)
      of.push(
        " of trace ",
        h("a", { href: toTrace(trace) }, cut(short(trace), 8)),
        " ",
        button("×", () => without("trace"), { "aria-label": "Of all traces" }),
      );
    if (around) {
      of.push(
        " within ",
        duration(Number(asked.get("within")) || 60_000),
        " of ",
        h("time", { title: utc(around) }, clock(around)),
        " ",
        button("×", () => without("around", "within"), { "aria-label": "Of all times" }),
      );
    }
    scope.replaceChildren(`${more ? "The latest " : ""}${count(held.length, "line")}`, ...of);
  }

  async function load(tell) {
    const question = Object.fromEntries(ASKED.map((name) => [name, asked.getAll(name)]));
    let answer;
    try {
      answer = await latest.ask("lines", { ...question, limit: most });
    } catch (error) {
      place.replaceChildren(trouble(error));
      return;
    }
    if (!answer) return;
    // Lines have no id: what they say, and how often it was said at that moment before.
    const seen = new Map();
    held = answer.lines.map((line) => {
      const base = `${line.at} ${line.service} ${line.span} ${line.message.slice(0, 200)}`;
      seen.set(base, (seen.get(base) ?? 0) + 1);
      return { ...line, key: `${base} ${seen.get(base)}` };
    });
    more = answer.more;
    for (const line of held) known.add(line.service);
    bar.offer("service", [...known].sort().slice(0, 200));
    told();
    earlier.hidden = !more || most >= MOST;
    if (held.length) place.replaceChildren(grid.element, side);
    else
      place.replaceChildren(
        h(
          "p",
          { class: "empty" },
          "No line that is held matches. Lines arrive once a service has OTEL_LOGS_EXPORTER=otlp.",
        ),
      );
    grid.set(held);
    if (tell) say(held.length ? `${count(held.length, "line")}${more ? " or more" : ""}` : "No line matches");
  }

  bar.offer("service", []);
  bar.offer("level", []);
  load();
  return {
    update(next) {
      asked = next;
      most = PAGE;
      bar.set(next);
      grid.toTop();
      load(true);
      return true;
    },
    refresh: () => load(),
    busy: () => grid.scrolled || grid.active >= 0 || Date.now() - moved < READING_MS,
    toTop() {
      grid.active = -1;
      moved = 0;
      side.hidden = true;
      grid.toTop();
    },
    leave: () => latest.stop(),
    key(key) {
      if (key === "Escape") {
        if (side.contains(document.activeElement)) grid.element.focus();
        else if (grid.active >= 0) {
          grid.active = -1;
          side.hidden = true;
          grid.draw();
        } else go({ view: "lines" });
        return true;
      }
      if (side.contains(document.activeElement) && key.length > 1) return false;
      return grid.key(key);
    },
  };
}
