// A trace as rows: spans below their parents, each line at its place in time below its span. Nothing here touches the
// page. Whatever the ids say, even of parents in a circle, each span and each line stands in it once.

import { spanName } from "./format.js";

const MANY = 10; // siblings alike, and without children, in a run: one row for all of them, until it is unfolded

const isSpan = (node) => node.span !== undefined;
const at = (node) => (isSpan(node) ? node.span.start : node.line.at);

/**
 * Nodes: `{key, depth, children, parent, span | line | group}`. A group has `span` too, its first one, so that it is placed
 * and named as it is. Without `grouping` there are none.
 */
export function build(trace, grouping = true) {
  const byId = new Map();
  const times = new Map(); // what is there more than once
  const nodes = trace.spans.map((span) => {
    times.set(span.id, (times.get(span.id) ?? 0) + 1);
    const node = { key: `s${span.id}/${times.get(span.id)}`, span, children: [], parent: null };
    if (!byId.has(span.id)) byId.set(span.id, node);
    return node;
  });
  const roots = [];
  for (const node of nodes) {
    const parent = byId.get(node.span.parent);
    if (parent && parent !== node) {
      node.parent = parent;
      parent.children.push(node);
    } else roots.push(node);
  }
  // Who is reached by no root stands in a circle, which is cut at its earliest span.
  const seen = new Set();
  const reach = (from) => {
    for (const open = [from]; open.length;) {
      const node = open.pop();
      if (seen.has(node)) continue;
      seen.add(node);
      open.push(...node.children);
    }
  };
  roots.forEach(reach);
  for (const node of nodes.toSorted((a, b) => a.span.start - b.span.start)) {
    if (seen.has(node)) continue;
    node.parent.children = node.parent.children.filter((it) => it !== node);
    node.parent = null;
    roots.push(node);
    reach(node);
  }
  const lines = trace.lines.map((line) => {
    const said = `l${line.at}/${line.span}`;
    times.set(said, (times.get(said) ?? 0) + 1);
    return { key: `${said}/${times.get(said)}`, line, children: [], parent: byId.get(line.span) ?? null };
  });
  for (const line of lines) (line.parent ? line.parent.children : roots).push(line);
  const sort = (list) => list.sort((a, b) => at(a) - at(b));
  sort(roots);
  for (const node of nodes) {
    sort(node.children);
    own(node);
    if (grouping) node.children = grouped(node);
  }
  return { roots, nodes, lines, byId };
}

/** How much of a span none of its children covers. */
function own(node) {
  let covered = 0;
  let until = node.span.start;
  const end = node.span.start + node.span.duration * 1000;
  for (const { span } of node.children) {
    if (!span) continue;
    const from = Math.max(until, span.start);
    const to = Math.min(end, span.start + span.duration * 1000);
    if (to > from) covered += to - from;
    until = Math.max(until, to);
  }
  node.own = Math.max(0, node.span.duration - covered / 1000);
}

const alike = (a, b) =>
  isSpan(b) &&
  !b.children.length &&
  !b.span.failed &&
  spanName(a.span) === spanName(b.span) &&
  a.span.service === b.span.service;

function grouped(parent) {
  const out = [];
  const all = parent.children;
  for (let first = 0; first < all.length;) {
    let last = first + 1;
    if (isSpan(all[first]) && alike(all[first], all[first]))
      while (last < all.length && alike(all[first], all[last])) last += 1;
    const run = all.slice(first, last);
    first = last;
    if (run.length < MANY) {
      out.push(...run);
      continue;
    }
    const group = { key: `g${run[0].key}`, span: run[0].span, group: run.map((it) => it.span), children: run, parent };
    for (const node of run) node.parent = group;
    out.push(group);
  }
  return out;
}

/** The rows to be seen, from top to bottom. `folded` says of a node whether its children are hidden. */
export function rows(tree, folded, withLines) {
  const out = [];
  const open = tree.roots.map((node) => [node, 0]).reverse();
  while (open.length) {
    const [node, depth] = open.pop();
    if (node.line && !withLines) continue;
    node.depth = depth;
    out.push(node);
    if (folded(node)) continue;
    for (let index = node.children.length - 1; index >= 0; index -= 1) open.push([node.children[index], depth + 1]);
  }
  return out;
}

/** The failed spans that have no failed span below them: where it began. The earliest first. */
export function causes(tree) {
  const blamed = new Set();
  for (const node of tree.nodes) {
    if (!node.span.failed) continue;
    for (let up = node.parent; up && !blamed.has(up); up = up.parent) blamed.add(up);
  }
  return tree.nodes.filter((it) => it.span.failed && !blamed.has(it)).sort((a, b) => a.span.start - b.span.start);
}
