import { defaultStringifySearch, useNavigate } from "@tanstack/react-router";
import type { ComponentProps, MouseEvent } from "react";
import { inBase } from "~/live/wire/base";

interface LineLinkProps extends Omit<ComponentProps<"a">, "href"> {
  session: string;
  line: string;
}

/** A line's permalink. The router's own links cost too much where hundreds are drawn each second. */
export function LineLink({ session, line, children, ...rest }: LineLinkProps) {
  const navigate = useNavigate();
  const search = { session, line };
  const open = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigate({ to: "/logs", search });
  };
  return (
    <a href={inBase(`/logs${defaultStringifySearch(search)}`)} onClick={open} {...rest}>
      {children}
    </a>
  );
}
