/** What customers are told of an incident: posts on the public status pages that show its service. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { answered, api, type Details, type StatusPage, type StatusPost } from "../api/client";
import { refused, useLoad } from "../api/load";
import { Problem, When } from "../parts";

const STATES = { degraded: "Degraded", partial: "Partly down", down: "Down" } as const;
const PHASES = {
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  resolved: "Resolved: it is over",
} as const;
type Trouble = keyof typeof STATES;
type Phase = keyof typeof PHASES;

interface Shown {
  incident: Details;
  now: number;
  zone: string | undefined;
  off: boolean;
}

/** Nothing where no public page shows the service. */
export function Publish(shown: Shown): JSX.Element | null {
  const { data, error, again } = useLoad(() => answered(api.GET("/api/status-pages", {})), shown.incident.id);
  const pages = (data?.statusPages ?? []).filter((page) =>
    page.services.some((service) => service.id === shown.incident.serviceId),
  );
  if (error && error.status !== 403) return <Problem error={error} again={again} />;
  if (pages.length === 0) return null;
  return (
    <section class="publish">
      <h2>Customers</h2>
      {pages.map((page) => (
        <OnPage key={page.id} page={page} {...shown} />
      ))}
    </section>
  );
}

function OnPage({ page, incident, now, zone, off }: Shown & { page: StatusPage }): JSX.Element {
  const path = { pageId: page.id };
  const { data, again } = useLoad(
    () => answered(api.GET("/api/status-pages/{pageId}/posts", { params: { path } })),
    page.id,
  );
  const [said, setSaid] = useState("");
  const service = page.services.find((each) => each.id === incident.serviceId);
  const posts = (data?.posts ?? []).filter(
    (post) => !post.over && (post.incidentId === incident.id || about(post, incident.serviceId)),
  );

  async function tell(doing: string, act: () => Promise<string>): Promise<void> {
    setSaid(doing);
    try {
      setSaid(await act());
      again();
    } catch (error) {
      setSaid(refused(error).message);
    }
  }

  return (
    <div class="service">
      <p>
        <a href={page.path}>{page.name}</a> shows {service?.name ?? incident.serviceId}
        {posts.length === 0 && " as operational: nobody has posted."}
      </p>
      {posts.map((post) => (
        <Current
          key={post.id}
          post={post}
          serviceId={incident.serviceId}
          now={now}
          zone={zone}
          off={off}
          update={(body) =>
            tell("Posting...", async () => {
              const params = { path: { ...path, postId: post.id } };
              const url = "/api/status-pages/{pageId}/posts/{postId}/updates";
              await answered(api.POST(url, { params, body }));
              return "Posted. The page has it within seconds.";
            })
          }
          withdraw={() =>
            tell("Withdrawing...", async () => {
              const params = { path: { ...path, postId: post.id } };
              await answered(api.DELETE("/api/status-pages/{pageId}/posts/{postId}", { params }));
              return "Withdrawn. Nothing of it stays on the page.";
            })
          }
        />
      ))}
      {posts.length === 0 && (
        <NewPost
          name={page.name}
          off={off}
          post={(title, text, state) =>
            tell("Posting...", async () => {
              const services = { [incident.serviceId]: state };
              const body = { title, text, services, incidentId: incident.id, phase: "investigating" as const };
              await answered(api.POST("/api/status-pages/{pageId}/posts", { params: { path }, body }));
              return "Posted. The page has it within seconds.";
            })
          }
        />
      )}
      <p role="status">{said}</p>
    </div>
  );
}

function about(post: StatusPost, serviceId: string): boolean {
  return post.kind === "incident" && post.services.some((each) => each.serviceId === serviceId);
}

interface NewPostProps {
  name: string;
  off: boolean;
  post: (title: string, text: string, state: Trouble) => Promise<void>;
}

/** Empty at first: what an alert is called is not for customers. */
function NewPost({ name, off, post }: NewPostProps): JSX.Element {
  const [title, setTitle] = useState("");
  const [text, setText] = useState("We are looking into it.");
  const [state, setState] = useState<Trouble>("degraded");
  return (
    <details>
      <summary>Tell customers</summary>
      <form
        class="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          void post(title, text, state);
        }}
      >
        <label>
          What customers notice
          <input required maxLength={200} value={title} onInput={(event) => setTitle(event.currentTarget.value)} />
        </label>
        <Said text={text} setText={setText} />
        <State state={state} setState={setState} />
        <button disabled={off}>Publish on {name}</button>
      </form>
    </details>
  );
}

interface CurrentProps {
  post: StatusPost;
  serviceId: string;
  now: number;
  zone: string | undefined;
  off: boolean;
  update: (body: { text: string; phase: Phase; services: Record<string, Trouble> }) => Promise<void>;
  withdraw: () => Promise<void>;
}

function Current({ post, serviceId, now, zone, off, update, withdraw }: CurrentProps): JSX.Element {
  const known = post.services.find((each) => each.serviceId === serviceId)?.state;
  const [text, setText] = useState("");
  const [phase, setPhase] = useState<Phase>(post.phase ?? "investigating");
  const [state, setState] = useState<Trouble>(known && known in STATES ? (known as Trouble) : "degraded");
  const last = post.updates.at(-1);
  return (
    <div>
      <p>
        <strong>
          <bdi>{post.title}</bdi>
        </strong>
        , since <When at={post.startsAt} now={now} zone={zone} />
        {post.automatic && ", by the page itself"}
      </p>
      {last && (
        <p class="dim">
          <bdi>{last.text}</bdi>
        </p>
      )}
      <details>
        <summary>Say more, or that it is over</summary>
        <form
          class="dialog-form"
          onSubmit={(event) => {
            event.preventDefault();
            const services = phase === "resolved" ? {} : { [serviceId]: state };
            void update({ text, phase, services }).then(() => setText(""));
          }}
        >
          <Said text={text} setText={setText} />
          <label>
            How far you are
            <select value={phase} onChange={(event) => setPhase(event.currentTarget.value as Phase)}>
              {Object.entries(PHASES).map(([value, name]) => (
                <option value={value}>{name}</option>
              ))}
            </select>
          </label>
          {phase !== "resolved" && <State state={state} setState={setState} />}
          <button disabled={off}>{phase === "resolved" ? "Publish that it is over" : "Publish"}</button>
        </form>
        <button class="small" disabled={off} onClick={() => void withdraw()}>
          Withdraw: it was a mistake
        </button>
      </details>
    </div>
  );
}

function Said({ text, setText }: { text: string; setText: (text: string) => void }): JSX.Element {
  return (
    <label>
      What you say about it
      <input required maxLength={1500} value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </label>
  );
}

function State({ state, setState }: { state: Trouble; setState: (state: Trouble) => void }): JSX.Element {
  return (
    <label>
      How the service is
      <select value={state} onChange={(event) => setState(event.currentTarget.value as Trouble)}>
        {Object.entries(STATES).map(([value, name]) => (
          <option value={value}>{name}</option>
        ))}
      </select>
    </label>
  );
}
