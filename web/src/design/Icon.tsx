import type { SVGProps } from "react";

const PATHS = {
  activity: "M2 8h3l2-5 3 10 2-5h2",
  inbox:
    "M2.5 9.5 4.4 3.4A1 1 0 0 1 5.3 2.7h5.4a1 1 0 0 1 .9.7l1.9 6.1v3.3a.7.7 0 0 1-.7.7H3.2a.7.7 0 0 1-.7-.7zm0 0h3.2l.9 1.6h2.8l.9-1.6h3.2",
  logs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  usage: "M3 13V8.5M8 13V3M13 13V6",
  workflow: "M2.5 2.5h4v4h-4zM9.5 9.5h4v4h-4zM4.5 6.5v3a2 2 0 0 0 2 2h3",
  hook: "M10.5 5.2a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2ZM10.5 5.2v5.2a3.3 3.3 0 0 1-6.6 0V7.6m0 0L2.4 9.3m1.5-1.7 1.6 1.7",
  settings:
    "M2.5 5h6.2M12 5h1.5M2.5 11H4m3.3 0h6.2M10.3 3.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM5.7 9.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2Z",
  home: "m2.5 7.3 5.5-4.6 5.5 4.6v5.4a.8.8 0 0 1-.8.8H3.3a.8.8 0 0 1-.8-.8zM6.3 13.5V9.2h3.4v4.3",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4l3.1 3.1",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  more: "M3 7.3a.7.7 0 1 1 0 1.4.7.7 0 0 1 0-1.4ZM8 7.3a.7.7 0 1 1 0 1.4.7.7 0 0 1 0-1.4ZM13 7.3a.7.7 0 1 1 0 1.4.7.7 0 0 1 0-1.4Z",
  close: "m4 4 8 8M12 4l-8 8",
  check: "m3 8.5 3.2 3L13 4.5",
  chevron: "m6 4 4 4-4 4",
  down: "M8 3v10m0 0 4-4m-4 4L4 9",
  arrow: "M2.5 8h10m0 0L9 4.5M12.5 8 9 11.5",
  copy: "M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1Z",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13.3 9.6A5.7 5.7 0 0 1 6.4 2.7a5.7 5.7 0 1 0 6.9 6.9Z",
  screen: "M2.5 3.5h11v7h-11zM6 13.5h4",
  terminal: "m3 4.5 3.5 3.5L3 11.5M8.5 12H13",
  file: "M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2",
  tool: "M9.6 6.4 3 13m7-10.6a3.2 3.2 0 0 0-3 4.4 3.2 3.2 0 0 0 4.4 1.5 3.2 3.2 0 0 0 1.9-3.5L11.5 6.6 9.6 6.4 9.4 4.5l1.8-1.8A3.2 3.2 0 0 0 10 2.4Z",
  machine: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  hash: "M6 2.5 4.8 13.5M11.2 2.5 10 13.5M2.8 5.8h11M2.2 10.2h11",
  warning: "M8 2.3 14 13H2zM8 6.5v3M8 11.2h.01",
  spark: "M8 2v3M8 11v3M2 8h3M11 8h3M3.8 3.8l2 2M10.2 10.2l2 2M12.2 3.8l-2 2M5.8 10.2l-2 2",
  people:
    "M5.8 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM1.8 13.2c0-2.4 1.6-3.8 4-3.8s4 1.4 4 3.8M10.7 3.2a2.2 2.2 0 0 1 0 4.1M11.6 9.6c1.6.3 2.6 1.6 2.6 3.6",
  link: "M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.7.7M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.7-.7",
  plus: "M8 3v10M3 8h10",
  stop: "M4.5 4.5h7v7h-7z",
  send: "m2.5 8 11-5-3.5 10.5L7.5 9z",
  bell: "M4 10.8V7a4 4 0 0 1 8 0v3.8l1 1.2H3zM6.8 13.8h2.4",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture of 16 px drawn in the text's colour; it says nothing to a screen reader. */
export function Icon({ name, ...rest }: { name: IconName } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...rest}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
