import { describe, expect, it } from "vitest";

import { told } from "./methods";

describe("what became of a code", () => {
  it("is told with the provider's reason", () => {
    expect(told({ state: "PENDING" })).toBe("On its way.");
    expect(told({ state: "PENDING", why: "answered 500" })).toBe("Not sent yet: answered 500. It is tried again.");
    expect(told({ state: "FAILED", why: "no such number" })).toBe("It was not sent: no such number.");
    expect(told({ state: "SENT" })).toContain("Type the code when it comes");
  });
});
