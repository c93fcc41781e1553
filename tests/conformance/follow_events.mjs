// Follows a session with the public client of GraphQL over server-sent events until everything that is kept was sent,
// then asks for a session that is not there. Standard input: {url, token, query, variables}. Prints {items, refused}.
import { text } from 'node:stream/consumers';
import process from 'node:process';
import { createClient } from 'graphql-sse';

const { url, token, query, variables } = JSON.parse(await text(process.stdin));
const client = createClient({ url, retryAttempts: 0, headers: { authorization: `Bearer ${token}` } });

const items = [];
for await (const { data } of client.iterate({ query, variables })) {
  items.push(data.sessionEvents);
  if (data.sessionEvents.__typename === 'CaughtUp') break;
}

let refused = null;
for await (const { errors } of client.iterate({ query, variables: { session: 'nowhere' } })) {
  refused = errors[0].extensions.code;
}

client.dispose();
process.stdout.write(JSON.stringify({ items, refused }));
