// One trace: what failed in it, the waterfall of its spans with their lines, and the details of what is chosen.

import { ask, Latest } from "./api.js";
import { result, service, time, trouble } from "./badge.js";
import { mark, marked } from "./compare.js";
import { detail } from "./detail.js";
import { bdi, button, copy, h, say } from "./dom.js";
import { count, cut, duration } from "./format.js";
import { backToList, go, link, note, permalink } from "./router.js";
import { build, causes, rows } from "./tree.js";
import { waterfall } from "./waterfall.js";
import { tellWhy } from "./why.js";

const firstSpan = (tree) => tree.roots.find((it) => it.span)?.span;

/** In a line: how it ended, whose it is, when, how long and how much. */
function facts(trace, tree) {
  const first = firstSpan(tree);
  const all = first?.attributes ?? {};
  const ended = {
    failed: first?.failed,
    status: all["http.response.status_code"],
    outcome: all["observability.outcome"],
  };
  const services = new Set(trace.resources.map((it) => it.service));
  return [
    first && h("span", {}, result(ended)),
    first && service(first.service),
    h("span", {}, time(trace.start)),
    h("b", {}, duration(trace.duration)),
    h("span", {}, count(trace.spans.length, "span")),
    h("span", {}, count(trace.lines.length, "line")),
    h("span", {}, count(services.size, "service")),
    button(trace.id, (event) => copy(trace.id, event.currentTarget), {
      class: "id",
      "aria-label": `Copy the trace id ${trace.id}`,
    }),
  ].filter(Boolean);
}

/** What is not here, in words; empty if all is. */
function missing(trace) {
  const parents = trace.missing_parents ? `${count(trace.missing_parents, "span")} whose parent has not arrived. ` : "";
  return (
    parents + (trace.cut ? `${count(trace.cut, "more span or line", "more spans or lines")} than are shown here.` : "")
  );
}

/** Leads to a comparison with the latest of the same name that went well. */
async function compareWithGood(id, { attributes, name, service: of }, pressed) {
  const route = attributes["http.route"];
  const asked = { service: of, route, text: route ? "" : name, limit: 200 };
  const { traces } = await ask("traces", asked).catch(() => ({ traces: [] }));
  const good = traces.find((it) => it.id !== id && !it.failed && !it.slow && it.name === name);
  if (good) go({ compare: `${good.id},${id}` });
  else pressed.textContent = "None that went well is held";
}

function toggleMark(id) {
  if (marked() && marked() !== id) go({ compare: `${marked()},${id}` });
  else mark(marked() === id ? null : id);
}

function buttons(trace, tree, again) {
  const { id, start, duration: ms } = trace;
  const first = firstSpan(tree);
  const around = { view: "lines", around: Math.round(start + ms * 500), within: Math.round(Math.max(1000, ms)) };
  const other = marked() && marked() !== id;
  const marking = other ? "Compare with the marked one" : marked() ? "Marked to compare" : "Mark to compare";
  const mine = () => {
    toggleMark(id);
    again();
  };
  return [
    button("Copy link", (event) => copy(permalink(), event.currentTarget), { "aria-keyshortcuts": "y" }),
    h("a", { class: "button", href: link({ view: "lines", trace: id }) }, "Its lines"),
    h("a", { class: "button", href: link(around) }, "Lines around it"),
    button(marking, mine, { "aria-keyshortcuts": "c" }),
    first && button("Compare with a good one", (event) => compareWithGood(id, first, event.currentTarget)),
  ].filter(Boolean);
}

/** What the keys do beside those of every table. */
function keys({ id, side, actions, grid, tree, folded, fold, foldAll, jump, header, lines }) {
  return {
    l: lines,
    x: foldAll,
    y: () => copy(permalink(), actions.firstChild),
    c() {
      toggleMark(id);
      header();
    },
    e() {
      const failed = tree()
        .nodes.filter((it) => it.span.failed)
        .sort((a, b) => a.span.start - b.span.start);
      if (failed.length) jump(failed[(failed.indexOf(grid.current) + 1) % failed.length]);
    },
    ArrowRight() {
      const node = grid.current;
      if (node?.children.length && folded(node)) fold(node, false);
      else if (!node || node.children.length) grid.move(1);
    },
    ArrowLeft() {
      const node = grid.current;
      if (node?.children.length && !folded(node)) fold(node, true);
      else if (node?.parent) grid.find(node.parent.key);
    },
    Escape() {
      if (side.contains(document.activeElement)) grid.element.focus();
      else backToList();
    },
  };
}

export function trace(main, params, { title }) {
  const id = params.get("trace") ?? "";
  const latest = new Latest();
  const folds = new Map(); // key → folded, where somebody has said so
  let held = null; // the answer
  let tree = null;
  let withLines = true;
  let detailed = ""; // what the details are of

  const heading = h("h1", {}, "Trace");
  const about = h("p", { class: "facts" });
  const actions = h("div", { class: "actions", role: "group", "aria-label": "This trace" });
  const why = h("section", { class: "why", "aria-label": "What failed", hidden: true });
  const warning = h("p", { class: "warning", hidden: true });
  const side = h("aside", { class: "side", "aria-label": "Details", tabindex: -1 });
  const place = h("div", { class: "split" });
  const folded = (node) => (node.children.length ? (folds.get(node.key) ?? Boolean(node.group)) : false);
  const { grid, measure } = waterfall({
    state: () => ({ trace: held, withLines }),
    folded,
    open: () => side.focus(),
    chosen: choose,
    clicked(node, event) {
      if (event.target.closest(".twig") && node.children.length) fold(node, !folded(node));
    },
  });

  const draw = () => grid.set(rows(tree, folded, withLines));

  function fold(node, on) {
    folds.set(node.key, on);
    draw();
  }

  function foldAll() {
    const inner = tree.nodes.filter((node) => node.parent && node.children.length);
    const some = inner.some((node) => !folded(node));
    for (const node of inner) folds.set(node.key, some);
    draw();
  }

  function lines() {
    withLines = !withLines;
    const span = grid.current?.line && grid.current.parent;
    draw();
    if (span) grid.find(span.key);
    say(withLines ? "Lines are shown" : "Lines are hidden");
  }

  /** Shows the details of a row. Those of the same that says the same stay, for whoever is in them. */
  function choose(node) {
    const span = node.line ? node.line.span : node.span.id;
    note({ trace: id, span: node.line && !tree.byId.has(span) ? undefined : span });
    const now = JSON.stringify([
      node.key,
      node.line ?? node.group ?? node.span,
      node.children.filter((it) => it.line).length,
    ]);
    if (now === detailed) return;
    detailed = now;
    side.replaceChildren(...detail(held, tree, node, jump));
    side.scrollTop = 0;
  }

  /** To a span or line, wherever it hides. */
  function jump(node, focus = true) {
    for (let up = node.parent; up; up = up.parent) folds.set(up.key, false);
    draw();
    grid.find(node.key, focus, true);
  }

  function header() {
    const name = cut(firstSpan(tree)?.name ?? "Lines only", 120);
    heading.replaceChildren(bdi(name));
    title(`${name} · ${id.slice(0, 8)}`);
    about.replaceChildren(...facts(held, tree));
    warning.textContent = missing(held);
    warning.hidden = !warning.textContent;
    tellWhy(why, tree, jump);
    actions.replaceChildren(...buttons(held, tree, header));
  }

  function failed(error) {
    if (held) return; // it stays to be read
    main.replaceChildren(
      h("h1", {}, "Trace"),
      trouble(error),
      h("p", {}, h("a", { href: link({ view: "requests" }) }, "All requests")),
    );
  }

  async function load() {
    const next = await latest.ask(`trace/${encodeURIComponent(id)}`).catch(failed);
    if (!next) return;
    const size = ({ spans, lines: all, duration: ms, missing_parents: parents }) =>
      [spans.length, all.length, ms, parents].join(" ");
    if (held && size(next) === size(held)) return;
    const isFirst = !held;
    held = next;
    tree = build(held);
    header();
    measure(held.duration);
    if (isFirst) place.replaceChildren(grid.element, side);
    draw();
    const start = tree.byId.get(params.get("span")) ?? causes(tree)[0] ?? tree.roots[0];
    if (isFirst && start) jump(start, false);
    else if (grid.current) choose(grid.current);
  }

  const act = keys({ id, side, actions, grid, tree: () => tree, folded, fold, foldAll, jump, header, lines });
  main.append(
    h("div", { class: "tracehead" }, h("div", { class: "titles" }, heading, about), actions),
    why,
    warning,
    place,
  );
  load();
  return {
    update(next) {
      if (next.get("trace") !== id) return false;
      const node = tree?.byId.get(next.get("span"));
      if (node && ![grid.current?.span?.id, grid.current?.line?.span].includes(node.span.id)) jump(node, false);
      return true;
    },
    refresh: load,
    leave: () => latest.stop(),
    key(key) {
      if (!tree || (side.contains(document.activeElement) && key !== "Escape" && key.length > 1)) return false;
      if (!act[key]) return grid.key(key);
      act[key]();
      return true;
    },
  };
}
