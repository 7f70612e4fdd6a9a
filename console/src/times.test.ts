import { describe, expect, it } from "vitest";

import { clock, span } from "./times";

const NOW = Date.parse("2026-11-23T03:05:00Z");

describe("span", () => {
  it.each([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [3_600_000, "1 h"],
    [8_040_000, "2 h 14 min"],
    [86_400_000, "1 day"],
    [3 * 86_400_000, "3 days"],
  ])("of %d ms is %s", (length, words) => {
    expect(span(length)).toBe(words);
  });
});

describe("clock", () => {
  it("is of the reader's zone, with the day where it is another one", () => {
    expect(clock("2026-11-23T03:01:00Z", NOW, "UTC")).toBe("03:01");
    expect(clock("2026-11-23T03:01:00Z", NOW, "Europe/Berlin")).toBe("04:01");
    expect(clock("2026-11-22T23:30:00Z", NOW, "UTC")).toBe("Sun 23:30");
    expect(clock("2026-11-22T23:30:00Z", NOW, "Europe/Berlin")).toBe("00:30");
    expect(clock("2026-10-25T00:30:00Z", NOW, "Europe/Berlin")).toBe("25 Oct 02:30");
  });
});
