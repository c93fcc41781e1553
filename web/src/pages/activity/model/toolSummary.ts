import type { ToolPart } from "./entries";

/** The members of a tool's input that say most about it, best first. */
const TELLING = [
  "command",
  "file_path",
  "path",
  "pattern",
  "query",
  "url",
  "to",
  "name",
  "description",
  "prompt",
  "text",
];

/** What a tool is used for, in a line. */
export function toolSummary(tool: Pick<ToolPart, "command" | "changes" | "input">): string {
  if (tool.command !== null) return oneLine(tool.command);
  if (tool.changes.length > 0) return tool.changes.map((change) => change.path).join(", ");
  if (typeof tool.input !== "object" || tool.input === null) return "";
  const input = tool.input as Record<string, unknown>;
  const said = TELLING.map((name) => input[name]).filter(
    (value) => typeof value === "string" && value !== "",
  );
  return oneLine(said.slice(0, 2).join("  "));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, 300);
}
