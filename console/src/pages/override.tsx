/** Puts somebody on call for some time, after showing what that changes. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { answered, api, type Me, type OverridePreview } from "../api/client";
import { refused, useLoad } from "../api/load";
import { clock, instant, local } from "../times";

export interface Wished {
  scheduleId: string;
  name: string;
  who?: string;
  /** Whose shift it is. */
  instead?: string;
  start?: string;
  end?: string;
  /** An override that is in the way, and can be ended. */
  override?: string;
}

interface Props {
  wished: Wished | undefined;
  me: Me;
  close: () => void;
  done: () => void;
}

export function OverrideDialog({ wished, me, close, done }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (wished) dialog.current?.showModal();
    else dialog.current?.close();
  }, [wished]);
  return (
    <dialog ref={dialog} aria-labelledby="override-title" onClose={close}>
      {wished && <Form key={JSON.stringify(wished)} wished={wished} me={me} close={close} done={done} />}
    </dialog>
  );
}

function Form({ wished, me, close, done }: Props & { wished: Wished }): JSX.Element {
  const zone = me.zone ?? "UTC";
  const users = useLoad(() => answered(api.GET("/api/users", {})));
  const [who, setWho] = useState(wished.who ?? "");
  const [instead, setInstead] = useState(wished.instead ?? "");
  const [start, setStart] = useState(wished.start ? local(wished.start, zone) : "");
  const [end, setEnd] = useState(wished.end ? local(wished.end, zone) : "");
  const [said, setSaid] = useState("");
  const [preview, setPreview] = useState<OverridePreview>();
  const people = (users.data?.users ?? []).filter((each) => !each.disabled);
  const name = (id: string): string => people.find((each) => each.id === id)?.name ?? id;
  const params = { path: { scheduleId: wished.scheduleId } };
  const complete = who !== "" && start !== "" && end !== "" && start < end && who !== instead;
  const body = complete
    ? { userId: who, start: instant(start, zone), end: instant(end, zone), ...(instead ? { replaces: instead } : {}) }
    : undefined;

  useEffect(() => {
    setPreview(undefined);
    if (!body) return;
    let over = false;
    const timer = setTimeout(() => {
      answered(api.POST("/api/schedules/{scheduleId}/preview", { params, body })).then(
        (found) => !over && setPreview(found),
        (error: unknown) => !over && setSaid(refused(error).message),
      );
    }, 250);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [JSON.stringify(body)]);

  async function act(doing: string, ask: () => Promise<unknown>): Promise<void> {
    setSaid(doing);
    try {
      await ask();
      done();
      close();
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  const put = (event: SubmitEvent): void => {
    event.preventDefault();
    if (body)
      void act("Putting them on call...", () => answered(api.POST("/api/schedules/{scheduleId}/overrides", { params, body })));
  };
  const end_ = (overrideId: string): void =>
    void act("Ending it...", () =>
      answered(
        api.DELETE("/api/schedules/{scheduleId}/overrides/{overrideId}", { params: { path: { ...params.path, overrideId } } }),
      ),
    );
  return (
    <form class="dialog-form" onSubmit={put}>
      <h2 id="override-title">{wished.name}: put somebody on call</h2>
      {wished.override && (
        <p>
          This is an override.{" "}
          <button type="button" onClick={() => end_(wished.override ?? "")}>
            End it
          </button>
        </p>
      )}
      <label>
        Who
        <select required value={who} onChange={(event) => setWho(event.currentTarget.value)}>
          <option value="" disabled>
            Choose
          </option>
          {people.map((each) => (
            <option value={each.id}>{each.id === me.id ? `${each.name} (you)` : each.name}</option>
          ))}
        </select>
      </label>
      <label>
        Instead of
        <select value={instead} onChange={(event) => setInstead(event.currentTarget.value)}>
          <option value="">whoever it is</option>
          {people.map((each) => (
            <option value={each.id}>{each.id === me.id ? `${each.name} (you)` : each.name}</option>
          ))}
        </select>
      </label>
      <div class="two">
        <label>
          From
          <input type="datetime-local" required value={start} onInput={(event) => setStart(event.currentTarget.value)} />
        </label>
        <label>
          Until
          <input type="datetime-local" required value={end} onInput={(event) => setEnd(event.currentTarget.value)} />
        </label>
      </div>
      <p class="dim">Times in {zone}.</p>
      <div class="preview" role="status">
        {preview && <Preview preview={preview} zone={zone} name={name} />}
        {said}
      </div>
      <div class="buttons">
        <button type="button" onClick={close}>
          Not now
        </button>
        <button class="first" disabled={!preview?.changes.length}>
          Put on call
        </button>
      </div>
    </form>
  );
}

function Preview({ preview, zone, name }: { preview: OverridePreview; zone: string; name: (id: string) => string }): JSX.Element {
  if (!preview.changes.length) return <p>It changes nothing: it is not their turn then.</p>;
  const far = Date.parse("2000-01-01");
  return (
    <ul>
      {preview.changes.map((each) => (
        <li>
          <b>{each.userId ? (each.userName ?? name(each.userId)) : "Nobody"}</b> instead of{" "}
          {each.wasId ? (each.wasName ?? name(each.wasId)) : "nobody"}, {clock(each.start, far, zone)} to{" "}
          {clock(each.end, far, zone)}
        </li>
      ))}
    </ul>
  );
}
