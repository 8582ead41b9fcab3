// Where the services of the map stand: callers to the left of whom they call, as few crossings as a few sweeps find.
// The same services and edges get the same places, so that the map stands still while its figures change.

const SWEEPS = 6;

/** `nodes`: names; `edges`: pairs of names. Returns `{layers, places: name → {layer, row}, rows, ways: edge → places between}`. */
export function layout(names, edges) {
  const nodes = new Map([...names].sort().map((name) => [name, { name, layer: 0, out: [], in: [] }]));
  const forward = [];
  for (const [from, to] of edges) {
    const pair = [nodes.get(from), nodes.get(to)];
    if (pair[0] && pair[1] && pair[0] !== pair[1]) forward.push(pair);
  }
  forward.sort((a, b) => (a[0].name + a[1].name < b[0].name + b[1].name ? -1 : 1));
  for (const [from, to] of forward) from.out.push(to);
  const back = backward([...nodes.values()]);
  const down = forward.filter(([from, to]) => !back.has(`${from.name}\n${to.name}`));
  // The longest way from a service that nobody calls.
  for (let round = 0, moved = true; moved && round < nodes.size; round += 1) {
    moved = false;
    for (const [from, to] of down) {
      if (to.layer > from.layer) continue;
      to.layer = from.layer + 1;
      moved = true;
    }
  }
  const layers = [];
  const put = (node) => (layers[node.layer] ??= []).push(node);
  nodes.forEach(put);
  const ways = new Map();
  for (const [from, to] of down) {
    let last = from;
    const way = [];
    for (let layer = from.layer + 1; layer < to.layer; layer += 1) {
      const step = { layer, between: true, in: [last] };
      put(step);
      way.push(step);
      last = step;
    }
    to.in.push(last);
    ways.set(`${from.name}\n${to.name}`, way);
  }
  for (let index = 0; index < layers.length; index += 1) layers[index] ??= [];
  order(layers);
  return { layers, nodes, ways };
}

/** The edges that lead back to a service on the way to it. */
function backward(nodes) {
  const back = new Set();
  const state = new Map();
  const visit = (start) => {
    const stack = [[start, 0]];
    state.set(start, 1);
    while (stack.length) {
      const top = stack.at(-1);
      const [node, index] = top;
      if (index >= node.out.length) {
        state.set(node, 2);
        stack.pop();
        continue;
      }
      top[1] += 1;
      const next = node.out[index];
      if (state.get(next) === 1) back.add(`${node.name}\n${next.name}`);
      else if (!state.has(next)) {
        state.set(next, 1);
        stack.push([next, 0]);
      }
    }
  };
  const called = new Set(nodes.flatMap((it) => it.out));
  for (const node of [...nodes.filter((it) => !called.has(it)), ...nodes]) if (!state.has(node)) visit(node);
  return back;
}

function order(layers) {
  const tallest = Math.max(1, ...layers.map((it) => it.length));
  const settle = (layer) => layer.forEach((node, index) => (node.row = index + (tallest - layer.length) / 2));
  layers.forEach(settle);
  const mean = (list) => list.reduce((sum, it) => sum + it.row, 0) / list.length;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const layer of layers) {
      const wish = new Map(layer.map((node) => [node, node.in.length ? mean(node.in) : node.row]));
      layer.sort((a, b) => wish.get(a) - wish.get(b));
      settle(layer);
    }
  }
}
