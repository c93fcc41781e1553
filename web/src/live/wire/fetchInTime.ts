/** Longer than the broker lets any request take; one that is frozen answers nothing at all. */
const MOST_MS = 30_000;

/** `fetch`, which fails where there is no answer in time, instead of leaving whoever asked waiting for good. */
export async function fetchInTime(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const limit = new AbortController();
  const abort = () => limit.abort();
  const timer = setTimeout(abort, MOST_MS);
  if (init.signal?.aborted) abort();
  init.signal?.addEventListener("abort", abort);
  try {
    return await fetch(input, { ...init, signal: limit.signal });
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener("abort", abort);
  }
}
