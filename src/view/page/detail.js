// The details of a span, a line or a group: its error first, then its attributes, events, lines, links and its service.

import { level, service, time } from "./badge.js";
import { bdi, button, copy, h } from "./dom.js";
import { count, cut, duration, number, spanName, value, visible } from "./format.js";
import { field } from "./menu.js";
import { link, toTrace } from "./router.js";

const SHORT = 600; // characters of a value, until somebody asks for all
const LONG = 20_000; // characters shown at all; a copy has the rest
const MOST = 300; // attributes of one thing, and a third as many events

/** Text of any length and in any direction; long ones unfold. */
export function text(it, kind = "") {
  const all = value(it);
  if (all.length <= SHORT) return h("span", { class: `text ${kind}`, dir: "auto" }, visible(all));
  const shown = h("span", { class: `text ${kind}`, dir: "auto" }, `${visible(all.slice(0, SHORT))}…`);
  return h(
    "span",
    {},
    shown,
    button(
      `Show ${all.length > LONG ? `${LONG} of ` : ""}${count(all.length, "character")}`,
      (event) => {
        shown.textContent = visible(all.slice(0, LONG));
        event.currentTarget.remove();
      },
      { class: "unfold" },
    ),
  );
}

/** A name that breaks where its parts begin. */
const breakable = (name) => name.split(/(?<=[._/])/).flatMap((part) => [part, h("wbr")]);

/** Attributes as a table; each value can be filtered by. */
export function attributes(all, caption, plain = false) {
  const names = Object.keys(all ?? {}).sort();
  if (!names.length) return null;
  const title = names.length > MOST ? `${caption}: ${MOST} of ${number(names.length)}` : caption;
  return h(
    "table",
    { class: "attributes" },
    h("caption", {}, title),
    h(
      "tbody",
      {},
      names.slice(0, MOST).map((name) => {
        const whole = value(all[name]);
        const shown =
          whole.length > SHORT || /\n/.test(whole) || plain
            ? text(whole)
            : field(name, whole, bdi(visible(whole)), {
                "aria-label": `${cut(name, 80)}: ${cut(whole, 80)}. What to do with it`,
              });
        return h("tr", {}, h("th", { scope: "row" }, h("bdi", {}, breakable(cut(name, 120)))), h("td", {}, shown));
      }),
    ),
  );
}

function facts(pairs) {
  return h(
    "dl",
    { class: "pairs" },
    pairs
      .filter(([, it]) => it !== null && it !== undefined && it !== "")
      .map(([name, it]) => h("div", {}, h("dt", {}, name), h("dd", {}, it))),
  );
}

const part = (name, ...children) => h("section", {}, h("h3", {}, name), children);

function idButton(id) {
  return button(id, (event) => copy(id, event.currentTarget), { class: "id", "aria-label": `Copy ${id}` });
}

function events(trace, span) {
  if (!span.events.length) return null;
  const most = MOST / 3;
  return part(
    span.events.length > most ? `Events: ${most} of ${number(span.events.length)}` : "Events",
    span.events.slice(0, most).map((event) => {
      const { "exception.stacktrace": stack, ...others } = event.attributes;
      return h(
        "div",
        { class: "event" },
        h(
          "p",
          {},
          h("span", { class: "at" }, `+${duration((event.at - trace.start) / 1000)} `),
          h("b", {}, bdi(cut(event.name))),
        ),
        attributes(others, "Attributes of the event"),
        stack && h("details", { open: true }, h("summary", {}, "Stack"), h("pre", {}, text(stack))),
      );
    }),
  );
}

function resource(trace, index) {
  const it = trace.resources[index];
  if (!it) return null;
  return h(
    "details",
    {},
    h("summary", {}, "Service ", service(it.service), it.version && ` ${cut(it.version, 40)}`),
    facts([["instance", it.instance && field("service.instance.id", it.instance, bdi(cut(it.instance, 80)))]]),
    attributes(it.attributes, "Attributes of the resource", true),
  );
}

function ofSpan(trace, tree, node, jump) {
  const { span } = node;
  const { "exception.stacktrace": stack, ...others } = span.attributes;
  const lines = tree.lines.filter((it) => it.line.span === span.id);
  return [
    h("h2", {}, bdi(cut(spanName(span), 300))),
    h("p", { class: "facts" }, service(span.service), h("span", {}, span.kind)),
    span.failed &&
      h(
        "div",
        { class: "error" },
        h("b", {}, "Failed: "),
        text(span.error ?? span.attributes["error.type"] ?? "no text"),
        stack && h("pre", {}, text(stack)),
      ),
    facts([
      ["began", h("span", {}, time(span.start), ` (+${duration((span.start - trace.start) / 1000)})`)],
      ["took", duration(span.duration)],
      ["of that itself", node.own !== undefined && node.own < span.duration ? duration(node.own) : ""],
      ["status", span.status === "unset" ? "" : span.status],
    ]),
    attributes(others, "Attributes"),
    events(trace, span),
    lines.length > 0 &&
      part(
        "Lines",
        h(
          "ul",
          { class: "lines" },
          lines.slice(0, 50).map((it) =>
            h(
              "li",
              {},
              button([level(it.line.level), " ", bdi(cut(it.line.message, 200))], () => jump(it), { class: "plain" }),
            ),
          ),
        ),
        lines.length > 50 && h("p", {}, `and ${lines.length - 50} more`),
      ),
    span.links.length > 0 &&
      part(
        "Links",
        h(
          "ul",
          {},
          span.links
            .slice(0, 50)
            .map((it) => h("li", {}, h("a", { href: toTrace(it.trace, it.span) }, `trace ${cut(it.trace, 32)}`))),
        ),
      ),
    facts([
      ["span id", idButton(span.id)],
      ["scope", span.scope && bdi(cut(span.scope, 120))],
    ]),
    resource(trace, span.resource),
  ];
}

function ofLine(trace, tree, { line }, jump) {
  const span = tree.byId.get(line.span);
  return [
    h("h2", {}, level(line.level), " Line"),
    h(
      "p",
      { class: "facts" },
      service(line.service),
      h("span", {}, time(line.at)),
      h("span", { class: "at" }, `+${duration((line.at - trace.start) / 1000)}`),
    ),
    h("div", { class: "message" }, text(line.message)),
    span &&
      h(
        "p",
        {},
        "of the span ",
        button(bdi(cut(spanName(span.span), 80)), () => jump(span), { class: "plain" }),
      ),
    attributes(line.attributes, "Attributes"),
    line.event_name && facts([["event", bdi(cut(line.event_name, 120))]]),
    h(
      "p",
      {},
      h(
        "a",
        { href: link({ view: "lines", around: line.at, within: 1000, service: line.service }) },
        "Lines of this service within a second",
      ),
    ),
    resource(trace, line.resource),
  ];
}

function ofGroup(trace, node) {
  const all = node.group.map((it) => it.duration).sort((a, b) => a - b);
  const at = (share) => duration(all[Math.min(all.length - 1, Math.floor(all.length * share))]);
  return [
    h("h2", {}, `${all.length} × `, bdi(cut(spanName(node.span), 200))),
    h("p", { class: "facts" }, service(node.span.service), h("span", {}, node.span.kind)),
    h("p", {}, "As many spans alike, one after the other, none of them failed. ", h("kbd", {}, "→"), " unfolds them."),
    facts([
      ["in all", duration(all.reduce((a, b) => a + b, 0))],
      ["shortest", duration(all[0])],
      ["median", at(0.5)],
      ["p95", at(0.95)],
      ["longest", duration(all.at(-1))],
    ]),
    attributes(node.span.attributes, "Attributes of the first"),
    resource(trace, node.span.resource),
  ];
}

/** The details of a row of the waterfall; `jump(node)` goes to another. */
export function detail(trace, tree, node, jump) {
  const parts = node.line
    ? ofLine(trace, tree, node, jump)
    : node.group
      ? ofGroup(trace, node)
      : ofSpan(trace, tree, node, jump);
  return parts.filter(Boolean);
}
