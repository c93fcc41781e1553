import type { Provider } from "./documents";

/** What the form holds, as it is filled in. */
export interface Draft {
  readonly issuer: string;
  readonly clientId: string;
  /** The name of a secret; empty for a public client. */
  readonly secret: string;
  /** Apart by spaces, commas or lines. */
  readonly domains: string;
  readonly joinsAs: JoinsAs;
  readonly required: boolean;
  readonly hours: string;
}

/** Empty: nobody comes in who is not invited. */
export type JoinsAs = "" | "MEMBER" | "VIEWER";

const EMPTY: Draft = {
  issuer: "",
  clientId: "",
  secret: "",
  domains: "",
  joinsAs: "",
  required: false,
  hours: "12",
};

/** The form as it begins. */
export function draftOf(provider: Provider | null): Draft {
  if (provider === null) return EMPTY;
  const { issuer, clientId, secret, domains, joinsAs, required, hours } = provider;
  return {
    issuer,
    clientId,
    secret: secret ?? "",
    domains: domains.join(", "),
    joinsAs: joinsAs === "MEMBER" || joinsAs === "VIEWER" ? joinsAs : "",
    required,
    hours: `${hours}`,
  };
}

/** What is sent of it. The broker checks it, and says what is wrong. */
export function inputOf(draft: Draft) {
  return {
    issuer: draft.issuer.trim(),
    clientId: draft.clientId.trim(),
    secret: draft.secret || null,
    domains: draft.domains.split(/[\s,;]+/).filter((each) => each !== ""),
    joinsAs: draft.joinsAs || null,
    required: draft.required,
    hours: Number(draft.hours),
  };
}

/** Which field of the form a refusal is about, as the broker's words begin with its name; null: with none of them. */
export function fieldOf(code: string, message: string): keyof Draft | null {
  if (/^SECRET_|^INVALID_NAME$/.test(code)) return "secret";
  return FIELDS.get(/^(\w+): /.exec(message)?.[1] ?? "") ?? null;
}

const FIELDS = new Map<string, keyof Draft>([
  ["issuer", "issuer"],
  ["client_id", "clientId"],
  ["domains", "domains"],
  ["joins_as", "joinsAs"],
  ["hours", "hours"],
]);

/** How providers' issuers are written. What is in capitals is to be replaced. */
export interface Preset {
  readonly name: string;
  readonly issuer: string;
}

export const PRESETS: readonly Preset[] = [
  // The org authorization server: https://developer.okta.com/docs/concepts/auth-servers/
  { name: "Okta", issuer: "https://YOUR-ORG.okta.com" },
  // https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc
  { name: "Entra ID", issuer: "https://login.microsoftonline.com/TENANT-ID/v2.0" },
  // https://developers.google.com/identity/openid-connect/openid-connect
  { name: "Google", issuer: "https://accounts.google.com" },
  // https://www.keycloak.org/securing-apps/oidc-layers
  { name: "Keycloak", issuer: "https://YOUR-HOST/realms/REALM" },
  // With its slash at the end: https://auth0.com/docs/secure/tokens/json-web-tokens/validate-json-web-tokens
  { name: "Auth0", issuer: "https://YOUR-TENANT.auth0.com/" },
];
