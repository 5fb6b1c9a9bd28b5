import type { ButtonHTMLAttributes } from 'react';

type Look = 'primary' | 'plain' | 'danger' | 'quiet';

const LOOKS: Readonly<Record<Look, string>> = {
  primary: 'bg-accent-ground text-on-accent border-transparent hover:brightness-105 font-semibold',
  plain: 'bg-surface text-text border-line-strong hover:bg-sunken font-medium',
  danger: 'bg-surface text-red border-line-strong hover:bg-red-ground font-medium',
  quiet: 'bg-transparent text-muted border-transparent hover:bg-grey-ground hover:text-text font-medium',
};

/** Classes of a button, also for links that look like one. */
export const buttonClass = (look: Look = 'plain'): string =>
  `inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-[13px] leading-5 whitespace-nowrap transition-colors disabled:cursor-not-allowed disabled:opacity-50 ${LOOKS[look]}`;

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look };

export function Button({ look = 'plain', className = '', ...rest }: Props) {
  return <button type="button" {...rest} className={`${buttonClass(look)} ${className}`} />;
}
