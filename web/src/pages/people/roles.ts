import type { Person } from "./documents";
import * as texts from "~/texts";

export type Role = Person["role"];

/** Each role with what it may do, in words; the one that may most comes first. */
export const ROLES: readonly { readonly role: Role; readonly title: string; readonly means: string }[] = [
  { role: "OWNER", title: texts.people.owner, means: texts.people.ownerMeans },
  { role: "ADMIN", title: texts.people.admin, means: texts.people.adminMeans },
  { role: "MEMBER", title: texts.people.member, means: texts.people.memberMeans },
  { role: "VIEWER", title: texts.people.viewer, means: texts.people.viewerMeans },
  { role: "BILLING", title: texts.people.billing, means: texts.people.billingMeans },
];

/** What a role is called, and what it may do. */
export function roleWords(role: Role): { readonly title: string; readonly means: string } {
  return ROLES.find((one) => one.role === role) ?? { title: role.toLowerCase(), means: "" };
}

/** The roles that a viewer may give: owners are made by owners. */
export function givenBy(viewer: Role | null, isPerson: boolean): typeof ROLES {
  return viewer === "OWNER" || !isPerson ? ROLES : ROLES.filter(({ role }) => role !== "OWNER");
}
