/**
 * Where the dashboard lies on its host: "/", or "/relay/" below a proxy that keeps the rest of the host for others. The
 * gateway writes it into the page; see `broker/gateway/dashboard.py`.
 */
export const BASE = read();

/** The same without the workspace that an address may name, as `/w/acme/` does. */
const ROOT = BASE.replace(/\/w\/[^/]+\/$/, "/");

function read(): string {
  // Models are tested where there is no page.
  if (typeof document === "undefined") return "/";
  return document.querySelector<HTMLMetaElement>('meta[name="relaycast-base"]')?.content ?? "/";
}

/** The address of a page or an endpoint of ours, `path` beginning with a slash. */
export function inBase(path: string): string {
  return BASE + path.slice(1);
}

/** The address of a page in a workspace, `path` beginning with a slash. */
export function inWorkspace(slug: string, path = "/"): string {
  return `${ROOT}w/${slug}${path}`;
}

/** Whether the page's address names a workspace. */
export function namesWorkspace(): boolean {
  return BASE !== ROOT;
}

/** What the page's address calls the workspace that it names; null where it names none. */
export function slugInAddress(): string | null {
  return /\/w\/([^/]+)\/$/.exec(BASE)?.[1] ?? null;
}

/** What `--url` of relay-connect is for the broker that a page comes from. */
export function brokerUrl(at: Location = location): string {
  return at.origin + ROOT.slice(0, -1);
}

/** The path of a page of ours below the base, beginning with a slash. */
export function belowBase(pathname: string): string {
  return pathname.startsWith(BASE) ? pathname.slice(BASE.length - 1) : pathname;
}

/** What a browser keeps for this broker under `name`, apart from what it keeps for others of the same host. */
export function keptAs(name: string): string {
  return BASE === "/" ? name : `${name} ${BASE}`;
}

/** The same, whichever of the broker's workspaces a page shows. */
export function keptInRoot(name: string): string {
  return ROOT === "/" ? name : `${name} ${ROOT}`;
}
