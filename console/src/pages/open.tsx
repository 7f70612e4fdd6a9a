/** Opens an incident by hand: what somebody saw before a monitor did. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { answered, api, type Urgency } from "../api/client";
import { refused, useLoad } from "../api/load";
import { go, ROOT } from "../router";

export function OpenOne({ off }: { off: boolean }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [shown, setShown] = useState(false);
  const open = (): void => {
    setShown(true);
    dialog.current?.showModal();
  };
  return (
    <>
      <button disabled={off} onClick={open}>
        New incident
      </button>
      <dialog ref={dialog} aria-labelledby="open-one" onClose={() => setShown(false)}>
        {shown && <Form close={() => dialog.current?.close()} />}
      </dialog>
    </>
  );
}

function Form({ close }: { close: () => void }): JSX.Element {
  const services = useLoad(() => answered(api.GET("/api/services", {})));
  const [serviceId, setServiceId] = useState("");
  const [title, setTitle] = useState("");
  const [urgency, setUrgency] = useState<Urgency>("HIGH");
  const [description, setDescription] = useState("");
  const [said, setSaid] = useState("");
  // Sent again after a lost answer, it is the same incident.
  const [dedupKey] = useState(() => `console/${crypto.randomUUID()}`);

  async function send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setSaid("Opening...");
    try {
      const body = { title, serviceId, urgency, dedupKey, ...(description.trim() ? { description } : {}) };
      const { result } = await answered(api.POST("/api/incidents", { body }));
      close();
      go(`${ROOT}incidents/${result.incident.id}`);
    } catch (error) {
      setSaid(refused(error).message);
    }
  }
  return (
    <form class="dialog-form" onSubmit={(event) => void send(event)}>
      <h2 id="open-one">Open an incident</h2>
      <label>
        Service
        <select required value={serviceId} onChange={(event) => setServiceId(event.currentTarget.value)}>
          <option value="" disabled>
            Choose
          </option>
          {(services.data?.services ?? [])
            .filter((each) => !each.disabled)
            .map((each) => (
              <option value={each.id}>{each.name}</option>
            ))}
        </select>
      </label>
      <label>
        What is wrong
        <input required maxLength={500} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
      </label>
      <label>
        Urgency
        <select value={urgency} onChange={(event) => setUrgency(event.currentTarget.value as Urgency)}>
          <option value="HIGH">HIGH: wakes whoever is on call</option>
          <option value="MEDIUM">MEDIUM</option>
          <option value="LOW">LOW</option>
        </select>
      </label>
      <label>
        More, if there is
        <textarea maxLength={10000} rows={3} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
      </label>
      <p role="status">{said || services.error?.message}</p>
      <div class="buttons">
        <button type="button" onClick={close}>
          Not now
        </button>
        <button class="first">Open</button>
      </div>
    </form>
  );
}
