import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes";

const LOOKS = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover disabled:bg-active disabled:text-faint",
  plain: "border border-line bg-surface text-text hover:bg-hover disabled:text-faint",
  quiet: "text-soft hover:bg-hover hover:text-text disabled:text-faint",
  danger: "border border-line bg-surface text-bad hover:bg-bad-soft disabled:text-faint",
};

const SIZES = {
  small: "h-7 gap-1.5 rounded-md px-2 text-xs",
  medium: "h-8 gap-2 rounded-md px-3 text-sm",
  large: "h-11 gap-2 rounded-lg px-4 text-base",
};

export interface ButtonProps extends ComponentProps<"button"> {
  look?: keyof typeof LOOKS;
  size?: keyof typeof SIZES;
}

/** A button with words on it. On touch screens every size is at least 40 px high. */
export function Button({
  look = "plain",
  size = "medium",
  className,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      className={classes(
        "inline-flex shrink-0 items-center justify-center font-medium whitespace-nowrap select-none pointer-coarse:min-h-10",
        "transition-colors disabled:cursor-not-allowed",
        LOOKS[look],
        SIZES[size],
        className,
      )}
      {...rest}
    />
  );
}

export interface IconButtonProps extends ComponentProps<"button"> {
  /** What it does, for screen readers. */
  label: string;
  children: ReactNode;
}

/** A button that is only a picture; its label is said and shown on hover. */
export function IconButton({ label, className, type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={classes(
        "inline-flex size-7 shrink-0 items-center justify-center rounded-md text-faint transition-colors",
        "hover:bg-hover hover:text-text disabled:cursor-not-allowed disabled:opacity-50 pointer-coarse:size-10",
        className,
      )}
      {...rest}
    />
  );
}
