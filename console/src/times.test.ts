import { describe, expect, it } from "vitest";

import { browser, clock, instant, local, midnights, span } from "./times";

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

it("reads and shows the clock of a zone, also when it changes", () => {
  expect(instant("2026-11-23T18:00", "Europe/Berlin")).toBe("2026-11-23T17:00:00.000Z");
  expect(instant("2026-07-01T18:00", "America/New_York")).toBe("2026-07-01T22:00:00.000Z");
  // Skipped in spring, and twice in autumn.
  expect(instant("2026-03-29T02:30", "Europe/Berlin")).toBe("2026-03-29T01:30:00.000Z");
  expect(["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]).toContain(instant("2026-10-25T02:30", "Europe/Berlin"));
  expect(local("2026-11-23T17:00:00Z", "Europe/Berlin")).toBe("2026-11-23T18:00");
  for (const zone of ["Europe/Berlin", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo"])
    for (const text of ["2026-10-24T23:45", "2026-10-25T12:00", "2026-04-05T12:15"]) expect(local(instant(text, zone), zone)).toBe(text);
});

it("begins each day at its midnight, however long it is", () => {
  const days = midnights(Date.parse("2026-10-24T12:00:00Z"), 3, "Europe/Berlin");
  expect(days.map((each) => new Date(each).toISOString())).toEqual([
    "2026-10-23T22:00:00.000Z",
    "2026-10-24T22:00:00.000Z",
    "2026-10-25T23:00:00.000Z",
  ]);
});

describe("the name of a browser", () => {
  it("is what people call it", () => {
    const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
    expect(browser(chrome)).toBe("Chrome on Linux");
    expect(browser(`${chrome} Edg/150.0`)).toBe("Edge on Linux");
    expect(browser("Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0")).toBe("Firefox on Android");
    expect(browser("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1")).toBe("Safari on an iPhone");
    expect(browser("")).toBe("A browser");
  });
});
