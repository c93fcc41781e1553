import { useEffect, useRef } from "react";
import { Icon } from "./Icon";

interface SearchFieldProps {
  label: string;
  value: string;
  onSearch: (text: string) => void;
}

/** A place to look for a part of a name; Enter looks, and an emptied one shows all again. */
export function SearchField({ label, value, onSearch }: SearchFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // What is looked for may change elsewhere, as by going back.
    if (input.current) input.current.value = value;
  }, [value]);
  return (
    <form
      role="search"
      className="relative"
      onSubmit={(event) => {
        event.preventDefault();
        const text = new FormData(event.currentTarget).get("q");
        onSearch(typeof text === "string" ? text.trim() : "");
      }}
    >
      <Icon
        name="search"
        className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-faint"
      />
      <input
        ref={input}
        type="search"
        name="q"
        aria-label={label}
        placeholder={label}
        maxLength={100}
        defaultValue={value}
        onChange={(event) => event.target.value === "" && value !== "" && onSearch("")}
        className="h-9 w-full rounded-lg border border-line-strong bg-surface pr-2 pl-8 placeholder:text-faint pointer-coarse:h-11"
      />
    </form>
  );
}
