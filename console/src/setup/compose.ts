/**
 * From the answers of the set-up to the text of a configuration: what is there stays as it stands,
 * and what is new comes in as further lines. Pure; a mistake is a sentence at its field.
 */
import { emails, head, keys, scalar, withFields, withLines } from "./yaml";

export interface Colleague {
  /** Of this draft alone: names and addresses are being typed. */
  id: number;
  name: string;
  email: string;
}

/** Whom a step pages: whoever sets up, the whole team, or the colleague of that id. */
export type Whom = "me" | "team" | number;

export interface Step {
  /** Minutes after the step before. */
  after: number;
  whom: Whom;
}

export interface Answers {
  name: string;
  zone: string;
  team: string;
  colleagues: readonly Colleague[];
  steps: readonly Step[];
  /** How many more times all steps are taken, and minutes before each. */
  repeat: number;
  pause: number;
  service: string;
  integration: string;
}

/** Whoever sets up, as the API knows them. */
export interface Person {
  id: string;
  name: string;
  email: string;
  role: string;
  zone?: string;
}

/** A field by its name: `team`, or `colleague-2-email`. */
export type Mistakes = Readonly<Record<string, string>>;

export interface Names {
  team: string;
  policy: string;
  service: string;
  integration: string;
}

export interface Composed {
  mistakes: Mistakes;
  /** The whole configuration. */
  text: string;
  /** What is new in it, for a file that owns the rest. */
  added: string;
  /** The keys of what is new. */
  names: Names;
  /** Which field a place in the text comes from, the narrowest first. */
  places: readonly (readonly [path: string, field: string])[];
}

export const MOST_STEPS = 10;
export const MOST_COLLEAGUES = 20;
export const MOST_REPEATS = 9;
export const LONGEST_WAIT = 24 * 60;
const LONGEST_NAME = 200;
const LONGEST_EMAIL = 254;
const LONGEST_SLUG = 60;

/** The key of a name, as the command line makes it; empty where no letter of the name fits. */
export function slug(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  const found = plain.replace(/[^a-z0-9]+/g, "-").slice(0, LONGEST_SLUG);
  return found.replace(/^-+|-+$/g, "");
}

/** The same, or a key that nothing has. */
function made(name: string, or: string, taken: ReadonlySet<string>): string {
  return slug(name) || free(or, taken);
}

/** Also of a person in a file: `user_ada` is `ada`. */
export function keyOf(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

/** The first of `x`, `x-2`, `x-3` that nothing has. */
function free(wanted: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const end = number > 1 ? `-${number}` : "";
    const found = wanted.slice(0, LONGEST_SLUG - end.length).replace(/-+$/, "") + end;
    if (!taken.has(found)) return found;
  }
}

function title(text: string, missing: string): string | undefined {
  if (!text) return missing;
  if (text.length > LONGEST_NAME) return `At most ${LONGEST_NAME} characters.`;
  if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text)) return "It has a character that cannot be shown. Type it anew.";
  return undefined;
}

const EMAIL = /^(?=.{1,64}@)[A-Za-z0-9!#$%&'*+\/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+\/=?^_`{|}~-]+)*@(?:[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** As the server sees addresses (`opsknight.files.reachable`). */
function address(email: string): string | undefined {
  if (email.length > LONGEST_EMAIL) return `At most ${LONGEST_EMAIL} characters.`;
  if (/[^\x21-\x7e]/.test(email)) return "Letters of ASCII only: write the domain in its xn-- form.";
  if (/[,;<>()"]/.test(email) || /^mailto:/i.test(email)) return "The address alone, without a name beside it.";
  return EMAIL.test(email) ? undefined : "This is no e-mail address, such as ben@example.com.";
}

export function mistakes(answers: Answers, zones: ReadonlySet<string>, me: Person, text: string): Mistakes {
  const found: Record<string, string> = {};
  const say = (field: string, said: string | undefined): void => {
    if (said !== undefined) found[field] = said;
  };
  say("name", title(answers.name.trim(), "Say what people call you."));
  say("zone", zones.has(answers.zone) ? undefined : "Choose a time zone of the list, such as Europe/Berlin.");
  const teams = keys(text, "teams");
  const team = title(answers.team.trim(), "Give the team a name.");
  say("team", team ?? (teams.has(slug(answers.team)) ? "There is a team of this name already." : undefined));
  const addresses = new Map(emails(text).map((each) => [each.toLowerCase(), "Somebody has this address already."]));
  addresses.set(me.email.toLowerCase(), "This is your own address.");
  for (const each of answers.colleagues) {
    const email = each.email.trim();
    say(`colleague-${each.id}-name`, title(each.name.trim(), "Say what they are called."));
    const known = addresses.get(email.toLowerCase());
    say(`colleague-${each.id}-email`, address(email) ?? known);
    addresses.set(email.toLowerCase(), "Somebody above has this address.");
  }
  answers.steps.forEach((step, number) => {
    say(`step-${number}-after`, number > 0 ? minutes(step.after, 0) : undefined);
    const there = typeof step.whom === "string" || answers.colleagues.some((each) => each.id === step.whom);
    say(`step-${number}-whom`, there ? undefined : "Choose whom it pages.");
  });
  if (!answers.steps.length) say("steps", "Somebody has to be paged.");
  const times = Number.isInteger(answers.repeat) && answers.repeat >= 0 && answers.repeat <= MOST_REPEATS;
  say("repeat", times ? undefined : `A number from 0 to ${MOST_REPEATS}.`);
  say("pause", answers.repeat > 0 ? minutes(answers.pause, 1) : undefined);
  const service = title(answers.service.trim(), "Give the service a name.");
  const services = keys(text, "services");
  say("service", service ?? (services.has(slug(answers.service)) ? "There is a service of this name already." : undefined));
  say("integration", title(answers.integration.trim(), "Say what sends its events."));
  return found;
}

function minutes(value: number, least: number): string | undefined {
  const fits = Number.isInteger(value) && value >= least && value <= LONGEST_WAIT;
  return fits ? undefined : `Whole minutes, from ${least} to ${LONGEST_WAIT}.`;
}

/** `text`: the configuration that there is, as `GET /api/configuration/text` writes it. */
export function compose(answers: Answers, zones: ReadonlySet<string>, me: Person, text: string): Composed {
  const mine = keyOf(me.id);
  const team = made(answers.team, "team", keys(text, "teams"));
  const policy = free(team, keys(text, "policies"));
  const service = made(answers.service, "service", keys(text, "services"));
  const integration = slug(answers.integration) || "integration";
  const users = new Set([...keys(text, "users"), mine]);
  const people = new Map<Whom, string>();
  const added: [section: string, lines: string[]][] = [];
  const places: [path: string, field: string][] = [];
  for (const each of answers.colleagues) {
    const key = free(slug(each.name) || slug(each.email.split("@")[0] ?? "") || "colleague", users);
    users.add(key);
    places.push([`users.${key}.email`, `colleague-${each.id}-email`], [`users.${key}`, `colleague-${each.id}-name`]);
    people.set(each.id, key);
    const lines = [`    name: ${scalar(each.name.trim())}`, `    email: ${scalar(each.email.trim())}`, "    role: RESPONDER"];
    added.push(["users", [head(key), ...lines]]);
  }
  const target = (whom: Whom): string => {
    if (whom === "team") return `{team: ${scalar(team)}}`;
    return `{user: ${scalar(whom === "me" ? mine : (people.get(whom) ?? mine))}}`;
  };
  const members = [`      ${scalar(mine)}: {lead: true}`, ...[...people.values()].map((each) => `      ${scalar(each)}: {}`)];
  added.push(["teams", [head(team), `    name: ${scalar(answers.team.trim())}`, "    members:", ...members]]);
  const steps = answers.steps.flatMap((step, number) => [
    ...(number && step.after ? [`      - after: ${step.after}m`, "        targets:"] : ["      - targets:"]),
    `          - ${target(step.whom)}`,
  ]);
  const again = answers.repeat > 0 ? [`    repeat: ${answers.repeat}`, `    repeat_after: ${answers.pause}m`] : [];
  added.push(["policies", [head(policy), `    name: ${scalar(answers.team.trim())}`, "    steps:", ...steps, ...again]]);
  added.push([
    "services",
    [
      head(service),
      `    name: ${scalar(answers.service.trim())}`,
      `    team: ${scalar(team)}`,
      `    policy: ${scalar(policy)}`,
      "    integrations:",
      `      ${scalar(integration)}: ${scalar(answers.integration.trim())}`,
    ],
  ]);
  const name = answers.name.trim();
  const own = [`    name: ${scalar(name)}`, `    email: ${scalar(me.email)}`, `    role: ${me.role}`, `    zone: ${scalar(answers.zone)}`];
  const named = withFields(text, mine, name, answers.zone) ?? withLines(text, "users", [head(mine), ...own]);
  const all = (begun: string): string => added.reduce((so, [section, lines]) => withLines(so, section, lines), begun);
  places.push([`users.${mine}.zone`, "zone"], [`users.${mine}`, "name"], [`teams.${team}`, "team"], [`policies.${policy}`, "steps"]);
  places.push([`services.${service}.integrations`, "integration"], [`services.${service}`, "service"]);
  return {
    mistakes: mistakes(answers, zones, me, text),
    text: all(named),
    added: all(""),
    names: { team, policy, service, integration },
    places,
  };
}

/** The field that a problem of the server is about; undefined for what is none of ours. */
export function fieldAt(path: string, places: Composed["places"]): string | undefined {
  return places.find(([place]) => path === place || path.startsWith(`${place}.`))?.[1];
}
