/**
 * The text of a configuration as `export` writes it, and lines that come into it: what is there stays
 * as it stands. No reader of YAML: our own writer puts sections at the margin and entries two further in.
 */

/** Text as YAML of either version reads it: in quotes unless it is beyond doubt. */
export function scalar(text: string): string {
  const plain = /^[A-Za-z](?:[\w .@-]*\w)?$/.test(text);
  const meant = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i.test(text);
  return plain && !meant ? text : JSON.stringify(text);
}

/** The first line of an entry. */
export function head(key: string): string {
  return `  ${scalar(key)}:`;
}

const EMPTY = /^\s*\{\}\s*$/;

function split(text: string): string[] {
  return EMPTY.test(text) || !text ? [] : text.replace(/\n+$/, "").split("\n");
}

/** The lines of a section, without its name: from the first to before the last. */
function section(lines: readonly string[], name: string): [from: number, to: number] | undefined {
  const at = lines.indexOf(`${name}:`);
  if (at < 0) return undefined;
  let to = lines.findIndex((each, number) => number > at && /^\S/.test(each));
  if (to < 0) to = lines.length;
  while (to > at + 1 && lines[to - 1] === "") to--;
  return [at + 1, to];
}

/** With an entry at the end of its section, or in a section of its own at the end. */
export function withLines(text: string, name: string, entry: readonly string[]): string {
  const lines = split(text);
  const place = section(lines, name);
  if (place) lines.splice(place[1], 0, ...entry);
  else lines.push(...(lines.length ? [""] : []), `${name}:`, ...entry);
  return `${lines.join("\n")}\n`;
}

const KEY = /^ {2}(?:"([^"]+)"|'([^']+)'|([^\s:"']+)):(.*)$/;

function entries(lines: readonly string[], name: string): { key: string; from: number; to: number; rest: string }[] {
  const place = section(lines, name);
  if (!place) return [];
  const found: { key: string; from: number; to: number; rest: string }[] = [];
  for (let number = place[0]; number < place[1]; number++) {
    const [, double, single, plain, rest = ""] = KEY.exec(lines[number] ?? "") ?? [];
    const key = double ?? single ?? plain;
    const last = found.at(-1);
    if (key !== undefined) found.push({ key, from: number, to: number + 1, rest: rest.trim() });
    else if (last) last.to = number + 1;
  }
  return found;
}

/** The keys of a section's entries. */
export function keys(text: string, name: string): ReadonlySet<string> {
  return new Set(entries(split(text), name).map((each) => each.key));
}

const VALUE = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,}]+/.source;
const PAIR = new RegExp(`([\\w-]+): (${VALUE})`, "g");

/** The addresses of everybody in it. */
export function emails(text: string): string[] {
  const found: string[] = [];
  const lines = split(text);
  for (const { from, to } of entries(lines, "users")) {
    const all = lines.slice(from, to).join("\n");
    const said = new RegExp(`(?:^ {4}|[{,] ?)email: (${VALUE})`, "m").exec(all)?.[1];
    if (said) found.push(said.split("\n")[0]?.trim().replace(/^["']|["']$/g, "") ?? "");
  }
  return found;
}

/** With these fields of a user, in place of what it has; undefined where it has no such user. */
export function withFields(text: string, key: string, name: string, zone: string): string | undefined {
  const lines = split(text);
  const known = entries(lines, "users").find((each) => each.key === key);
  if (!known) return undefined;
  // What stands on one line gets lines of its own.
  const before = known.rest.startsWith("{")
    ? [...known.rest.matchAll(PAIR)].map(([, field, value]) => `    ${field}: ${value?.trim()}`)
    : lines.slice(known.from + 1, known.to);
  const kept = without(without(before, "name"), "zone");
  const entry = [head(key), `    name: ${scalar(name)}`, ...kept, `    zone: ${scalar(zone)}`];
  lines.splice(known.from, known.to - known.from, ...entry);
  return `${lines.join("\n")}\n`;
}

/** Without a field, and the lines that it goes on over. */
function without(lines: readonly string[], name: string): string[] {
  const at = lines.findIndex((each) => each.startsWith(`    ${name}:`));
  if (at < 0) return [...lines];
  let to = at + 1;
  while (to < lines.length && /^ {5}/.test(lines[to] ?? "")) to++;
  return [...lines.slice(0, at), ...lines.slice(to)];
}
