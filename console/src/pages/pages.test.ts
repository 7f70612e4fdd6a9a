import { expect, it } from "vitest";

import { why } from "../acts";
import { sentence, type Details, type Listed } from "../api/client";
import { pause } from "../api/pulse";
import { indented } from "./alerts";
import { lineOf } from "./editor";
import { escaped, markdown } from "./export";
import { having, next } from "./incident";
import { shown } from "./places";
import { marks, standing } from "./receipt";
import { asOf, gaps, range } from "./oncall";
import { initials } from "./schedule";

const NOW = Date.parse("2026-11-23T03:05:00Z");

it("asks often only while something is open and somebody is there", () => {
  expect(pause(false, 3, 1_000)).toBe(5_000);
  expect(pause(false, 0, 1_000)).toBe(15_000);
  expect(pause(false, 3, 121_000)).toBe(15_000);
  expect(pause(true, 3, 1_000)).toBe(60_000);
});

it("finds every stretch in which nobody is on call", () => {
  const shift = (start: string, end: string) => ({ userId: "user_ada", start, end });
  const from = "2026-11-23T00:00:00Z";
  const found = gaps(
    [
      shift(from, "2026-11-24T00:00:00Z"),
      shift("2026-11-24T06:00:00Z", "2026-11-25T00:00:00Z"),
      shift("2026-11-24T20:00:00Z", "2026-11-24T22:00:00Z"),
      shift("2026-11-25T00:00:00Z", "2026-11-30T00:00:00Z"),
    ],
    from,
  );
  expect(found).toEqual([{ start: "2026-11-24T00:00:00Z", end: "2026-11-24T06:00:00Z" }]);
  expect(gaps([], from)).toHaveLength(1);
});

it("finds the line of a path in the text of a configuration", () => {
  const text = [
    "teams:",
    "  web: {}",
    "",
    "services:",
    "  web-shop: {team: web}",
    "  web:",
    "    team: web",
    "    integrations:",
    "      web: Web",
    "  last: {team: web}",
    "",
  ].join("\n");
  expect(lineOf(text, "teams.web")).toBe(2);
  expect(lineOf(text, "services.web")).toBe(6);
  expect(lineOf(text, "services.web.integrations.web")).toBe(9);
  expect(lineOf(text, "services.last")).toBe(10);
  expect(lineOf(text, "teams.last")).toBeUndefined();
  expect(lineOf(text, "policies.web")).toBeUndefined();
});

it("shows what the address names", () => {
  const each = (id: string, title: string, status: Listed["status"], assigneeId?: string): Listed => ({
    id,
    title,
    status,
    urgency: "HIGH",
    serviceId: "svc_web",
    serviceName: "Checkout",
    createdAt: "2026-11-23T03:00:00Z",
    ...(assigneeId ? { assigneeId } : {}),
  });
  const all = [each("inc_1", "CPU high", "OPEN"), each("inc_2", "Disk full", "ACKNOWLEDGED", "user_ada")];
  const ids = (query: string): string[] =>
    shown(all, new URL(`https://x/console/incidents${query}`), "user_ada").map((one) => one.id);
  expect(ids("")).toEqual(["inc_1", "inc_2"]);
  expect(ids("?view=mine")).toEqual(["inc_2"]);
  expect(ids("?view=open")).toEqual(["inc_1"]);
  expect(ids("?q=disk+CHECK")).toEqual(["inc_2"]);
});

it("says that somebody has an incident only where they took it on", () => {
  const ada = { assigneeId: "user_ada", assigneeName: "Ada" };
  expect(having({ status: "ACKNOWLEDGED", ...ada, assigneeHasIt: true }, "user_ben")).toBe("Ada");
  expect(having({ status: "ACKNOWLEDGED", ...ada, assigneeHasIt: true }, "user_ada")).toBe("You");
  expect(having({ status: "ACKNOWLEDGED", ...ada, assigneeHasIt: false }, "user_ben")).toBe("Nobody; assigned to Ada");
  expect(having({ status: "OPEN", ...ada, assigneeHasIt: true }, "user_ada")).toBe("Nobody yet; assigned to you");
  expect(having({ status: "RESOLVED", assigneeHasIt: false }, "user_ada")).toBe("Nobody");
});

it("says what happens next, and promises nothing that will not", () => {
  const incident = (more: object): Details =>
    ({ status: "OPEN", escalation: { status: "ESCALATING", step: 1, policyName: "Web" }, ...more }) as Details;
  const escalation = { status: "ESCALATING", step: 1, policyName: "Web", nextAt: "2026-11-23T03:10:00Z" };
  expect(next(incident({ escalation }), NOW, "UTC")).toBe(
    "The next people are paged in 5 min, at 03:10 (after step 1 of Web).",
  );
  expect(next(incident({}), NOW, "UTC")).toContain("fallback");
  expect(next(incident({ status: "ACKNOWLEDGED" }), NOW, "UTC")).toBe("Nobody else is paged while it is acknowledged.");
  expect(next(incident({ status: "ACKNOWLEDGED", reopensAt: "2026-11-23T03:35:00Z" }), NOW, "UTC")).toBe(
    "Nobody else is paged until 03:35; then it opens again and pages, unless it is resolved.",
  );
});

it("says how a message stands without promising its arrival", () => {
  const message = { id: "d", about: "paged", channel: "sms", receiverId: "r", notBefore: "2026-11-23T03:00:00Z" };
  const attempts = [{ at: "2026-11-23T03:01:00Z", outcome: "sent", ms: 100 }];
  const of = (more: object) => standing({ ...message, attempts: [], ...more } as never, NOW, "UTC");
  expect(of({ state: "SENT", attempts })).toBe("taken by the provider 03:01");
  expect(of({ state: "FAILED", why: "no such number" })).toBe("not sent: no such number");
  expect(of({ state: "PENDING" })).toBe("on its way");
  expect(of({ state: "PENDING", notBefore: "2026-11-23T03:10:00Z" })).toBe("leaves 03:10");
});

it("says why an act was refused", () => {
  expect(why("Not possible in this status", "RESOLVED")).toBe("not done: it is RESOLVED by now");
  expect(why("Incident not found.", undefined)).toBe("not done: Incident not found");
  expect(sentence({ error: "Invalid request body", issues: [{ path: "end", message: "must be later" }] }, 400)).toBe(
    "end must be later.",
  );
  expect(sentence(undefined, 503)).toContain("store");
});

it("says what is known of a message after it was sent, and no more", () => {
  const sent = { state: "SENT", attempts: [], notBefore: "2026-11-23T03:00:00Z", channel: "sms" };
  const of = (more: object) => marks({ ...sent, ...more } as never, NOW, "UTC");
  expect(of({})).toEqual([]);
  expect(of({ reported: "delivered" })).toEqual(["delivered"]);
  const at = "2026-11-23T03:02:00Z";
  expect(of({ fetchedAt: at }).join()).toContain("(may be a scanner)");
  // Whoever opened it made it known: what a scanner did before says nothing more.
  expect(of({ fetchedAt: at, openedAt: at }).join()).toMatch(/^link opened/);
  expect(of({ acts: [{ at, what: "acknowledged", by: { name: "Ada" } }] }).join()).toMatch(/^acknowledged from it by Ada/);
});

it("writes no markup of strangers into a post-mortem", () => {
  expect(escaped("# <b>*x*\n[y](z)")).toBe("\\# \\<b\\>\\*x\\* \\[y\\](z)");
  const text = markdown(
    {
      id: "inc_1",
      title: "a\n# b",
      status: "OPEN",
      urgency: "HIGH",
      serviceId: "svc",
      createdAt: "2026-11-23T03:00:00Z",
      alertCount: 1,
      timeline: [{ at: "2026-11-23T03:00:00Z", what: "opened", text: "Opened by [x]" }],
      deliveries: [],
      alerts: [],
    } as never,
    "Europe/Berlin",
    NOW,
  );
  expect(text.split("\n")[0]).toBe("# a \\# b");
  expect(text).toContain("- 2026-11-23 04:00:00 Opened by \\[x\\]");
});

it("lays out an event, and changes no number of it", () => {
  expect(indented('{"a": [1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  for (const text of ['{"a": 1.50}', '{"a": 12345678901234567890}', "no JSON"]) expect(indented(text)).toBe(text);
});

it("shortens a name that does not fit to its initials", () => {
  expect(["Ada Lovelace", "grace", "Juan de la Cruz", "Ömer Çelik", ""].map(initials)).toEqual(["AL", "G", "JC", "ÖÇ", ""]);
});

it("says of an end on the same day its hour alone", () => {
  const now = Date.parse("2026-11-27T10:20:00Z");
  const said = (start: string, end: string): string => range({ start, end }, now, "UTC");
  expect(said("2026-11-27T08:00:00Z", "2026-11-27T16:00:00Z")).toBe("until 16:00");
  expect(said("2026-11-28T08:00:00Z", "2026-11-28T16:00:00Z")).toBe("Sat 08:00 to 16:00");
  expect(said("2026-11-28T22:00:00Z", "2026-11-29T06:00:00Z")).toBe("Sat 22:00 to Sun 06:00");
  expect(said("2026-12-08T08:00:00Z", "2026-12-08T16:00:00Z")).toBe("8 Dec 08:00 to 16:00");
  // The server's clock is ahead of the page's, which moves by the half minute.
  const at = "2026-11-23T03:05:20Z";
  expect(range({ start: at, end: "2026-11-23T08:00:00Z" }, asOf({ at }, NOW), "UTC")).toBe("until 08:00");
});
