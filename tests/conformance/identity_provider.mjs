// An identity provider on loopback: the certified OpenID Provider of npm's oidc-provider, without forms. Whoever is named
// is signed in at once. Each line of standard input is a JSON object of settings that change, and is answered by a line
// with the issuer; the first ones are the settings it begins with. It ends with its standard input.
//   answerAt   URLs that it may send browsers back to
//   account    who is signed in from now on: claims, with `sub`
//   refusal    an error code in place of signing in; null: none
//   keys       which pair of keys signs: any word; another word, another pair
//   inToken    whether name and e-mail stand in the ID token, and not at the userinfo endpoint alone
//   algorithm  of ID tokens
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import process from 'node:process';
import { createInterface } from 'node:readline';
import Provider, { interactionPolicy } from 'oidc-provider';

const SECRET = 'of the client: 100% + a/b & "c"';
const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519'],
};
const settings = { answerAt: [], account: null, refusal: null, keys: 'first', inToken: false, algorithm: 'RS256' };
const pairs = new Map();
let handle;

// One pair for each algorithm and word, its name the word and the algorithm.
function key(algorithm) {
  const kid = `${settings.keys} ${algorithm}`;
  if (!pairs.has(kid)) {
    const { privateKey } = generateKeyPairSync(...KINDS[algorithm]);
    pairs.set(kid, { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' });
  }
  return pairs.get(kid);
}

// Somebody else than who is signed in at the provider is asked for (answered at once below), not taken for them.
function policy() {
  const made = interactionPolicy.base();
  const { Check } = interactionPolicy;
  made.get('login').checks.add(
    new Check('another_account', 'another account is named', ({ oidc }) =>
      settings.refusal || oidc.session.accountId !== settings.account?.sub
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return made;
}

function client(client_id, token_endpoint_auth_method) {
  return {
    client_id,
    token_endpoint_auth_method,
    ...(token_endpoint_auth_method === 'none' ? {} : { client_secret: SECRET }),
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: settings.answerAt,
    id_token_signed_response_alg: settings.algorithm,
  };
}

async function grant({ oidc }) {
  const made = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  made.addOIDCScope('openid profile email');
  await made.save();
  return made;
}

async function answer(provider, request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  const { account, refusal } = settings;
  const result =
    refusal || !account || prompt.name !== 'login'
      ? { error: refusal ?? 'access_denied', error_description: 'Nobody is let in.' }
      : { login: { accountId: account.sub } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function build(issuer) {
  // The certified code says on each start what a service for the public should change.
  console.warn = console.info = () => {};
  const provider = new Provider(issuer, {
    clients: [
      client('relaycast', 'client_secret_basic'),
      client('relaycast-post', 'client_secret_post'),
      client('relaycast-public', 'none'),
    ],
    jwks: { keys: [...new Set(['RS256', settings.algorithm])].map(key) },
    cookies: { keys: ['of the tests'] },
    claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name', 'nickname'] },
    conformIdTokenClaims: !settings.inToken,
    features: { devInteractions: { enabled: false } },
    interactions: { policy: policy(), url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => (settings.account?.sub === sub ? settings.account : { sub }),
    }),
    loadExistingGrant: grant,
    enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
  });
  const serve = provider.callback();
  return (request, response) => {
    if (!request.url.startsWith('/interaction/')) return serve(request, response);
    answer(provider, request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  };
}

const server = createServer((request, response) => handle(request, response));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
for await (const line of createInterface({ input: process.stdin })) {
  Object.assign(settings, JSON.parse(line));
  handle = build(issuer);
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
}
process.exit(0);
