/** The frame of a step, and its fields: each with its hint, and with its mistake once somebody wanted to go on. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Mistakes } from "./compose";
import { STEPS } from "./draft";

interface FieldProps {
  id: string;
  label: string;
  hint?: string;
  said: string | undefined;
  children: (given: FieldAttributes) => JSX.Element;
}

export interface FieldAttributes {
  id: string;
  "aria-invalid"?: "true";
  "aria-describedby"?: string;
}

export function Field({ id, label, hint, said, children }: FieldProps): JSX.Element {
  const described = [said && `${id}-said`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class={said ? "field is-wrong" : "field"}>
      <label for={id}>{label}</label>
      {children({ id, ...(said ? { "aria-invalid": "true" as const } : {}), ...(described ? { "aria-describedby": described } : {}) })}
      {said && (
        <p class="said" id={`${id}-said`}>
          {said}
        </p>
      )}
      {hint && (
        <p class="dim hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextProps {
  id: string;
  label: string;
  hint?: string;
  said: string | undefined;
  value: string;
  write: (value: string) => void;
  more?: JSX.InputHTMLAttributes<HTMLInputElement>;
}

export function TextField({ id, label, hint, said, value, write, more = {} }: TextProps): JSX.Element {
  return (
    <Field id={id} label={label} said={said} {...(hint ? { hint } : {})}>
      {(given) => <input {...given} {...more} value={value} onInput={(event) => write(event.currentTarget.value)} />}
    </Field>
  );
}

/**
 * The mistakes of one step, shown from the first try to go on, or since the server refused an answer; and
 * that try.
 */
export function useTried(
  { mistakes, refusals }: { mistakes: Mistakes; refusals: number },
  ours: (field: string) => boolean,
): { said: Mistakes; clear: () => boolean } {
  const [tried, setTried] = useState(false);
  const wrong = Object.entries(mistakes).filter(([field]) => ours(field));
  const clear = (): boolean => {
    setTried(true);
    return wrong.length === 0;
  };
  return { said: tried || refusals ? Object.fromEntries(wrong) : {}, clear };
}

interface FrameProps {
  step: number;
  title: string;
  lead: ComponentChildren;
  children?: ComponentChildren;
  /** What is no field of the step, and may have forms of its own. */
  beside?: ComponentChildren;
  /** Goes on, or shows why not; without it there is nothing to go on to. */
  next?: () => void;
  back: (() => void) | undefined;
  label?: string;
  busy?: boolean;
  /** How often the server has refused an answer. */
  refusals?: number;
}

/**
 * One step. Its title gets the focus, so that whoever hears the page hears where they are; or the first
 * field that is wrong.
 */
export function Frame(props: FrameProps): JSX.Element {
  const { step, title, lead, children, beside, next, back, label = "Continue", busy = false, refusals = 0 } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  // What is wrong is shown by now.
  useEffect(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [tries, refusals]);
  return (
    <section class="setup-step" aria-labelledby="setup-title">
      <p class="dim setup-count">
        Step {step + 1} of {STEPS.length}
      </p>
      <h2 id="setup-title" tabIndex={-1} ref={heading}>
        {title}
      </h2>
      <p class="lead">{lead}</p>
      <form
        id="setup-form"
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          next?.();
          setTries((was) => was + 1);
        }}
      >
        {children}
      </form>
      {beside}
      <div class="setup-acts">
        {next && (
          <button class="first" form="setup-form" disabled={busy}>
            {label}
          </button>
        )}
        {back && (
          <button onClick={back} disabled={busy}>
            Back
          </button>
        )}
      </div>
    </section>
  );
}
