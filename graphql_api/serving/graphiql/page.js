// Runs GraphiQL on /graphql. Signed in with the dashboard, the browser's cookie says who asks; else a token does, which
// the tab "Headers" takes: {"authorization": "Bearer rk_live_…"}.

const RESPONSE = 'application/graphql-response+json';

async function ask(parameters, accept, headers, signal) {
  return fetch('/graphql', {
    method: 'POST',
    body: JSON.stringify(parameters),
    headers: { 'content-type': 'application/json', accept, ...headers },
    signal,
  });
}

// Every `next` of a stream of server-sent events.
async function* answers(parameters, headers, signal) {
  const answer = await ask(parameters, 'text/event-stream', headers, signal);
  if (!answer.headers.get('content-type').startsWith('text/event-stream')) {
    yield await answer.json();
    return;
  }
  let text = '';
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n');
    text = events.pop();
    for (const event of events) {
      const [, data] = /^event: next\ndata: (.*)$/.exec(event) ?? [];
      if (data) yield JSON.parse(data);
    }
  }
}

function fetcher(parameters, { documentAST, headers }) {
  const asked = documentAST?.definitions.find(
    ({ kind, name }) =>
      kind === 'OperationDefinition' && (!parameters.operationName || name?.value === parameters.operationName),
  );
  if (asked?.operation !== 'subscription') return ask(parameters, RESPONSE, headers).then((answer) => answer.json());
  const stopping = new AbortController();
  const running = answers(parameters, headers, stopping.signal);
  const end = running.return.bind(running);
  running.return = (value) => {
    stopping.abort();
    return end(value);
  };
  return running;
}

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: '{\n  viewer {\n    name\n    permissions\n  }\n}\n' }),
);
