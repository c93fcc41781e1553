import { useQuery } from "urql";
import { classes } from "~/design/classes";
import { Icon } from "~/design/Icon";
import { grouped } from "~/design/number";
import { useWide } from "~/design/useWide";
import { FACETS, type FacetCount, type Facets } from "./documents";
import { asksFor, excluding, toggled } from "./model/conditions";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

const SHOWN: readonly { facet: keyof Facets; title: string }[] = [
  { facet: "ok", title: texts.logs.outcome },
  { facet: "kind", title: texts.logs.kind },
  { facet: "agent", title: texts.logs.agent },
  { facet: "tool", title: texts.logs.tool },
  { facet: "cli", title: texts.logs.program },
  { facet: "session", title: texts.logs.session },
];
/** The language excludes these. */
const EXCLUDABLE = new Set<keyof Facets>(["agent", "kind"]);

/** The most frequent values of what was found; a click asks for one. */
export function FacetList({ query }: { query: string }) {
  const { address } = useAddress();
  const wide = useWide();
  const [{ data }] = useQuery({
    query: FACETS,
    variables: { query, session: address.session ?? null },
    requestPolicy: "cache-and-network",
  });
  const lists = SHOWN.map(({ facet, title }) => (
    <FacetValues key={facet} facet={facet} title={title} counts={data?.workspace[facet] ?? []} />
  ));
  const look = "shrink-0 border-line md:w-56 md:overflow-y-auto md:border-r";
  if (wide)
    return (
      <aside aria-label={texts.logs.narrow} className={classes(look, "px-2 py-3")}>
        {lists}
      </aside>
    );
  return (
    <aside aria-label={texts.logs.narrow} className={classes(look, "border-b md:border-b-0")}>
      <details className="group">
        <summary className="flex min-h-9 list-none items-center gap-1.5 px-4 text-xs text-soft select-none hover:bg-hover pointer-coarse:min-h-11 [&::-webkit-details-marker]:hidden">
          <Icon name="chevron" width="12" height="12" className="transition-transform group-open:rotate-90" />
          {texts.logs.narrow}
        </summary>
        <div className="px-2 pb-2">{lists}</div>
      </details>
    </aside>
  );
}

interface FacetValuesProps {
  facet: keyof Facets;
  title: string;
  counts: readonly FacetCount[];
}

function FacetValues({ facet, title, counts }: FacetValuesProps) {
  const found = counts.filter((one) => one.value !== "");
  if (found.length === 0) return null;
  return (
    <section className="mb-3">
      <h2 className="px-2 pb-1 text-2xs font-medium text-faint">{title}</h2>
      <ul>
        {found.map((one) => (
          <FacetValue key={one.value} facet={facet} one={one} />
        ))}
      </ul>
    </section>
  );
}

function FacetValue({ facet, one }: { facet: keyof Facets; one: FacetCount }) {
  const { address, go } = useAddress();
  const q = address.q ?? "";
  const title = titleOf(facet, one);
  const [field, value] =
    facet === "ok" ? ["failed", one.value === "true" ? "false" : "true"] : [facet, one.value];
  const session = one.name || one.value;
  const asked = facet === "session" ? address.session === session : asksFor(q, field, value);
  const choose = () =>
    facet === "session" ? go({ session: asked ? undefined : session }) : go({ q: toggled(q, field, value) });
  return (
    <li className="group/value relative flex items-center">
      <button
        type="button"
        aria-pressed={asked}
        onClick={choose}
        className={classes(
          "flex min-h-7 min-w-0 flex-1 items-center gap-2 rounded-md px-2 text-left text-xs hover:bg-hover pointer-coarse:min-h-10",
          asked ? "bg-accent-soft font-medium text-accent-text" : "text-soft",
        )}
      >
        <span className="min-w-0 flex-1 truncate" title={title}>
          {title}
        </span>
        <span
          className={classes(
            "text-2xs text-faint tabular-nums",
            EXCLUDABLE.has(facet) &&
              "pointer-fine:group-hover/value:invisible pointer-fine:group-focus-within/value:invisible",
          )}
        >
          {grouped(one.count)}
        </span>
      </button>
      {EXCLUDABLE.has(facet) && (
        <button
          type="button"
          aria-label={texts.logs.exclude(title)}
          title={texts.logs.exclude(title)}
          onClick={() => go({ q: excluding(q, field, value) })}
          className="flex size-7 items-center justify-center rounded-md text-faint opacity-0 pointer-fine:absolute pointer-fine:right-0 group-hover/value:opacity-100 hover:bg-active hover:text-text focus-visible:opacity-100 pointer-coarse:size-10 pointer-coarse:opacity-100"
        >
          <span aria-hidden="true">−</span>
        </button>
      )}
    </li>
  );
}

function titleOf(facet: keyof Facets, one: FacetCount): string {
  if (facet === "ok") return one.value === "true" ? texts.logs.fine : texts.logs.failed;
  return facet === "session" ? one.name || texts.logs.gone(one.value) : one.value;
}
