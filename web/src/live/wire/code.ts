import { lazy, type ComponentType } from "react";
import { BASE } from "./base";

const AGAIN_MS = 1000;

/**
 * Loads code that is not part of the first visit. While the broker is away it waits for it, so that a page which lost its
 * connection stays as it is; code that a broker which answers does not have is an error.
 */
export function patiently<Code>(load: () => Promise<Code>, answers = brokerAnswers): () => Promise<Code> {
  return async () => {
    try {
      return await load();
    } catch {
      while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      return load();
    }
  };
}

/** A component whose code is loaded, patiently, when it is first drawn. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as React's own: of whatever properties
export function lazily<Drawn extends ComponentType<any>>(load: () => Promise<{ default: Drawn }>) {
  return lazy(patiently(load));
}

/** What stands before a broker that is away says so by a status above 500. */
async function brokerAnswers(): Promise<boolean> {
  try {
    return (await fetch(BASE, { cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}
