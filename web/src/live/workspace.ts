import { delayBefore } from "./wire/backoff";
import {
  ACTIVITY,
  AGENTS,
  NEEDS,
  OVERVIEW,
  VIEWER,
  overviewOf,
  type Agent,
  type Need,
  type Overview,
  type Viewer,
  type Waiting,
} from "./documents";
import type { ResultOf } from "./wire/graphql";
import { addressInWorkspace, said, wantsWorkspace } from "./wire/http";
import { onceAFrame } from "./frames";
import type { Live } from "./wire/live";
import { rememberViewer, rememberedViewer } from "./remembered";
import { Store, type Readable } from "./wire/store";

/** Something that is asked for: not there yet, there, or refused. What is there stays while it is asked for anew. */
export type Loading<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly message: string };

/** How many things block something until somebody looks; warnings are not counted. */
export function countOf(needs: Loading<readonly Need[]>): number {
  return needs.state === "ready" ? needs.value.filter(({ blocks }) => blocks).length : 0;
}

/** What needs a person, with what lists know of what is asked. */
export type NeedKnown = Need & { readonly approval: Waiting | null };

const LOADING = { state: "loading" } as const;
/** Events of sessions come in bursts; the overview is asked for once after each. */
const SETTLE_MS = 400;

/** Sessions, machines, agents and waiting approvals of the whole workspace, for as long as the page is open. */
export class Workspace {
  readonly #overview = new Store<Loading<Overview>>(LOADING);
  readonly #agents = new Store<Loading<readonly Agent[]>>(LOADING);
  readonly #needs = new Store<Loading<readonly NeedKnown[]>>(LOADING);
  readonly #waiting = new Store<Loading<readonly Waiting[]>>(LOADING);
  /** Agents of which more is known than is shown yet: many may change between two pictures. */
  readonly #changed = new Map<string, Agent>();
  readonly #showChanged = onceAFrame(() => {
    this.#agents.update(withChanges(this.#changed));
    this.#changed.clear();
  });
  /** What whoever is signed in may do, as it is asked for or was told; null where that may have changed since. */
  #viewer: Promise<Viewer | null> | null = null;
  /** Ends what is followed; null where nothing is. */
  #unfollow: (() => void) | null = null;
  #refreshing = false;
  /** How often the overview could not be read since it was, and the next try. */
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  readonly #live: Live;

  constructor(live: Live) {
    this.#live = live;
    live.connection.state.subscribe(() => {
      if (live.connection.state.get().state === "live") this.refreshSoon();
      // Whoever is away is not told what changes meanwhile.
      else this.#viewer = null;
    });
    live.accessChanges.subscribe(() => {
      this.#viewer = null;
      this.refreshSoon();
    });
    void this.#begin();
  }

  /** The viewer, the sessions and the machines. */
  get overview(): Readable<Loading<Overview>> {
    return this.#overview;
  }

  /** All agents the viewer sees, ended ones too. */
  get agents(): Readable<Loading<readonly Agent[]>> {
    return this.#agents;
  }

  /** Everything that needs a person. */
  get needs(): Readable<Loading<readonly NeedKnown[]>> {
    return this.#needs;
  }

  /** The approvals that wait for an answer. */
  get waiting(): Readable<Loading<readonly Waiting[]>> {
    return this.#waiting;
  }

  /** Ask for sessions and machines anew, soon. */
  refreshSoon(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    setTimeout(() => {
      this.#refreshing = false;
      void this.#ask();
    }, SETTLE_MS);
  }

  /**
   * Ask for everything at once, as the viewer was allowed to see it when they were here last. Where they are allowed to
   * something else by now, begin as on a first visit.
   */
  async #begin(): Promise<void> {
    const remembered = rememberedViewer();
    if (remembered !== null) {
      this.#follow(remembered);
      const { data } = await this.#askOverview(remembered);
      if (data && isSame(data.viewer, remembered)) {
        this.#viewer ??= Promise.resolve(data.viewer);
        this.#show(data);
        return;
      }
      this.#forget();
    }
    await this.#ask();
  }

  /** Read the overview, and begin to follow what the viewer may see; what could not be read is asked for again. */
  async #ask(): Promise<void> {
    clearTimeout(this.#retry);
    const asked = (this.#viewer ??= this.#askViewer());
    const viewer = await asked;
    if (viewer) this.#follow(viewer);
    else if (this.#viewer === asked) this.#viewer = null;
    const { data, error } = await this.#askOverview(viewer);
    if (data && viewer) this.#show(data);
    else if (wantsWorkspace(error)) await goToWorkspace();
    else {
      if (this.#overview.get().state !== "ready")
        this.#overview.set({ state: "failed", message: said(error) });
      const { state } = this.#live.connection.state.get();
      if (state === "signed-out" || state === "ended") return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => void this.#ask(), delayBefore(this.#failures++));
    }
  }

  async #askViewer(): Promise<Viewer | null> {
    const { data } = await this.#live.queries
      .query(VIEWER, {}, { requestPolicy: "network-only" })
      .toPromise();
    if (data) rememberViewer(data.viewer);
    return data?.viewer ?? null;
  }

  /** A share of one session does not show the machines; who only pays sees no session. */
  #askOverview(viewer: Viewer | null) {
    const may = (permission: Viewer["permissions"][number]) =>
      viewer?.permissions.includes(permission) ?? false;
    const shown = { machines: may("READ_WORKSPACE"), sessions: may("READ") };
    return this.#live.queries.query(OVERVIEW, shown, { requestPolicy: "network-only" }).toPromise();
  }

  #show(data: ResultOf<typeof OVERVIEW>): void {
    this.#failures = 0;
    this.#overview.set({ state: "ready", value: overviewOf(data) });
  }

  #forget(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    for (const followed of [this.#agents, this.#needs, this.#waiting]) followed.set(LOADING);
  }

  #follow({ permissions, sessionKey }: Viewer): void {
    if (this.#unfollow) return;
    if (!permissions.includes("READ")) {
      this.#agents.set(ready([]));
      this.#needs.set(ready([]));
      this.#waiting.set(ready([]));
      return;
    }
    // A share link sees one session, and must name it.
    const followed = [this.#followAgents(sessionKey), this.#followNeeds()];
    if (sessionKey === null) followed.push(this.#followActivity());
    this.#unfollow = () => followed.forEach((end) => end());
  }

  #followAgents(session: string | null): () => void {
    return this.#live.subscribe(AGENTS, () => ({ session }), {
      next: ({ agents }) => {
        if (agents.__typename === "AgentsSnapshot") {
          this.#changed.clear();
          this.#agents.set(ready(agents.agents));
        } else {
          this.#changed.set(agents.agent.key, agents.agent);
          this.#showChanged();
        }
      },
      failed: (message) => this.#agents.set({ state: "failed", message }),
    });
  }

  #followNeeds(): () => void {
    return this.#live.subscribe(NEEDS, () => ({}), {
      next: ({ needs }) => {
        if (needs.__typename === "NeedsSnapshot") this.#needs.set(ready(needs.needs));
        else {
          const over = new Set<string>([...needs.over, ...needs.changed.map(({ key }) => key)]);
          const before = this.#needs.get();
          const kept = before.state === "ready" ? before.value.filter(({ key }) => !over.has(key)) : [];
          this.#needs.set(ready([...kept, ...needs.changed]));
        }
        this.#waiting.set(ready(waitingOf(this.#needs.get())));
      },
      failed: (message) => {
        this.#needs.set({ state: "failed", message });
        this.#waiting.set({ state: "failed", message });
      },
    });
  }

  #followActivity(): () => void {
    return this.#live.subscribe(ACTIVITY, () => ({}), {
      next: ({ activity }) => {
        if (activity.__typename !== "ActivityEvent") this.refreshSoon();
        else if (/^(session|proxy|stop)\./.test(activity.event.kind)) this.refreshSoon();
      },
      failed: () => undefined,
    });
  }
}

/** The page is loaded anew where its address says which workspace it shows. */
async function goToWorkspace(): Promise<void> {
  const address = await addressInWorkspace(location);
  if (address !== null) location.replace(address);
}

/** Whether two viewers are allowed to the same. */
function isSame(one: Viewer, other: Viewer): boolean {
  const known = new Set(other.permissions);
  return (
    one.sessionKey === other.sessionKey &&
    one.permissions.length === known.size &&
    one.permissions.every((permission) => known.has(permission))
  );
}

function ready<T>(value: T): Loading<T> {
  return { state: "ready", value };
}

/** Those that have changed in their places, and those that are new behind them. */
function withChanges<T extends { key: string }>(
  changed: ReadonlyMap<string, T>,
): (all: Loading<readonly T[]>) => Loading<readonly T[]> {
  return (all) => {
    const before = all.state === "ready" ? all.value : [];
    const known = new Set(before.map((one) => one.key));
    const added = [...changed.values()].filter((one) => !known.has(one.key));
    return ready([...before.map((one) => changed.get(one.key) ?? one), ...added]);
  };
}

function waitingOf(needs: Loading<readonly NeedKnown[]>): readonly Waiting[] {
  return needs.state === "ready"
    ? needs.value.flatMap(({ approval }) => (approval === null ? [] : [approval]))
    : [];
}
