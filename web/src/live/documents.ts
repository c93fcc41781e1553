import { graphql, type ResultOf } from "./wire/graphql";

/** What every page knows of an agent. */
export const AGENT = graphql(`
  fragment AgentFields on Agent {
    id
    key
    name
    cli
    state
    paused
    reason
    machine
    proxyKey
    version
    model
    transport
    cwd
    generation
    spawner
    spawnerKey
    turn
    waitingApprovals
    spawnedAt
    since
    ended
    sessionKey
    awaySince
    branch
    detail
    task
    doing
    said
    seenAt
    tokens
    costUsd
    dismissed
    startedBy
  }
`);
export type Agent = ResultOf<typeof AGENT>;

/** What lists and counts know of an approval; the inbox asks for more. */
export const WAITING = graphql(`
  fragment WaitingFields on Approval {
    id
    key
    agent
    agentKey
    sessionKey
    status
    tool
    title
    askedAt
    deadline
  }
`);
export type Waiting = ResultOf<typeof WAITING>;

export const AGENTS = graphql(
  `
    subscription Agents($session: ID) {
      agents(session: $session) {
        __typename
        ... on AgentsSnapshot {
          agents {
            ...AgentFields
          }
        }
        ... on AgentChanged {
          agent {
            ...AgentFields
          }
        }
      }
    }
  `,
  [AGENT],
);

/** One thing that needs a person, without what is asked. */
export const NEED = graphql(`
  fragment NeedFields on Need {
    key
    kind
    title
    detail
    since
    blocks
    sessionKey
    agentKey
    name
    subjectKey
    dismissable
    resumable
  }
`);
export type Need = ResultOf<typeof NEED>;

/** What every page knows of what needs a person; the inbox asks for more. */
export const NEEDS = graphql(
  `
    subscription Needs {
      needs {
        __typename
        ... on NeedsSnapshot {
          needs {
            ...NeedFields
            approval {
              ...WaitingFields
            }
          }
        }
        ... on NeedsChanged {
          changed {
            ...NeedFields
            approval {
              ...WaitingFields
            }
          }
          over
        }
      }
    }
  `,
  [NEED, WAITING],
);

export const ACTIVITY = graphql(`
  subscription Activity {
    activity {
      __typename
      ... on ActivityEvent {
        session {
          key
        }
        event {
          kind
          at
        }
      }
    }
  }
`);

export const VIEWER = graphql(`
  query Viewer {
    viewer {
      permissions
      sessionKey
    }
  }
`);

/** What whoever is signed in may do, in all sessions or in one. */
export type Viewer = ResultOf<typeof VIEWER>["viewer"];

export const OVERVIEW = graphql(`
  query Overview($machines: Boolean!, $sessions: Boolean!) {
    viewer {
      kind
      name
      memberKey
      role
      permissions
      sessionKey
      workspaces {
        key
        slug
        name
      }
    }
    workspace {
      id
      key
      name
      slug
      plan
      stops @include(if: $sessions) {
        key
        scope
        ofKey
        name
        how
        by
        note
        at
        agents
        finished
      }
      sessions(first: 100) @include(if: $sessions) {
        nodes {
          id
          key
          name
          createdAt
          archived
        }
      }
      proxies(first: 100) @include(if: $machines) {
        nodes {
          id
          key
          name
          labels
          online
          since
          version
          agents
          ownerName
          ownerKey
          orphaned
          adoption {
            byKey
          }
          clis {
            cli
            dialect
            version
            supported
            transport
            problem
          }
        }
      }
    }
  }
`);
type Asked = ResultOf<typeof OVERVIEW>;
/** What every page knows; nothing is left out for who sees no sessions. */
export type Overview = Asked & {
  workspace: {
    stops: NonNullable<Asked["workspace"]["stops"]>;
    sessions: NonNullable<Asked["workspace"]["sessions"]>;
  };
};

/** The overview of whoever asked for it. */
export function overviewOf(asked: Asked): Overview {
  const { workspace } = asked;
  const { stops = [], sessions = { nodes: [] } } = workspace;
  return { ...asked, workspace: { ...workspace, stops, sessions } };
}

export type Session = Overview["workspace"]["sessions"]["nodes"][number];
/** What is stopped, by whom and why. */
export type Stop = Overview["workspace"]["stops"][number];
export type Proxy = NonNullable<Overview["workspace"]["proxies"]>["nodes"][number];

export const SESSION_AGENTS = graphql(
  `
    query SessionAgents($key: String!) {
      session(key: $key) {
        id
        agents(first: 100) {
          nodes {
            ...AgentFields
          }
        }
      }
    }
  `,
  [AGENT],
);
