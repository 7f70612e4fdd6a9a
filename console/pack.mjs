// After a build: the compressed forms of each file, and the hash of the sources that it was built from.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const built = "../functions/console/static";
const kept = /\.(js|css|html|svg)$/;
for (const name of readdirSync(built, { recursive: true })) {
  if (!kept.test(name)) continue;
  const path = join(built, name);
  const content = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
}

// The same as `python -m local.console` computes.
const sources = readdirSync(".", { recursive: true })
  .filter((name) => /^(src|public)\/.*\.\w+$|^[\w.-]+\.(json|ts|html|mjs)$/.test(name))
  .sort();
const hash = createHash("sha256");
for (const name of sources) hash.update(`${name}\n`).update(readFileSync(name)).update("\n");
writeFileSync(join(built, "sources.sha256"), `${hash.digest("hex")}\n`);
