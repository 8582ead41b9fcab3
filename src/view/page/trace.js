// One trace: what failed in it, the waterfall of its spans with their lines, and the details of what is chosen.

import { ask, Latest } from "./api.js";
import { hue, level, result, service, time, trouble } from "./badge.js";
import { mark, marked } from "./compare.js";
import { detail } from "./detail.js";
import { bdi, button, copy, h, say } from "./dom.js";
import { count, cut, duration, number, spanName } from "./format.js";
import { cell, Grid } from "./grid.js";
import { backToList, go, link, note, permalink } from "./router.js";
import { build, causes, rows } from "./tree.js";

const DEEPEST = 24; // steps of indent; a deeper span says its depth
const MARKS = 5; // on the ruler at most

/** Where it lies on the time of the trace, in percent. */
function extent(trace, start, ms) {
  const whole = Math.max(trace.duration, 0.001);
  const left = Math.min(100, Math.max(0, ((start - trace.start) / 1000 / whole) * 100));
  return { left, width: Math.min(100 - left, Math.max(0, (ms / whole) * 100)) };
}

function bar(trace, kind, start, ms, text) {
  const { left, width } = extent(trace, start, ms);
  const it = h("span", { class: `bar ${kind}` });
  it.style.left = `${left}%`;
  it.style.width = `max(2px, ${width}%)`;
  const beside = h("span", { class: `beside ${left + width > 55 ? (left > 25 ? "before" : "within") : ""}` }, text);
  if (left + width <= 55) beside.style.left = `${left + width}%`;
  else if (left > 25) beside.style.right = `${100 - left}%`;
  else beside.style.left = `${left}%`;
  return [it, beside];
}

function ruler(ms) {
  const whole = Math.max(ms, 0.001);
  const rough = 10 ** Math.floor(Math.log10(whole / MARKS));
  const step = [1, 2, 5, 10].map((it) => it * rough).find((it) => whole / it <= MARKS);
  const marks = [];
  // The last one needs room for what it says.
  for (let at = 0; at <= whole * 0.85; at += step) {
    const it = h("span", { class: "mark" }, at ? `${Number((at < 1 ? at * 1000 : at < 1000 ? at : at / 1000).toPrecision(3))} ${at < 1 ? "µs" : at < 1000 ? "ms" : "s"}` : "0");
    it.style.left = `${(at / whole) * 100}%`;
    marks.push(it);
  }
  return h("div", { class: "ruler", "aria-hidden": "true" }, marks);
}

/** Why it failed, in its own words: the error, what an exception says beyond that, and, of a bare number, what its caller made of it. */
function reason({ span, parent }) {
  const said = [span.error, span.attributes["exception.message"], ...span.events.map((it) => it.attributes["exception.message"])];
  if (/^\d*$/.test(span.error ?? "") && parent?.span.failed) said.push(parent.span.error);
  const own = [...new Set(said.filter((it) => typeof it === "string" && it))];
  return own.filter((it) => !own.some((other) => other !== it && other.includes(it))).join(" · ") || "failed";
}

/** Where it failed: `{node, times, why}`, calls of the same that failed for the same reason once. */
function failures(found) {
  const all = new Map();
  for (const node of found) {
    const why = reason(node);
    const same = `${node.span.service}\n${spanName(node.span).replace(/ \(attempt \d+\)$/, "")}\n${why}`;
    if (all.has(same)) all.get(same).times += 1;
    else all.set(same, { node, times: 1, why });
  }
  return [...all.values()];
}

/** How much is told of a group of spans: they are many, and alike. */
function groupText(spans) {
  const all = spans.map((it) => it.duration).sort((a, b) => a - b);
  return `${spans.length} × ${duration(all[Math.floor(all.length / 2)])}, in all ${duration(all.reduce((a, b) => a + b, 0))}`;
}

export function trace(main, params, { title }) {
  const id = params.get("trace") ?? "";
  const latest = new Latest();
  const folds = new Map(); // key → folded, where somebody has said so
  let held = null; // the answer
  let tree = null;
  let withLines = true;
  let wanted = params.get("span");
  let size = "";

  const heading = h("h1", {}, "Trace");
  const facts = h("p", { class: "facts" });
  const actions = h("div", { class: "actions", role: "group", "aria-label": "This trace" });
  const why = h("section", { class: "why", "aria-label": "What failed" });
  const cutShort = h("p", { class: "warning" });
  const side = h("aside", { class: "side", "aria-label": "Details", tabindex: -1 });
  const place = h("div", { class: "split" });
  let grid = null;

  const folded = (node) => (node.children.length ? folds.get(node.key) ?? Boolean(node.group) : false);

  function fold(node, on) {
    folds.set(node.key, on);
    draw();
  }

  function nameCell(node) {
    const children = node.children.some((it) => withLines || it.span);
    const twig = h("span", { class: `twig ${children ? (folded(node) ? "shut" : "open") : ""}`, "aria-hidden": "true" });
    twig.style.marginInlineStart = `${Math.min(node.depth, DEEPEST) * 14}px`;
    if (node.line) return cell("name line", twig, level(node.line.level), h("span", { class: "message" }, bdi(cut(node.line.message))));
    const { span } = node;
    return cell("name", twig, node.depth > DEEPEST && h("span", { class: "note" }, `depth ${node.depth} `),
      service(span.service), h("span", { class: "spanname" }, node.group && h("b", {}, `${node.group.length} × `), bdi(cut(spanName(span)))),
      span.failed && h("span", { class: "badge bad" }, h("span", { class: "mark", "aria-hidden": "true" }, "✕"), cut(span.attributes?.["error.type"] ?? "failed", 24)));
  }

  function cells(node) {
    if (node.line) {
      const dot = h("span", { class: "dot" });
      dot.style.left = `${extent(held, node.line.at, 0).left}%`;
      return [nameCell(node), cell("took", h("span", { class: "at" }, `+${duration((node.line.at - held.start) / 1000)}`)), cell("time", dot)];
    }
    const { span, group } = node;
    if (group) {
      const last = group.at(-1);
      const ms = (last.start - span.start) / 1000 + last.duration;
      return [nameCell(node), cell("took", duration(ms)), cell("time", bar(held, `many hue${hue(span.service)}`, span.start, ms, groupText(group)))];
    }
    return [nameCell(node), cell("took", duration(span.duration)),
      cell("time", bar(held, `${span.failed ? "bad " : ""}hue${hue(span.service)}`, span.start, span.duration, ""))];
  }

  function makeGrid() {
    grid = new Grid({
      label: "Waterfall", role: "treegrid", name: "waterfall", cells,
      columns: [{ name: "Span or line", class: "name" }, { name: "Duration", class: "took" }, { name: "Time", class: "time", head: [h("span", { class: "unseen" }, "Time"), ruler(held.duration)] }],
      key: (node) => node.key,
      sign: (node) => `${node.key} ${node.depth} ${folded(node)} ${node.children.length} ${node.span?.duration} ${node.span?.start} ${held.duration} ${withLines}`,
      row: (node) => ({
        class: node.line ? "line" : node.span.failed ? "failed" : "", "aria-level": node.depth + 1,
        ...(node.children.length ? { "aria-expanded": String(!folded(node)) } : {}),
      }),
      open: () => side.focus(),
      chosen: choose,
      clicked: (node, event) => {
        if (event.target.closest(".twig") && node.children.length) fold(node, !folded(node));
      },
    });
  }

  function choose(node) {
    const span = node.line ? node.line.span : node.span.id;
    side.replaceChildren(...detail(held, tree, node, jump));
    side.scrollTop = 0;
    const next = { trace: id, span: node.line && !tree.byId.has(span) ? undefined : span };
    note(next);
  }

  /** To a span, wherever it hides. */
  function jump(node, focus = true) {
    for (let up = node.parent; up; up = up.parent) folds.set(up.key, false);
    draw();
    grid.find(node.key, focus, true);
  }

  function draw() {
    grid.set(rows(tree, folded, withLines));
  }

  function header() {
    const first = tree.roots.find((it) => it.span)?.span;
    const entry = first?.attributes ?? {};
    const name = first ? cut(first.name, 120) : "Lines only";
    heading.replaceChildren(bdi(name));
    title(`${name} · ${id.slice(0, 8)}`);
    const services = new Set(held.resources.map((it) => it.service));
    facts.replaceChildren(
      ...(first ? [h("span", {}, result({ failed: first.failed, status: entry["http.response.status_code"], outcome: entry["observability.outcome"] })), service(first.service)] : []),
      h("span", {}, time(held.start)), h("b", {}, duration(held.duration)), h("span", {}, count(held.spans.length, "span")),
      h("span", {}, count(held.lines.length, "line")), h("span", {}, count(services.size, "service")),
      button(id, (event) => copy(id, event.currentTarget), { class: "id", "aria-label": `Copy the trace id ${id}` }));
    const missing = held.missing_parents ? `${count(held.missing_parents, "span")} whose parent has not arrived. ` : "";
    const gone = held.cut ? `${count(held.cut, "more span or line", "more spans or lines")} than are shown here.` : "";
    cutShort.textContent = missing + gone;
    cutShort.hidden = !cutShort.textContent;
    const found = causes(tree);
    why.hidden = !found.length;
    const different = failures(found);
    why.replaceChildren(h("h2", {}, different.length > 1 ? `${number(different.length)} failures` : "What failed"),
      h("ul", {}, different.slice(0, 4).map(({ node, times, why: because }) => h("li", {}, times > 1 && h("b", {}, `${number(times)} × `), button([service(node.span.service), bdi(cut(spanName(node.span), 80))], () => jump(node), { class: "plain" }), h("span", { class: "cause" }, bdi(cut(because, 400)))))),
      different.length > 4 ? h("p", {}, "All of them, one after the other: ", h("kbd", {}, "e")) : "");
    actions.replaceChildren(
      button("Copy link", (event) => copy(permalink(), event.currentTarget), { "aria-keyshortcuts": "y" }),
      h("a", { class: "button", href: link({ view: "lines", trace: id }) }, "Its lines"),
      h("a", { class: "button", href: link({ view: "lines", around: Math.round(held.start + held.duration * 500), within: Math.round(Math.max(1000, held.duration)) }) }, "Lines around it"),
      marked() && marked() !== id
        ? h("a", { class: "button", href: link({ compare: `${marked()},${id}` }) }, "Compare with the marked one")
        : button(marked() === id ? "Marked to compare" : "Mark to compare", (event) => {
          mark(marked() === id ? null : id);
          event.currentTarget.textContent = marked() === id ? "Marked to compare" : "Mark to compare";
        }, { "aria-keyshortcuts": "c" }),
      first ? button("Compare with a good one", () => withGood(first), { class: "good" }) : "");
  }

  /** The latest of the same route that went well. */
  async function withGood(first) {
    const route = first.attributes?.["http.route"];
    const all = await ask("traces", { service: first.service, route, text: route ? "" : first.name, limit: 200 }).catch(() => ({ traces: [] }));
    const good = all.traces.find((it) => it.id !== id && !it.failed && !it.slow && it.name === first.name);
    if (good) go({ compare: `${good.id},${id}` });
    else {
      const pressed = actions.querySelector(".good");
      if (pressed) pressed.textContent = "None that went well is held";
    }
  }

  async function load() {
    let next;
    try {
      next = await latest.ask(`trace/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!held) main.replaceChildren(h("h1", {}, "Trace"), trouble(error), h("p", {}, h("a", { href: link({ view: "requests" }) }, "All requests")));
      return;
    }
    if (!next) return;
    const now = `${next.spans.length} ${next.lines.length} ${next.duration}`;
    if (now === size) return;
    size = now;
    const before = grid?.current;
    const same = before && (before.line ? (it) => it.line.at === before.line.at && it.line.message === before.line.message : (it) => it.span.id === before.span.id);
    held = next;
    tree = build(held);
    header();
    const old = grid;
    makeGrid();
    place.replaceChildren(grid.element, side);
    draw();
    if (old) grid.element.scrollTop = old.element.scrollTop;
    const target = wanted ? tree.byId.get(wanted) : before ? (before.line ? tree.lines : tree.nodes).find(same) : causes(tree)[0];
    wanted = null;
    const start = target ?? tree.roots[0];
    if (start) jump(start, false);
  }

  const act = {
    l() {
      withLines = !withLines;
      const span = grid.current?.line && grid.current.parent;
      draw();
      if (span) grid.find(span.key);
      say(withLines ? "Lines are shown" : "Lines are hidden");
    },
    x() {
      const some = tree.nodes.some((node) => node.children.length && !folded(node) && node.parent);
      for (const node of tree.nodes) if (node.parent && node.children.length) folds.set(node.key, some);
      draw();
    },
    y: () => copy(permalink(), actions.firstChild),
    c() {
      if (marked() && marked() !== id) go({ compare: `${marked()},${id}` });
      else mark(marked() === id ? null : id);
      header();
    },
    e() {
      const failed = tree.nodes.filter((it) => it.span.failed).sort((a, b) => a.span.start - b.span.start);
      const now = failed.indexOf(grid.current);
      if (failed.length) jump(failed[(now + 1) % failed.length]);
    },
    ArrowRight() {
      const node = grid.current;
      if (!node) grid.move(1);
      else if (node.children.length && folded(node)) fold(node, false);
      else if (node.children.length) grid.move(1);
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

  main.append(h("div", { class: "tracehead" }, h("div", { class: "titles" }, heading, facts), actions), why, cutShort, place);
  load();
  return {
    update(next) {
      if (next.get("trace") !== id) return false;
      const node = tree?.byId.get(next.get("span"));
      if (node && node.span.id !== grid.current?.span?.id && node.span.id !== grid.current?.line?.span) jump(node, false);
      return true;
    },
    refresh: load,
    leave: () => latest.stop(),
    key(key) {
      if (!grid) return false;
      if (side.contains(document.activeElement) && key !== "Escape" && key.length > 1) return false;
      if (!act[key]) return grid.key(key);
      act[key]();
      return true;
    },
  };
}
