/** Small parts that several pages show. */
import type { ComponentChildren, ComponentClass, JSX } from "preact";
import { Component } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Status, Urgency } from "./api/client";
import type { Refused } from "./api/client";
import { door } from "./session";
import { ago, clock } from "./times";

/** The time, again and again: ages on the screen go on while nothing arrives. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/**
 * Drawn again only when one of its own properties is another one: a list is as long as the night is
 * bad, and who ticks one row waits for all. What is handed to it has to stay the same thing.
 */
export function still<P extends object>(draw: (props: P) => JSX.Element): ComponentClass<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const names = Object.keys(next) as (keyof P)[];
      return names.some((name) => next[name] !== this.props[name]);
    }
    override render(): JSX.Element {
      return draw(this.props);
    }
  };
}

export function UrgencyTag({ of }: { of: Urgency }): JSX.Element {
  return <span class={`urgency ${of}`}>{of}</span>;
}

export function StatusTag({ of }: { of: Status }): JSX.Element {
  return <span class={`status ${of}`}>{of}</span>;
}

export function When({ at, now, zone }: { at: string; now: number; zone: string | undefined }): JSX.Element {
  return (
    <time dateTime={at} title={new Date(at).toISOString()}>
      {clock(at, now, zone)} <span class="dim">({ago(at, now)})</span>
    </time>
  );
}

export function Problem({ error, again }: { error: Refused; again?: () => void }): JSX.Element {
  return (
    <p class="problem" role="alert">
      {error.message}
      {error.requestId && <span class="dim"> Request {error.requestId}.</span>}{" "}
      <Way error={error} again={again} />
    </p>
  );
}

/** What can be done about a refusal. Keys and configuration want a recent login. */
function Way({ error, again }: { error: Refused; again: (() => void) | undefined }): JSX.Element | null {
  if (error.status === 401) return <a href={door("renew")}>Log in</a>;
  if (error.code === "log-in-again") return <a href={door("again")}>Log in again</a>;
  return again ? <button onClick={again}>Try again</button> : null;
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Text that strangers wrote: its direction is its own, and an address in it can be followed. */
export function Foreign({ text }: { text: string }): JSX.Element {
  const parts = text.split(/(https?:\/\/[^\s"<>\\]+)/);
  return (
    <bdi>
      {parts.map((part, number) =>
        number % 2 ? (
          <a href={part} rel="noopener noreferrer">
            {part}
          </a>
        ) : (
          part
        ),
      )}
    </bdi>
  );
}

export function href(address: string): string | undefined {
  return /^https?:\/\//i.test(address) ? address : undefined;
}
