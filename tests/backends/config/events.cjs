// Reads events of Sentry's, a JSON array on standard input, by the published schema; what the schema does not name is
// refused as well.
// node events.cjs SCHEMA, with NODE_PATH
const fs = require("fs");
const Ajv = require("ajv");
const formats = require("ajv-formats");

const schema = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
// "Exactly 32 characters. Dashes are not allowed" (event payloads, `event_id`); ajv's own format demands them.
ajv.addFormat("uuid", /^[0-9a-f]{32}$/);
ajv.addFormat("uint", { type: "number", validate: (n) => Number.isInteger(n) && n >= 0 });
ajv.addFormat("uint64", { type: "number", validate: (n) => Number.isInteger(n) && n >= 0 });
ajv.addFormat("int64", { type: "number", validate: Number.isInteger });
const check = ajv.compile(schema);
const known = schema.anyOf.flatMap((event) => Object.keys(event.properties));
const events = JSON.parse(fs.readFileSync(0, "utf8"));
let failed = false;
events.forEach((event, number) => {
  const faults = check(event) ? [] : check.errors.map((error) => `${error.instancePath} ${error.message}`);
  faults.push(...Object.keys(event).filter((key) => !known.includes(key)).map((key) => `/${key} is not in the schema`));
  faults.forEach((fault) => console.log(`event ${number}: ${fault}`));
  failed ||= faults.length > 0;
});
console.log(`${events.length} events`);
process.exit(failed ? 1 : 0);
