/** What was sent before, and what became of it: an answer may be lost on the way, or come after somebody else's change. */
import { answered, api, type ConfigurationPlan, type ConfigurationRevision, type Me, Refused } from "../api/client";
import type { Answers, Names } from "./compose";
import { keptSent, type Sent } from "./draft";

export interface Made {
  made: Names;
  revision: number;
  /** What it was made of. */
  answers: Answers;
}

/** What applying it once more would change. */
interface Planned {
  sent: Sent;
  plan: ConfigurationPlan;
}

async function planned(me: Pick<Me, "id">): Promise<Planned | undefined> {
  const sent = keptSent(me);
  if (!sent) return undefined;
  try {
    return { sent, plan: await answered(api.POST("/api/configuration/plan", { body: { text: sent.text, prune: false } })) };
  } catch (cause) {
    // It does not fit any more what is there by now: that is not ours.
    if (cause instanceof Refused && (cause.status === 400 || cause.status === 422)) return undefined;
    throw cause;
  }
}

/** Where it is in a file. */
function places({ team, policy, service, integration }: Names): string[] {
  return [`teams.${team}`, `policies.${policy}`, `services.${service}`, `services.${service}.integrations.${integration}`];
}

/** Those of its places that are not there. */
function missing({ sent, plan }: Planned): string[] {
  const created = plan.changes.filter(({ action }) => action === "create").map(({ path }) => path);
  return places(sent.names).filter((each) => created.includes(each));
}

/** Whether it was written, whatever others have changed of it since. */
async function written(known: Planned): Promise<boolean> {
  const { sent, plan } = known;
  if (!plan.changes.length) return true;
  if (missing(known).length) return false;
  // All of its names are there: somebody else may have had the same ones.
  let before: number | undefined;
  do {
    const query = before === undefined ? {} : { before };
    const { revisions, next } = await answered(api.GET("/api/configuration/revisions", { params: { query } }));
    if (revisions.some((each) => isOurs(each, sent))) return true;
    before = next;
    // Only what came after it was sent can be of it.
  } while (before !== undefined && before > sent.after);
  return false;
}

function isOurs({ revision, by, who, changes }: ConfigurationRevision, sent: Sent): boolean {
  return (
    revision > sent.after &&
    by === "console" &&
    who === sent.who &&
    changes.some(({ action, path }) => action === "create" && path === `services.${sent.names.service}`)
  );
}

/** Whether a part of it is there as it was sent, the rest is not, and nobody has changed anything else. */
function isHalf(known: Planned, answers: Answers): boolean {
  const { sent, plan } = known;
  const lost = missing(known);
  const ours = plan.changes.every(({ action, path }) => action === "create" && lost.includes(path));
  const mine = plan.owner === undefined || plan.owner.by === "console";
  return ours && mine && lost.length < places(sent.names).length && JSON.stringify(answers) === JSON.stringify(sent.answers);
}

/** What was sent before, if it was written and only the answer was lost. */
export async function landed(me: Pick<Me, "id">): Promise<Made | undefined> {
  const known = await planned(me);
  return known && (await written(known)) ? made(known) : undefined;
}

/** The same; and the rest of it, where only a part of these answers is there. */
export async function completed(me: Pick<Me, "id">, answers: Answers): Promise<Made | undefined> {
  const known = await planned(me);
  if (!known) return undefined;
  if (await written(known)) return made(known);
  if (!isHalf(known, answers)) return undefined;
  const { sent, plan } = known;
  const body = { text: sent.text, prune: false, force: false, takeOver: false, revision: plan.revision, digest: plan.digest };
  const { revision } = await answered(api.POST("/api/configuration/apply", { body }));
  return { ...made(known), revision };
}

function made({ sent, plan }: Planned): Made {
  return { made: sent.names, revision: plan.revision, answers: sent.answers };
}
