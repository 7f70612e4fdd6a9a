/** One more contact method of mine, or another address for one of them. Its code is asked for next. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Me } from "../api/client";
import { Problem } from "../parts";
import { useTrying } from "./methods";

type Method = Me["contactMethods"][number];

const CHANNELS = {
  sms: ["Text message", "tel", "+49 151 12345678"],
  voice: ["Telephone call", "tel", "+49 30 123456"],
  email: ["E-mail", "email", "me@example.com"],
  ntfy: ["ntfy", "url", "https://ntfy.sh/your-topic"],
} as const;
type Channel = keyof typeof CHANNELS;

export function AddressForm(props: { replaces?: Method; done: (asked: string) => void; cancel: () => void }): JSX.Element {
  const { replaces, done, cancel } = props;
  const known = replaces && replaces.channel in CHANNELS ? (replaces.channel as Channel) : "sms";
  const [channel, setChannel] = useState<Channel>(known);
  const [to, setTo] = useState("");
  const [name, setName] = useState(replaces?.name ?? "");
  const { busy, error, trying } = useTrying();
  const [, kind, example] = CHANNELS[channel];
  const ask = (): Promise<void> =>
    trying(async () => {
      const body = {
        channel,
        to: to.trim(),
        ...(name.trim() ? { name: name.trim() } : {}),
        ...(replaces ? { replaces: replaces.id } : {}),
      };
      const { waiting } = await answered(api.POST("/api/keeping/me/contact-methods", { body }));
      done(waiting.id);
    });
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void ask();
      }}
    >
      <h2>{replaces ? `Another address for ${replaces.name}` : "A new contact method"}</h2>
      <div class="two">
        <label>
          How
          <select value={channel} onChange={(event) => setChannel(event.currentTarget.value as Channel)}>
            {Object.entries(CHANNELS).map(([value, [label]]) => (
              <option value={value}>{label}</option>
            ))}
          </select>
        </label>
        <label>
          {kind === "tel" ? "Number, with its country" : kind === "email" ? "Address" : "Address of the topic"}
          <input
            type={kind}
            required
            maxLength={500}
            placeholder={example}
            autoComplete={kind === "url" ? "off" : kind}
            value={to}
            onInput={(event) => setTo(event.currentTarget.value)}
          />
        </label>
        <label>
          Name (optional)
          <input maxLength={100} placeholder="Mobile" value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
      </div>
      <div class="form-acts">
        <button class="first" disabled={busy || !to.trim()}>
          Continue
        </button>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
      {error && <Problem error={error} />}
    </form>
  );
}
