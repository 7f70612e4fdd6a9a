import { expect, it } from "vitest";

import { still } from "./parts";

it("draws a row again only when something of it has changed", () => {
  const Row = still((props: { title: string; chosen: boolean; act: () => void }) => <li>{props.title}</li>);
  const act = (): void => {};
  const props = { title: "Customers cannot pay", chosen: false, act };
  const row = new Row(props);
  row.props = props;
  const again = (next: typeof props): boolean | undefined => row.shouldComponentUpdate?.(next, {}, {}) as boolean | undefined;
  expect(again({ ...props })).toBe(false);
  expect(again({ ...props, chosen: true })).toBe(true);
  expect(again({ ...props, act: () => {} })).toBe(true);
});
