/** Keys of the list. They can be switched off, and act on nothing without a row in focus or chosen. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Acts } from "../acts";

const SWITCH = "opsknight:keys";

export interface Hands {
  acts: Acts;
  chosen: ReadonlySet<string>;
  all: readonly string[];
  choose: (ids: ReadonlySet<string>) => void;
  box: { current: HTMLInputElement | null };
  off: boolean;
}

export function withOne(chosen: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(chosen);
  if (on) next.add(id);
  else next.delete(id);
  return next;
}

export function keysOn(): boolean {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

export function useKeys(hands: Hands): void {
  const now = useRef(hands);
  now.current = hands;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const { acts, chosen, all, choose, box, off } = now.current;
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || !keysOn()) return;
      if (target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
      const links = [...document.querySelectorAll<HTMLAnchorElement>(".rows .title")];
      const here = target.closest<HTMLElement>(".row");
      const at = here ? links.findIndex((link) => here.contains(link)) : -1;
      const id = here?.dataset["id"];
      const meant = chosen.size ? [...chosen] : id ? [id] : [];
      switch (event.key) {
        case "j":
          links[Math.min(at + 1, links.length - 1)]?.focus();
          break;
        case "k":
          links[Math.max(at - 1, 0)]?.focus();
          break;
        case "x":
          if (id) choose(withOne(chosen, id, !chosen.has(id)));
          break;
        case "*":
          choose(new Set(all));
          break;
        case "Escape":
          choose(new Set());
          break;
        case "a":
          if (meant.length && !off) void acts.act(meant, "acknowledge").then(() => choose(new Set()));
          break;
        case "r":
          // It is final.
          if (meant.length && !off && confirm(`Resolve ${meant.length === 1 ? "this incident" : `${meant.length} incidents`} for good?`))
            void acts.act(meant, "resolve").then(() => choose(new Set()));
          break;
        case "/":
          box.current?.focus();
          break;
        case "?":
          document.querySelector<HTMLDialogElement>("#keys")?.showModal();
          break;
        default:
          return;
      }
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

const KEYS = [
  ["j, k", "next, previous"],
  ["Enter", "open"],
  ["x", "choose"],
  ["*", "choose all shown"],
  ["Esc", "choose none"],
  ["a", "acknowledge those chosen, else the row in focus"],
  ["r", "resolve them, after asking"],
  ["/", "search"],
  ["?", "this list"],
] as const;

export function KeysHelp(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [on, setOn] = useState(keysOn);
  const set = (wanted: boolean): void => {
    setOn(wanted);
    try {
      localStorage.setItem(SWITCH, wanted ? "on" : "off");
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  };
  return (
    <>
      <button class="plain keys-button" onClick={() => dialog.current?.showModal()}>
        Keys
      </button>
      <dialog id="keys" ref={dialog} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys in this list</h2>
        <dl class="facts">
          {KEYS.map(([key, what]) => (
            <>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </>
          ))}
        </dl>
        <label class="check">
          <input type="checkbox" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
          <span>Keys are on</span>
        </label>
        <button onClick={() => dialog.current?.close()}>Close</button>
      </dialog>
    </>
  );
}
