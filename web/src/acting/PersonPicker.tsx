import { useId, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "~/live/wire/graphql";
import { INPUT } from "./Field";
import * as texts from "~/texts";

const FOUND = graphql(`
  query FoundPeople($search: String!, $people: Boolean!, $groups: Boolean!) {
    workspace {
      id
      members(search: $search, first: 8) @include(if: $people) {
        nodes {
          key
          name
        }
      }
      groups(search: $search, first: 8) @include(if: $groups) {
        nodes {
          key
          name
        }
      }
    }
  }
`);

/** A person or a group that somebody chose. */
export interface Picked {
  readonly kind: "person" | "group";
  readonly key: string;
  readonly name: string;
}

interface PersonPickerProps {
  label: string;
  groups: boolean;
  /** Those that are there already. */
  but: ReadonlySet<string>;
  onPick: (picked: Picked) => void;
}

/** Looks for people, and groups, by a part of their name; each that is found is a button that chooses it. */
export function PersonPicker({ label, groups, but, onPick }: PersonPickerProps) {
  const id = useId();
  const [text, setText] = useState("");
  const search = text.trim();
  const [{ data }] = useQuery({
    query: FOUND,
    variables: { search, people: true, groups },
    pause: search === "",
    requestPolicy: "cache-and-network",
  });
  const found: Picked[] =
    search === "" || !data
      ? []
      : [
          ...(data.workspace.groups?.nodes ?? []).map((one) => ({ kind: "group" as const, ...one })),
          ...(data.workspace.members?.nodes ?? []).map((one) => ({ kind: "person" as const, ...one })),
        ].filter(({ key }) => !but.has(key));
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-xs text-soft">
        {label}
      </label>
      <input
        id={id}
        type="search"
        autoComplete="off"
        maxLength={100}
        placeholder={texts.people.pickHint}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          const [first] = found;
          if (event.key !== "Enter") return;
          event.preventDefault();
          if (first) pick(first);
        }}
        className={INPUT}
      />
      {search !== "" && data && (
        <ul className="flex flex-col rounded-lg border border-line" aria-label={texts.people.found}>
          {found.map((one) => (
            <li key={one.key}>
              <button
                type="button"
                onClick={() => pick(one)}
                className="flex min-h-9 w-full items-center gap-2 px-2 text-left hover:bg-hover pointer-coarse:min-h-11"
              >
                <span className="flex-1 break-words">{one.name}</span>
                {one.kind === "group" && <span className="text-xs text-faint">{texts.people.aGroup}</span>}
              </button>
            </li>
          ))}
          {found.length === 0 && <li className="px-2 py-2 text-faint">{texts.people.nobodyFound}</li>}
        </ul>
      )}
    </div>
  );

  function pick(picked: Picked) {
    setText("");
    onPick({ kind: picked.kind, key: picked.key, name: picked.name });
  }
}
