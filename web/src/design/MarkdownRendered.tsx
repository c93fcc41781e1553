import { lexer, type Token, type Tokens } from "marked";
import { Fragment, memo, type ReactNode } from "react";
import "./markdown.css";
import { CodeBlock } from "./code/CodeBlock";
import { Seen } from "./Seen";
import * as texts from "~/texts";

/**
 * Boards, trees and tables made of line-drawing characters mean nothing unless they stand as they were drawn; nor does code
 * that was pasted without a fence, by its indented lines.
 */
const DRAWN = /[\u2500-\u257f]|\n(?: {2,}|\t)\S/;
/** Of a picture in a text. What can contain a program is none. */
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[\w+/]+=*$/;
const MOST_PICTURE_CHARACTERS = 400_000;
const ADDRESS = /^(?:https?:\/\/)?((?:[\w-]+\.)+[a-z]{2,}(?::\d+)?)(?:[/?#]\S*)?$/i;
const SAFE_LINK = /^(https?:|mailto:)/i;

/**
 * Markdown drawn as elements from the parser's tokens. No HTML of an author ever becomes HTML of ours, and while
 * text streams in, what stands already is left as it is.
 */
export const MarkdownRendered = memo(function MarkdownRendered({ text }: { text: string }) {
  const tokens = lexer(text, { gfm: true, breaks: true });
  // What a block says is in its own text, but for the addresses of links that are told elsewhere.
  const links = JSON.stringify(tokens.links);
  return <div className="markdown">{blocks(tokens, links)}</div>;
});

function blocks(tokens: readonly Token[], links: string): ReactNode {
  // Tokens have no identity of their own; text only grows at the end, so a token's place is as good.
  return tokens.map((token, place) => <Block key={place} token={token} links={links} />);
}

const Block = memo(
  function Block({ token, links }: BlockProps) {
    return block(token, links);
  },
  ({ token: before, links }, { token, ...after }) =>
    before.raw === token.raw && before.type === token.type && links === after.links,
);

interface BlockProps {
  token: Token;
  links: string;
}

function block(token: Token, links: string): ReactNode {
  switch (token.type) {
    case "heading":
      return <Heading depth={(token as Tokens.Heading).depth}>{inline(token.tokens)}</Heading>;
    case "paragraph":
      if (DRAWN.test(token.raw))
        return (
          <pre className="drawn">
            <Seen text={token.raw} />
          </pre>
        );
      return <p>{inline(token.tokens)}</p>;
    case "code":
      return <CodeBlock {...fenced(token as Tokens.Code)} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [], links)}</blockquote>;
    case "list":
      return <List list={token as Tokens.List} links={links} />;
    case "table":
      return <MarkdownTable table={token as Tokens.Table} />;
    case "hr":
      return <hr />;
    case "space":
    case "def":
      return null;
    case "text":
      return token.tokens ? inline(token.tokens) : <Seen text={(token as Tokens.Text).text} />;
    default:
      return <Seen text={token.raw} />;
  }
}

/** An author's first heading stands below ours. */
function Heading({ depth, children }: { depth: number; children: ReactNode }) {
  const Level = (["h3", "h4", "h5", "h6"] as const)[Math.min(depth, 4) - 1] ?? "h6";
  return <Level>{children}</Level>;
}

function List({ list, links }: { list: Tokens.List; links: string }) {
  const items = list.items.map((item, place) => (
    <li key={place} className={item.task ? "task" : undefined}>
      {item.task && (
        <input type="checkbox" checked={item.checked ?? false} disabled aria-label={texts.design.done} />
      )}
      {blocks(
        item.tokens.filter((token) => token.type !== "checkbox"),
        links,
      )}
    </li>
  ));
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function MarkdownTable({ table }: { table: Tokens.Table }) {
  return (
    <div className="table" tabIndex={0} role="group" aria-label={texts.design.table}>
      <table>
        <thead>
          <tr>
            {table.header.map((cell, place) => (
              <th key={place} scope="col">
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            <tr key={line}>
              {row.map((cell, place) => (
                <td key={place}>{inline(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[] | undefined): ReactNode {
  return (tokens ?? []).map((token, place) => <Fragment key={place}>{span(token)}</Fragment>);
}

function span(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return (
        <code>
          <Seen text={(token as Tokens.Codespan).text} />
        </code>
      );
    case "br":
      return <br />;
    case "link":
      return <Anchor link={token as Tokens.Link}>{inline(token.tokens)}</Anchor>;
    case "image":
      return <Picture image={token as Tokens.Image} />;
    case "escape":
      return <Seen text={(token as Tokens.Escape).text} />;
    case "text":
      return token.tokens ? inline(token.tokens) : <Seen text={(token as Tokens.Text).text} />;
    default:
      return <Seen text={token.raw} />;
  }
}

function fenced({ lang, text }: Tokens.Code): { language: string; code: string } {
  return { language: /^\S*/.exec(lang ?? "")?.[0] ?? "", code: text };
}

/** A picture that is in the text. Nothing is fetched from elsewhere because an agent said so. */
function Picture({ image }: { image: Tokens.Image }) {
  const { href, text } = image;
  if (!href.startsWith("data:")) return <Anchor link={image}>{text || texts.design.picture}</Anchor>;
  if (!PICTURE.test(href) || href.length > MOST_PICTURE_CHARACTERS)
    return <em>{texts.design.pictureNotShown(text || texts.design.picture)}</em>;
  return <img src={href} alt={text || texts.design.picture} />;
}

function Anchor({ link, children }: { link: Tokens.Link | Tokens.Image; children: ReactNode }) {
  const { href, text } = link;
  if (!SAFE_LINK.test(href)) return <>{children}</>;
  return (
    <>
      <a href={href} target="_blank" rel="noreferrer noopener">
        {children}
      </a>
      {namesAnother(text, href) && ` (${hostOf(href)})`}
    </>
  );
}

const hostOf = (href: string): string => (URL.canParse(href) ? new URL(href).host : "");

/** Whether a link's words are an address, and not the one that it leads to. */
function namesAnother(words: string, href: string): boolean {
  const named = ADDRESS.exec(words.trim())?.[1];
  const host = hostOf(href);
  return named !== undefined && host !== "" && named.toLowerCase() !== host;
}
