// The public client of graphql-transport-ws against a gateway: connection, ping, authorisation, resume, completion and
// errors. Standard input: {url, key, observer, session, epoch, say}: a POST to `say` appends an event that says its body.
// Prints the names of the cases that passed; a case that fails ends the program with its reason.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import process from 'node:process';
import { CloseCode, createClient } from 'graphql-ws';
import WebSocket from 'ws';

const given = JSON.parse(await text(process.stdin));
const { session, epoch } = given;
const FOLLOW = `subscription ($session: ID!, $after: Cursor) {
  sessionEvents(session: $session, after: $after) {
    __typename ... on Event { cursor } ... on FrameEvent { contents { ... on TextContent { text } } }
  }
}`;
const VIEWER = '{ viewer { kind } }';

const say = (word) => fetch(given.say, { method: 'POST', body: word });

function client(options = {}) {
  return createClient({
    url: given.url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${given.key}` },
    retryAttempts: 0,
    ...options,
  });
}

// The first answer of an operation, or what it ends with.
function once(made, operation) {
  return new Promise((resolve, reject) => {
    let answer;
    made.subscribe(operation, {
      next: (value) => (answer = value),
      error: reject,
      complete: () => resolve(answer),
    });
  });
}

// Follows until `enough` says so; the texts and the last cursor.
async function follow(made, after, enough) {
  const texts = [];
  let cursor = after;
  for await (const { data } of made.iterate({ query: FOLLOW, variables: { session, after } })) {
    const item = data.sessionEvents;
    if (item.cursor) cursor = item.cursor;
    if (item.__typename === 'FrameEvent') texts.push(item.contents[0].text);
    if (enough(item, texts)) break;
  }
  return { texts, cursor };
}

async function closing(options, operation = { query: VIEWER }) {
  try {
    await once(client(options), operation);
  } catch (event) {
    return event.code;
  }
  throw new Error('the connection was not closed');
}

const cases = {
  async 'a query over the socket'() {
    const made = client();
    assert.deepEqual(await once(made, { query: VIEWER }), { data: { viewer: { kind: 'WORKSPACE' } } });
    await made.dispose();
  },

  async 'a mutation over the socket'() {
    const made = client();
    const query = 'mutation { createSession(input: { name: "by-node" }) { ... on SessionCreated { session { name } } } }';
    const answer = await once(made, { query });
    assert.equal(answer.data.createSession.session.name, 'by-node');
    await made.dispose();
  },

  async 'a token that nobody knows is forbidden'() {
    assert.equal(await closing({ connectionParams: { authorization: 'Bearer rk_live_nobody' } }), CloseCode.Forbidden);
  },

  async 'no token is forbidden'() {
    assert.equal(await closing({ connectionParams: {} }), CloseCode.Forbidden);
  },

  async 'errors of a document come as errors of the operation'() {
    const made = client();
    await assert.rejects(once(made, { query: '{ nothing }' }), (errors) => {
      assert.equal(errors[0].extensions.code, 'GRAPHQL_INVALID');
      return true;
    });
    assert.ok(await once(made, { query: VIEWER })); // the connection goes on
    await made.dispose();
  },

  async 'a refusal comes as an error of the operation'() {
    const made = client();
    const refused = { query: FOLLOW, variables: { session: 'nowhere' } };
    await assert.rejects(once(made, refused), (errors) => {
      assert.equal(errors[0].extensions.code, 'SESSION_NOT_FOUND');
      return true;
    });
    await made.dispose();
  },

  async 'pings of the client are answered'() {
    let made;
    await new Promise((resolve, reject) => {
      made = client({
        lazy: false,
        keepAlive: 20,
        on: { pong: (received) => received && resolve(), error: reject, closed: reject },
      });
    });
    await made.dispose();
  },

  async 'a ping with a fresh token refreshes the connection'() {
    let socket;
    const refreshed = new Promise((resolve) => {
      const made = client({
        lazy: false,
        on: {
          connected: (opened) => {
            socket = opened;
            const payload = { authorization: `Bearer ${given.observer}` };
            socket.send(JSON.stringify({ type: 'ping', payload }));
          },
          pong: (received, payload) => received && resolve([made, payload]),
        },
      });
    });
    const [made, payload] = await refreshed;
    assert.deepEqual(payload, { refreshed: true });
    assert.deepEqual(await once(made, { query: VIEWER }), { data: { viewer: { kind: 'OBSERVER' } } });
    await made.dispose();
  },

  async 'live events come as they happen, and completing ends them'() {
    const made = client();
    const { texts } = await follow(made, undefined, (item, all) => {
      if (item.__typename === 'CaughtUp') say('live');
      return all.length === 1;
    });
    assert.deepEqual(texts, ['live']);
    assert.ok(await once(made, { query: VIEWER })); // only the operation has ended
    await made.dispose();
  },

  async 'a client that comes again resumes without gap or repetition'() {
    const first = client();
    let begun;
    const caughtUp = new Promise((resolve) => (begun = resolve));
    const following = follow(first, `${epoch}:1`, (item, all) => {
      if (item.__typename === 'CaughtUp') begun();
      return all.at(-1) === 'b';
    });
    await caughtUp;
    for (const word of ['a', 'b', 'c']) await say(word);
    const { cursor } = await following;
    first.terminate();
    await say('d');
    const second = client();
    const { texts } = await follow(second, cursor, (_, all) => all.at(-1) === 'd');
    assert.deepEqual(texts, ['c', 'd']);
    await second.dispose();
  },

  async 'a connection that is lost is made again by the client itself'() {
    let opened = 0;
    const made = client({ retryAttempts: 3, retryWait: async () => {}, shouldRetry: () => true, on: { connected: () => opened++ } });
    const seen = new Promise((resolve, reject) => {
      made.subscribe(
        { query: FOLLOW, variables: { session } },
        {
          next: ({ data }) => {
            if (data.sessionEvents.__typename !== 'CaughtUp') return resolve(data.sessionEvents);
            if (opened === 1) made.terminate();
            else say('again');
          },
          error: reject,
          complete: reject,
        },
      );
    });
    assert.equal((await seen).contents[0].text, 'again');
    assert.equal(opened, 2);
    await made.dispose();
  },

  async 'many operations share a connection'() {
    const made = client();
    const answers = await Promise.all(Array.from({ length: 50 }, () => once(made, { query: VIEWER })));
    assert.equal(answers.filter(({ data }) => data.viewer.kind === 'WORKSPACE').length, 50);
    await made.dispose();
  },
};

const passed = [];
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exit(1);
  }
  passed.push(name);
}
process.stdout.write(JSON.stringify(passed));
process.exit(0);
