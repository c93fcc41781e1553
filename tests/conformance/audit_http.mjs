// Holds a GraphQL endpoint against every server audit of graphql-http.
// Standard input: {"url": …, "token": …}. Prints a list of {id, name, status, reason}.
import { text } from 'node:stream/consumers';
import process from 'node:process';
import { auditServer } from 'graphql-http';

const { url, token } = JSON.parse(await text(process.stdin));

const authorized = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const results = await auditServer({ url, fetchFn: authorized });
process.stdout.write(
  JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason: reason ?? null }))),
);
