// Reads a JSON list of LogQL queries and answers with a list of the same length: null, or what stands where Grafana's
// grammar can't go on. `NODE_PATH` says where the grammar lies.
const { readFileSync } = require("node:fs");
const { parser } = require("@grafana/lezer-logql");

const fault = (query) => {
  let rest = null;
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError && rest === null) rest = query.slice(node.from);
    },
  });
  return rest;
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(fault)));
