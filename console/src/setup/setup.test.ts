import { expect, it } from "vitest";

import type { Delivery, Me } from "../api/client";
import { type Answers, compose, fieldAt, type Person, slug, type Whom } from "./compose";
import { outcome, paged } from "./done";
import { begin, type Draft, stored } from "./draft";
import { night } from "./paging";
import { acknowledged, command, pages, works } from "./trying";
import { emails, keys, scalar } from "./yaml";

const ZONES = new Set(["UTC", "Europe/Berlin", "America/New_York"]);
const ADA: Person = { id: "user_ada", name: "ada", email: "ada@example.com", role: "ADMIN" };
const FIRST = "users:\n  ada: {email: ada@example.com, role: ADMIN}\n";
const ANSWERS: Answers = {
  name: "Ada Lovelace",
  zone: "Europe/Berlin",
  team: "Payments",
  colleagues: [{ id: 1, name: "Ben", email: "ben@example.com" }],
  steps: [
    { after: 0, whom: "me" },
    { after: 10, whom: 1 },
  ],
  repeat: 2,
  pause: 5,
  service: "Checkout",
  integration: "Prometheus",
};

it("writes what was answered, and keeps what was there", () => {
  const found = compose(ANSWERS, ZONES, ADA, FIRST);
  expect(found.mistakes).toEqual({});
  expect(found.text).toBe(`\
users:
  ada:
    name: Ada Lovelace
    email: ada@example.com
    role: ADMIN
    zone: "Europe/Berlin"
  ben:
    name: Ben
    email: ben@example.com
    role: RESPONDER

teams:
  payments:
    name: Payments
    members:
      ada: {lead: true}
      ben: {}

policies:
  payments:
    name: Payments
    steps:
      - targets:
          - {user: ada}
      - after: 10m
        targets:
          - {user: ben}
    repeat: 2
    repeat_after: 5m

services:
  checkout:
    name: Checkout
    team: payments
    policy: payments
    integrations:
      prometheus: Prometheus
`);
  expect(found.added).not.toContain("ada@example.com");
  expect(found.names).toEqual({ team: "payments", policy: "payments", service: "checkout", integration: "prometheus" });
});

it("leaves every line of what others have as it stands", () => {
  const there = `\
presets:
  own: {name: Own, map: {dedup_key: "{{id}}"}}

users:
  eve:
    name: 'Eve: the first'
    email: "eve@example.com"
    role: ADMIN
    quiet_hours:
      zone: UTC
  ada:
    name: "A name that goes on
      over two lines"
    email: ada@example.com
    role: ADMIN
    zone: UTC
    quiet_hours:
      zone: UTC

policies:
  payments: {steps: []}
`;
  const { text, names } = compose(ANSWERS, ZONES, ADA, there);
  for (const line of there.split("\n").filter((each) => !/A name|over two|^ {4}zone: UTC/.test(each))) expect(text.split("\n")).toContain(line);
  expect(text).toContain('  ada:\n    name: Ada Lovelace\n    email: ada@example.com\n    role: ADMIN\n    quiet_hours:\n      zone: UTC\n    zone: "Europe/Berlin"\n  ben:');
  expect(text).not.toContain("over two lines");
  // Somebody's policy has the name of the team.
  expect(names.policy).toBe("payments-2");
  expect([...keys(there, "users")]).toEqual(["eve", "ada"]);
  expect(emails(there)).toEqual(["eve@example.com", "ada@example.com"]);
});

it("says at its field what cannot be", () => {
  const wrong = (more: Partial<Answers>, text = FIRST): Record<string, string> => ({ ...compose({ ...ANSWERS, ...more }, ZONES, ADA, text).mistakes });
  expect(wrong({ name: " " })).toEqual({ name: "Say what people call you." });
  expect(Object.keys(wrong({ zone: "Berlin" }))).toEqual(["zone"]);
  expect(Object.keys(wrong({ team: "\u200b" }))).toEqual(["team"]);
  expect(wrong({ colleagues: [{ id: 1, name: "Ben", email: "ADA@example.com" }] })["colleague-1-email"]).toBe("This is your own address.");
  const twice = [1, 2].map((id) => ({ id, name: "Ben", email: "ben@example.com" }));
  expect(Object.keys(wrong({ colleagues: twice }))).toEqual(["colleague-2-email"]);
  expect(Object.keys(wrong({ colleagues: [] }))).toEqual(["step-1-whom"]);
  expect(Object.keys(wrong({ repeat: 1.5, pause: Number.NaN }))).toEqual(["repeat", "pause"]);
  expect(wrong({ repeat: 0, pause: Number.NaN })).toEqual({});
  expect(Object.keys(wrong({ steps: [] }))).toEqual(["steps"]);
  // Two who set up at once: the other was faster.
  const { text } = compose(ANSWERS, ZONES, ADA, FIRST);
  expect(Object.keys(wrong({ colleagues: [], steps: [{ after: 0, whom: "me" }] }, text))).toEqual(["team", "service"]);
});

it("finds the field of what the server finds wrong", () => {
  const { places } = compose(ANSWERS, ZONES, ADA, FIRST);
  expect(fieldAt("users.ben.email", places)).toBe("colleague-1-email");
  expect(fieldAt("users.ada.zone", places)).toBe("zone");
  expect(fieldAt("policies.payments.steps.1.after", places)).toBe("steps");
  expect(fieldAt("services.checkout.integrations.prometheus", places)).toBe("integration");
  expect(fieldAt("services.checkout2", places)).toBeUndefined();
});

it("makes keys as the command line does, and quotes what YAML would read otherwise", () => {
  expect(["Zahlungen & Käufe", "  --  ", "支付", "A".repeat(80)].map(slug)).toEqual(["zahlungen-kaufe", "", "", "a".repeat(60)]);
  expect(["Ada Lovelace", "no", "1e3", "a: b", "a #b", "Ünal", "a'b", "{x}"].map(scalar)).toEqual([
    "Ada Lovelace",
    '"no"',
    '"1e3"',
    '"a: b"',
    '"a #b"',
    '"Ünal"',
    '"a\'b"',
    '"{x}"',
  ]);
});

/** A sequence that is the same in every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const TYPED = [
  ..."aZ09 -_.:#'\"\\{}[],&*!|>%@`?~/+=<\t\n\u00e9\u00df\u652f\u4ed8\u05d0\u200f\u00a0\ud83d\ude80\u0007\ud800",
  "no", "null", "1e3", "0x1F", "2026-01-05", "12:30", "- ", ": ", " #", "<<", "!!str", "---", "\ud83d\ude80", "Payments",
];

it("makes of whatever is typed a configuration, or a sentence at its field", async () => {
  const random = chance(17);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const typed = (): string => Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(TYPED)).join("");
  const there = [FIRST, "{}\n", "", `${FIRST}\nteams:\n  no: {name: "no"}\n  web: {members: {ada: {}}}\n\npolicies:\n  team:\n    steps:\n      - targets:\n          - {user: ada}\n`];
  const valid: string[] = [];
  for (let number = 0; number < 1500; number++) {
    const colleagues = Array.from({ length: Math.floor(random() * 3) }, (_, id) => ({ id, name: typed(), email: `${random() < 0.8 ? "x" : ""}${typed()}@example.com` }));
    const whoms: Whom[] = ["me", "team", ...colleagues.map((each) => each.id)];
    const answers: Answers = {
      name: typed(),
      zone: random() < 0.9 ? pick([...ZONES]) : typed(),
      team: typed(),
      colleagues,
      steps: Array.from({ length: Math.floor(random() * 5) }, () => ({ after: pick([0, 1, 5, 10, 30, 90, 1440, 1.5]), whom: pick([...whoms, "me", random() < 0.2 ? 9 : "me"]) })),
      repeat: pick([0, 1, 2, 9, 9, 10]),
      pause: pick([1, 5, 90, 1440, 0]),
      service: typed(),
      integration: typed(),
    };
    const found = compose(answers, ZONES, ADA, pick(there));
    const odd = Object.entries(found.mistakes).filter(([, said]) => !/^[A-Z].*[.]$/.test(said));
    if (odd.length) expect(odd).toEqual([]);
    if (Object.keys(found.mistakes).length === 0) valid.push(found.text);
  }
  expect(valid.length).toBeGreaterThan(60);
  // `tests/unit/test_setup_texts.py` has the server's own check read each of them.
  await expect(JSON.stringify(valid.slice(0, 60), null, 1)).toMatchFileSnapshot("texts.json");
}, 30_000);

it("tells the night in words", () => {
  expect(night(ANSWERS)).toEqual([
    "At once: Ada Lovelace",
    "After 10 min: Ben",
    "5 min later: the same again, 2 more times",
    "Then, if nobody has acted: the fallback address",
  ]);
  expect(night({ ...ANSWERS, steps: [{ after: 0, whom: "team" }], repeat: 0 })[0]).toBe("At once: all of Payments");
});

it("says how the test stands by what happened, and not by what was planned", () => {
  const message = (state: string, more: object = {}): Delivery => ({ userId: "user_ada", state, attempts: [], ...more }) as unknown as Delivery;
  expect(pages({ deliveries: [] })).toEqual({ sent: undefined, failed: undefined });
  expect(pages({ deliveries: [message("PENDING")] })).toEqual({ sent: undefined, failed: undefined });
  expect(pages({ deliveries: [message("FAILED", { why: "no such number" }), message("SENT")] })).toEqual({ sent: "sent", failed: undefined });
  expect(pages({ deliveries: [message("SENT"), message("SENT", { reported: "delivered" })] }).sent).toBe("delivered");
  expect(pages({ deliveries: [message("FAILED", { why: "no such number" })] }).failed).toBe("no such number");
  expect(command("https://x", "4f6b")).toContain("token=4f6b");
});

it("says that paging works only once a message was sent and somebody took the incident", () => {
  const message = (state: string, more: object = {}): Delivery => ({ userId: "user_ada", state, attempts: [], ...more }) as unknown as Delivery;
  const acknowledgedAt = "2026-11-23T03:00:00Z";
  expect(works({ deliveries: [message("SENT")], acknowledgedAt })).toBe(true);
  expect(works({ deliveries: [message("SENT", { acts: [{ what: "resolved" }] })] })).toBe(true);
  expect(works({ deliveries: [message("SENT")] })).toBe(false);
  for (const state of ["PENDING", "CANCELLED", "FAILED", "BOUNCED", "GIVEN_UP"]) {
    expect(works({ deliveries: [message(state)], acknowledgedAt })).toBe(false);
  }
  // A chat of the service is nobody's page.
  expect(works({ deliveries: [{ ...message("SENT"), userId: undefined } as unknown as Delivery], acknowledgedAt })).toBe(false);
});

it("says whom the policy pages, and nobody else", () => {
  const steps = (...whoms: Whom[]): string => paged({ ...ANSWERS, steps: whoms.map((whom) => ({ after: 0, whom })) });
  expect(steps("me")).toBe("you");
  expect(steps("me", "me")).toBe("you");
  expect(steps("team")).toBe("your team");
  expect(steps("me", 1, "team")).toBe("you, Ben and your team");
  const gone = [1, 2].map((id) => ({ id, name: "", email: "" }));
  const after = (...whoms: Whom[]): string =>
    paged({ ...ANSWERS, colleagues: gone, steps: whoms.map((whom) => ({ after: 0, whom })) });
  expect(after("me", 1)).toBe("you and a colleague");
  expect(after("me", 1, 2)).toBe("you and 2 colleagues");
});

it("promises at the end what was seen, and keeps nothing of colleagues once they are written", () => {
  const begun: Draft = { ...begin(ADA as unknown as Me, "UTC", 0), answers: ANSWERS };
  expect(outcome({ ...begun, worked: 240_000, sent: true })).toBe(
    "A test event went all the way, 4 min after you began. What Checkout reports from now on pages you and Ben.",
  );
  expect(outcome({ ...begun, sent: true })).toContain("nobody has acknowledged it");
  const unsent = outcome({ ...begun, sent: false, why: "SMS is not set up" });
  expect(unsent).toContain("no message has reached anybody: SMS is not set up.");
  expect(unsent).not.toContain(" pages ");
  expect(stored(begun)).toBe(begun);
  const names = { team: "payments", policy: "payments", service: "checkout", integration: "prometheus" };
  const kept = stored({ ...begun, made: { names, revision: 2 } });
  expect(kept.answers).toEqual({ ...ANSWERS, colleagues: [{ id: 1, name: "", email: "" }] });
});

it("says who acknowledged the test only where a person did", () => {
  const incident = {
    createdAt: "2026-11-23T03:00:00Z",
    acknowledgedAt: "2026-11-23T03:01:00Z",
    assigneeName: "Ada",
  } as Parameters<typeof acknowledged>[0];
  expect(acknowledged({ ...incident, assigneeHasIt: true })).toBe("Acknowledged by Ada, 1 min after the event");
  expect(acknowledged({ ...incident, assigneeHasIt: false })).toBe("Acknowledged, 1 min after the event");
});
