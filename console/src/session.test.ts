import { describe, expect, it } from "vitest";

import { isWriting } from "./session";

const field = (value: string, type = "text", defaultValue = "") => ({ value, type, defaultValue });

describe("what somebody has written", () => {
  it("keeps the page as it is", () => {
    expect(isWriting([field(""), field("It is the payment provider.", "textarea")])).toBe(true);
    expect(isWriting([field("Ada's new phone")])).toBe(true);
  });
  it("is nothing that the page wrote, or that is in its address", () => {
    expect(isWriting([field(""), field("  "), field("cpu", "search"), field("on", "checkbox")])).toBe(false);
    expect(isWriting([field("Checkout", "text", "Checkout")])).toBe(false);
    expect(isWriting([])).toBe(false);
  });
});
